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

from cpwl_milp.core.affine import Affine, Dense, Vector
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.errors import DataError
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import Bits, pack, unique, unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.information.region_volumes import region_volumes


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
    regions = region_volumes(problem)
    bits = unpack(regions.patterns, problem.network.n_units)
    own = network.n_units
    return Decided(
        bits[:, :own],
        decisions(bits[:, own:], network.n_outputs),
        regions.shares,
        max(2, network.n_outputs),
        regions.volume_share,
        regions.method,
    )


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


def masses(parts: Decided, units: slice) -> Vector:
    """Probabilities of the patterns of some units, in the patterns' byte order."""
    _, place, _ = unique(pack(parts.bits[:, units]))
    return np.bincount(place, parts.mass).astype(np.float64)


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
