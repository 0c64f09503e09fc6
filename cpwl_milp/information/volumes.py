"""Exact entropies and informations for inputs that are uniform on a box: by volumes.

The probability of a region is its share of the domain's volume. The label is the network's own
decision, the largest output, or drawn from a given p(y | decision). To split regions by decision
the differences of outputs become units of one more layer: the cells of that network are the parts
of regions in which one output is the largest.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.affine import Affine, Dense, Vector
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.errors import CheckFailedError, DataError, DomainError
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import Bits, Packed, pack, unique, unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.cells.complex import MOST_INPUTS as FEW_INPUTS
from cpwl_milp.engines.cells.complex import cells_of
from cpwl_milp.engines.choice import EngineSettings
from cpwl_milp.enumeration.listing import list_regions
from cpwl_milp.partition.volumes import MOST_INPUTS, hull_volumes

# Volumes must add up to the domain's: by clipping to rounding, by joggled hulls less closely.
_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Decided:
    """Regions split by the network's decision, with their probabilities.

    Attributes
    ----------
    bits : ndarray of bool, shape (n, n_units)
        The pattern of the region that each part belongs to.
    classes : ndarray of int64, shape (n,)
    mass : ndarray, shape (n,)
        Shares of the domain's volume; they add up to 1.
    n_classes : int
    volume_share : float
        What the volumes added up to before they were made shares: the check.
    method : str
        "cells" or "hulls".
    """

    bits: Bits
    classes: NDArray[np.int64]
    mass: Vector
    n_classes: int
    volume_share: float
    method: str


def with_decisions(network: Network) -> Network:
    """The network with one layer more: a unit for each pair i < j of outputs.

    It is above 0 iff j beats i. A single output decides by its sign.
    """
    n = network.n_outputs
    pairs = list(combinations(range(n), 2))
    differences = np.zeros((len(pairs), n))
    for row, (i, j) in enumerate(pairs):
        differences[row, i], differences[row, j] = -1.0, 1.0
    if n == 1:
        differences = np.ones((1, 1))
    affine = Affine(differences, np.zeros(len(differences))).after(network.output)
    return Network(
        (*network.layers, Layer(affine, np.zeros(affine.n_out), "decision")),
        Affine.identity(affine.n_out),
    )


def decisions(bits: Bits, n_outputs: int) -> NDArray[np.int64]:
    """The class that the bits of `with_decisions` name, as ``argmax`` does: the first of equals."""
    if n_outputs == 1:
        return bits[:, 0].astype(np.int64)
    beaten = np.zeros((len(bits), n_outputs), dtype=np.bool_)
    for row, (i, j) in enumerate(combinations(range(n_outputs), 2)):
        # Equal outputs leave the bit 0: the first has won.
        beaten[:, i] |= bits[:, row]
        beaten[:, j] |= ~bits[:, row]
    return np.asarray(np.argmin(beaten, axis=1), dtype=np.int64)


def decided_regions(network: Network, domain: Domain) -> Decided:
    """Split the domain by region and decision, and measure every part.

    Parameters
    ----------
    network : Network
    domain : Domain
        A box of which up to 3 inputs vary, or a box or polytope of up to 6.

    Raises
    ------
    DomainError
        If the domain is another.
    CheckFailedError
        If the volumes do not add up to the domain's, or the search does not end.
    """
    problem = Problem.of(with_decisions(network), domain)
    if isinstance(problem.domain, Box) and problem.domain.dim <= FEW_INPUTS:
        patterns, volumes = _by_cells(problem)
        method = "cells"
    elif problem.domain.dim <= MOST_INPUTS and problem.domain.polyhedral:
        patterns, volumes = _by_hulls(problem)
        method = "hulls"
    else:
        raise DomainError(
            "exact volumes",
            f"{problem.domain.dim} inputs that vary"
            if problem.domain.polyhedral
            else "a domain with curved faces",
            f"a box or polytope of at most {MOST_INPUTS}",
            "--draws N estimates by sampling",
        )
    share = _share(problem.domain, volumes, method)
    bits = unpack(patterns, problem.network.n_units)
    own = network.n_units
    return Decided(
        bits[:, :own],
        decisions(bits[:, own:], network.n_outputs),
        volumes / volumes.sum(),
        max(2, network.n_outputs),
        share,
        method,
    )


def _by_cells(problem: Problem) -> tuple[Packed, Vector]:
    bounds = pre_activation_bounds(problem.network, problem.domain)
    parts = [(cells.patterns, cells.volumes) for cells in cells_of(problem, bounds)]
    return np.concatenate([p for p, _ in parts]), np.concatenate([v for _, v in parts])


def _by_hulls(problem: Problem) -> tuple[Packed, Vector]:
    settings = EngineSettings(name="tree", with_points=True, with_inradii=True)
    regions, outcome = list_regions(problem, settings)
    if not outcome.complete:
        raise CheckFailedError("exact volumes", outcome.reason, "all regions")
    volumes = hull_volumes(problem.network, problem.domain, regions.patterns, regions.points)
    return regions.patterns, volumes


def _share(domain: Domain, volumes: Vector, method: str) -> float:
    """Volumes over the domain's; for a polytope the hull of all of it is one more region."""
    box = domain.box
    total = float(np.prod(box.upper - box.lower))
    if not isinstance(domain, Box):
        whole = Network((), Affine(np.zeros((1, domain.dim)), np.zeros(1)))
        regions, _ = list_regions(
            Problem.of(whole, domain), EngineSettings(name="tree", with_points=True)
        )
        total = float(hull_volumes(whole, domain, regions.patterns, regions.points).sum())
    share = float(volumes.sum()) / total
    if abs(share - 1.0) > _TOLERANCE:
        raise CheckFailedError(
            "exact volumes", f"by {method} they add up to {share:.9g} of the domain", "1"
        )
    return share


@dataclass(frozen=True)
class ExactPartition:
    """One partition of the domain.

    Attributes
    ----------
    regions : int
    entropy_bits : float
        H(R).
    mi_labels_bits : float
        I(R; Y).
    label_entropy_given_region_bits : float
        H(Y | R).
    smallest, largest : float
        Probabilities of the least and the most probable region.
    """

    regions: int
    entropy_bits: float
    mi_labels_bits: float
    label_entropy_given_region_bits: float
    smallest: float
    largest: float


@dataclass(frozen=True)
class ExactLayer:
    """Both partitions of one layer, counted from 1."""

    layer: int
    own: ExactPartition
    prefix: ExactPartition


@dataclass(frozen=True)
class ExactInformation:
    """Exact H and I of every layer.

    Attributes
    ----------
    label_entropy_bits : float
    layers : tuple of ExactLayer
    volume_share : float
        What all volumes add up to, as a share of the domain's.
    method : str
    """

    label_entropy_bits: float
    layers: tuple[ExactLayer, ...]
    volume_share: float
    method: str


def exact_information(
    network: Network, parts: Decided, channel: Dense | None = None
) -> ExactInformation:
    """Entropies of own and prefix patterns, and what they tell of the label.

    Parameters
    ----------
    network : Network
        Whose layers the bits are of.
    parts : Decided
    channel : ndarray, shape (n_classes, n_labels), optional
        p(y | decision), rows that add up to 1; without it the label is the decision.

    Raises
    ------
    DataError
        If the channel is none.
    """
    told = np.eye(parts.n_classes) if channel is None else _checked(channel, parts.n_classes)
    layers = []
    for k in range(len(network.layers)):
        own = parts.bits[:, network.layer_bits(k)]
        prefix = parts.bits[:, : network.offsets[k + 1]]
        layers.append(
            ExactLayer(k + 1, _measured(own, parts, told), _measured(prefix, parts, told))
        )
    labels = np.bincount(parts.classes, parts.mass, parts.n_classes) @ told
    return ExactInformation(_entropy(labels), tuple(layers), parts.volume_share, parts.method)


def _checked(channel: Dense, n_classes: int) -> Dense:
    rows = np.asarray(channel, dtype=np.float64)
    good = rows.ndim == 2 and len(rows) == n_classes and np.isfinite(rows).all()
    if not good or (rows < 0).any() or np.abs(rows.sum(axis=1) - 1.0).max() > 1e-9:
        raise DataError(
            "p(y | decision)",
            f"an array of shape {rows.shape}",
            f"{n_classes} rows of probabilities that add up to 1",
        )
    return rows


def _measured(bits: Bits, parts: Decided, told: Dense) -> ExactPartition:
    _, place, _ = unique(pack(bits))
    n = int(place.max()) + 1
    joint = np.zeros((n, parts.n_classes))
    np.add.at(joint, (place, parts.classes), parts.mass)
    table = joint @ told
    regions = joint.sum(axis=1)
    entropy, given = _entropy(regions), _entropy(table) - _entropy(regions)
    information = _entropy(table.sum(axis=0)) - given
    return ExactPartition(
        n,
        entropy,
        # Rounding alone can take these below 0.
        max(information, 0.0),
        max(given, 0.0),
        float(regions.min()),
        float(regions.max()),
    )


def _entropy(p: Dense) -> float:
    positive = p[p > 0]
    # A probability may exceed 1 by rounding.
    return max(float(-(positive * np.log2(positive)).sum()), 0.0)
