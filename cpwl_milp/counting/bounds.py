"""Bounds of the number of regions of one network, every formula by its name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cpwl_milp.core.bounds import UnitStability
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.network import Network
from cpwl_milp.counting import named
from cpwl_milp.counting.binomial import zaslavsky_work
from cpwl_milp.counting.rank import RankBudget
from cpwl_milp.counting.shape import LayerShape, layer_shapes

_SOURCES = {
    "trivial": "Montufar et al. 2014",
    "raghu": "Raghu et al. 2017",
    "montufar2017": "Montufar 2017",
    "serra2018": "Serra, Tjandraatmadja, Ramalingam 2018, Theorem 1 (rank version)",
    "hinz2021": "Hinz, van de Geer 2019; Hinz 2021 (histograms for dimensions 1 and 2)",
    "stability": "Serra, Ramalingam 2020 (idea); recursion over the units unstable on the domain",
    "montufar2014": "Montufar et al. 2014",
    "serra2018-lower": "Serra, Tjandraatmadja, Ramalingam 2018, Theorem 6",
    "samples": "distinct patterns among sampled points",
    "common-zeros": "Zaslavsky 1975, of the arrangement through one point",
}
# Word operations the sum for a layer's own patterns may cost.
_LONGEST_OWN_SUM = 5e7


@dataclass(frozen=True)
class NamedBound:
    """One formula's answer.

    Attributes
    ----------
    name : str
    kind : "upper" or "lower"
    of : "network" or "architecture"
        "network": bounds this network's count on its domain. "architecture": a lower bound of
        the largest count that any weights in these widths reach; says nothing of this network.
    value : int or None
        Exact, of any size; None where the formula does not apply.
    log10 : float or None
        Of the value.
    source : str
    reason : str
        Why there is no value, or what was simplified in it.
    """

    name: str
    kind: Literal["upper", "lower"]
    of: Literal["network", "architecture"]
    value: int | None
    log10: float | None
    source: str
    reason: str


@dataclass(frozen=True)
class LayerBounds:
    """What bounds the counts of one layer.

    Attributes
    ----------
    layer : int
        From 1.
    units, always_active, always_inactive, unstable : int
        Hidden units; without pre-activation bounds all are unstable.
    prefix_upper : int
        Of the number of regions of layers 1..layer.
    prefix_name : str
        The formula that gave it.
    own_upper : int
        Of the number of patterns this layer alone takes on.
    """

    layer: int
    units: int
    always_active: int
    always_inactive: int
    unstable: int
    prefix_upper: int
    prefix_name: str
    own_upper: int


@dataclass(frozen=True)
class CountBounds:
    """All bounds of the number of regions.

    Attributes
    ----------
    bounds : tuple of NamedBound
    layers : tuple of LayerBounds
    upper : int
        The least valid upper bound of this network's count.
    lower : int
        The largest valid lower bound of this network's count, at least 1.
    """

    bounds: tuple[NamedBound, ...]
    layers: tuple[LayerBounds, ...]
    upper: int
    lower: int


def count_bounds(
    network: Network,
    stability: tuple[UnitStability, ...] | None,
    *,
    n_sampled: int | None = None,
    n_zeros: int | None = None,
) -> CountBounds:
    """Bound the number of proper activation regions, per layer and in all.

    The upper bounds hold for any convex domain with an interior and for the whole space, for
    units of any slope and for passed-on values; `stability` makes one of them depend on the
    domain.

    Parameters
    ----------
    network : Network
        Over the coordinates of a full-dimensional domain (`Problem.network`).
    stability : tuple of UnitStability or None
        The units' fates on the domain; None for the whole space or where no bounds are known.
    n_sampled : int or None
        Distinct patterns seen at points in the interior of regions (points of a continuous
        distribution are, with probability 1; points on a boundary must not be counted).
    n_zeros : int or None
        Units with a common zero as `common_zeros` finds it.

    Returns
    -------
    CountBounds

    Raises
    ------
    CheckFailedError
        If more patterns were sampled than an upper bound allows.
    """
    n_inputs = network.n_inputs
    ranks = RankBudget()
    shapes = layer_shapes(network, None, ranks)
    sums = named.Sums()
    uppers = {
        "trivial": named.trivial(shapes),
        "raghu": named.raghu(shapes, n_inputs, sums),
        "montufar2017": named.montufar_2017(shapes, n_inputs, sums),
        "serra2018": named.pushed(shapes, n_inputs, sharp=False, may_be_coarse=False),
        "hinz2021": named.pushed(shapes, n_inputs, sharp=True, may_be_coarse=False),
    }
    on_domain, domain_ranks = shapes, RankBudget()
    if stability is None:
        uppers["stability"] = named.Series((), "needs pre-activation bounds over a domain")
    else:
        on_domain = layer_shapes(network, stability, domain_ranks)
        uppers["stability"] = named.pushed(on_domain, n_inputs, sharp=True, may_be_coarse=True)
    spent = {"serra2018": ranks, "hinz2021": ranks, "stability": domain_ranks}
    bounds = [_upper(name, series, spent.get(name)) for name, series in uppers.items()]
    bounds.append(_of_architecture("montufar2014", named.montufar_2014(shapes, n_inputs)))
    bounds.append(_of_architecture("serra2018-lower", named.serra_2018_lower(shapes, n_inputs)))
    bounds.append(_samples(n_sampled))
    if n_zeros is not None:
        bounds.append(_zeros(n_zeros))
    upper = min(b.value for b in bounds if b.kind == "upper" and b.value is not None)
    lower = max(1, n_sampled or 1, 1 << (n_zeros or 0))
    if lower > upper:
        raise CheckFailedError(
            "bounds",
            f"{lower} regions by samples or zeros",
            f"at most {upper}, the least upper bound",
        )
    return CountBounds(tuple(bounds), _layers(on_domain, uppers, sums), upper, lower)


def _upper(name: str, series: named.Series, ranks: RankBudget | None) -> NamedBound:
    remarks = [series.reason] if series.reason else []
    value = None
    if series.values or not remarks:
        # Without layers the domain is one region.
        value = series.values[-1] if series.values else 1
        if ranks is not None and ranks.skipped:
            remarks.append(f"{ranks.skipped} large matrices have their shape for their rank")
    log10 = None if value is None else math.log10(value)
    return NamedBound(name, "upper", "network", value, log10, _SOURCES[name], "; ".join(remarks))


def _of_architecture(name: str, series: named.Series) -> NamedBound:
    value = series.values[-1] if series.values else None
    log10 = None if value is None else math.log10(value)
    reason = series.reason or "reached by some weights in these widths, not by these weights"
    return NamedBound(name, "lower", "architecture", value, log10, _SOURCES[name], reason)


def _samples(n_sampled: int | None) -> NamedBound:
    value = n_sampled if n_sampled else None
    log10 = None if value is None else math.log10(value)
    reason = "" if value else "no samples were taken"
    return NamedBound("samples", "lower", "network", value, log10, _SOURCES["samples"], reason)


def _zeros(n_zeros: int) -> NamedBound:
    name, reason = "common-zeros", f"{n_zeros} units are zero at one point"
    log10 = n_zeros * math.log10(2)
    return NamedBound(name, "lower", "network", 1 << n_zeros, log10, _SOURCES[name], reason)


def _layers(
    shapes: Sequence[LayerShape], uppers: dict[str, named.Series], sums: named.Sums
) -> tuple[LayerBounds, ...]:
    found = []
    for index, shape in enumerate(shapes):
        valued = {name: s.values[index] for name, s in uppers.items() if s.values}
        name = min(valued, key=valued.__getitem__)
        prefix = valued[name]
        found.append(
            LayerBounds(
                layer=index + 1,
                units=shape.n_units,
                always_active=shape.always_active,
                always_inactive=shape.always_inactive,
                unstable=shape.cutting,
                prefix_upper=prefix,
                prefix_name=name,
                own_upper=min(prefix, _own_patterns(shape, sums)),
            )
        )
    return tuple(found)


def _own_patterns(shape: LayerShape, sums: named.Sums) -> int:
    """Bound the patterns of one layer alone, over all regions below it.

    Seen from the input, the layer's hyperplanes bend at every region. Seen from the values a
    that enter, they are one arrangement ``W a + b = 0``, of rank at most
    ``r = min(rank W_cut, span of the values)``. A pattern (z > 0 or z <= 0) may only be taken on
    where some z vanishes; but choose one a for each pattern and lower all biases by less than
    every positive z at the finitely many chosen points: positive ones stay, vanishing ones turn
    negative. So the patterns are cells of an arrangement in general and number at most
    ``zas(u, r)``.
    """
    n, r = shape.cutting, min(shape.cut_rank, shape.span)
    if zaslavsky_work(n, r) > _LONGEST_OWN_SUM:
        return 1 << n
    return sums(n, r)
