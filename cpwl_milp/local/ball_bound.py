"""BallBound: an upper bound of the number of regions that meet a ball.

In three steps, each sound for the stored float64 weights:

1. bound every pre-activation on the ball: the first layer exactly by the dual norm, deeper ones
   by Lipschitz constants, interval arithmetic and backward substitution (CROWN), optionally by
   linear programs on the circumscribed box; all hold, so all are intersected;
2. the units whose sign stays open are the only ones that can cut;
3. push the image's dimension through the layers, over these units only (`local.recursion`), with
   a sharper count of the first layer's cells (`local.first_layer`).

The question is that of Zhu, Lin and Tang (Bounding the number of linear regions in local area for
neural networks with ReLU activations, arXiv:2007.06803, 2020). Beside it stands a plain product
form, ``prod_l sum_j C(u_l, j)`` over units that Lipschitz constants alone leave open; it is in the
manner of that paper, not taken from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cpwl_milp.bounding.crown import refined_by_crown
from cpwl_milp.bounding.lp import refined_by_lp
from cpwl_milp.core.affine import Dense
from cpwl_milp.core.bounds import Bounds, UnitStability
from cpwl_milp.core.domains import Ball
from cpwl_milp.core.errors import CheckFailedError, InputError
from cpwl_milp.core.network import Network
from cpwl_milp.counting import named
from cpwl_milp.counting.rank import RankBudget
from cpwl_milp.counting.shape import LayerShape, layer_shapes
from cpwl_milp.local.arrangement import arrangement_of
from cpwl_milp.local.first_layer import FirstLayer, first_layer_bound
from cpwl_milp.local.lipschitz import LipschitzBounds, LipschitzConstants, lipschitz_bounds
from cpwl_milp.local.recursion import regions_bound

METHODS = ("interval", "crown", "lp")
"""How hard to try for step 1, from cheap to tight; Lipschitz constants always take part."""


@dataclass(frozen=True, eq=False)
class BallBound:
    """What is proved of the regions in one ball.

    Attributes
    ----------
    upper : int
        At most so many regions meet the ball.
    product : int or None
        The product form; None where its sums are too long.
    first_layer : FirstLayer or None
        Cells of the first layer; None where it has none to cut.
    bounds : Bounds
        Of all pre-activations on the ball.
    stability : tuple of UnitStability
        The units' fates by these bounds.
    """

    upper: int
    product: int | None
    first_layer: FirstLayer | None
    bounds: Bounds
    stability: tuple[UnitStability, ...]

    @property
    def crossing(self) -> tuple[int, ...]:
        """At most so many units of each layer change their sign in the ball."""
        return tuple(int(np.count_nonzero(fate.unstable)) for fate in self.stability)


class BallBounder:
    """BallBounds of one network at many points.

    Parameters
    ----------
    network : Network
    norm : str
        "1", "2" or "inf".
    method : str
        One of `METHODS`.
    most_sets : int
        How many sets of hyperplanes the first layer's count may look at, a ball.

    Raises
    ------
    InputError
        If the method is unknown.
    """

    def __init__(
        self, network: Network, norm: str, *, method: str = "crown", most_sets: int = 2000
    ) -> None:
        if method not in METHODS:
            raise InputError("bounds", f"method {method!r}", f"one of {', '.join(METHODS)}")
        self._network = network
        self._method = method
        self._most_sets = most_sets
        self._constants = LipschitzConstants.of(network, norm)
        self._first = network.layers[0].affine if network.layers else None
        self._sums = named.Sums()

    def at(self, ball: Ball) -> BallBound:
        """The bound for one ball.

        Raises
        ------
        CheckFailedError
            If a tighter method is looser than the product form.
        """
        network = self._network
        by_norms = lipschitz_bounds(network, ball, self._constants)
        bounds = self._tightened(ball, by_norms.local)
        stability = bounds.stability(network)
        first = self._first_layer(ball, by_norms, stability)
        shapes = layer_shapes(network, stability, RankBudget())
        product = self._product(by_norms.plain)
        upper = regions_bound(shapes, network.n_inputs, first.upper if first else None)
        if product is not None and upper > product:
            # Numbers of thousands of digits are rounded up on the way.
            if upper >> 2048 <= product >> 2048 and upper.bit_length() <= 4000:
                raise CheckFailedError(
                    "BallBound", f"{upper}", f"at most {product}, the product form"
                )
            upper = product
        return BallBound(upper, product, first, bounds, stability)

    def _tightened(self, ball: Ball, bounds: Bounds) -> Bounds:
        if self._method == "interval":
            return bounds
        bounds = refined_by_crown(self._network, ball, bounds)
        if self._method == "lp":
            bounds = refined_by_lp(self._network, ball, bounds)
        return bounds

    def _first_layer(
        self, ball: Ball, by_norms: LipschitzBounds, stability: tuple[UnitStability, ...]
    ) -> FirstLayer | None:
        if self._first is None:
            return None
        cutting = self._network.layers[0].units[stability[0].unstable]
        if not cutting.size:
            return FirstLayer((1,), 0)
        rows = self._first.weight[cutting]
        dense: Dense = rows if isinstance(rows, np.ndarray) else np.asarray(rows.toarray())
        at_centre = by_norms.at_centre
        arrangement = arrangement_of(
            dense,
            at_centre.lower[0][cutting],
            at_centre.upper[0][cutting],
            ball.norm,
            ball.radius,
        )
        return first_layer_bound(arrangement, self._most_sets)

    def _product(self, plain: Bounds) -> int | None:
        """Montufar's product (2017) over the units that the plain Lipschitz form leaves open."""
        shapes = [
            replace(_PLAIN, n_units=int(np.count_nonzero(fate.unstable)), alive=layer.affine.n_out)
            for layer, fate in zip(
                self._network.layers, plain.stability(self._network), strict=True
            )
        ]
        series = named.montufar_2017(shapes, self._network.n_inputs, self._sums)
        if series.reason:
            return None
        return series.values[-1] if series.values else 1


# A layer of which only the numbers of cutting units and of values matter.
_PLAIN = LayerShape(0, 0, 0, 0, 0, 0, 0, 0, 0)


def global_bound(network: Network) -> int | None:
    """Serra, Tjandraatmadja and Ramalingam's bound (2018, Theorem 1) of all regions anywhere.

    None where its sums are too long.
    """
    shapes = layer_shapes(network, None, RankBudget())
    series = named.pushed(shapes, network.n_inputs, sharp=False, may_be_coarse=False)
    if not network.layers:
        return 1
    return series.values[-1] if series.values else None
