"""How a network uses linear terms: winners, patterns, checkpoints, coefficients, rays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Packed, unpack
from cpwl_milp.terms.extracted import TermSet
from cpwl_milp.terms.extraction_report import ExtractionReport
from cpwl_milp.terms.linear import linear_term_blocks
from cpwl_milp.terms.pairs import PairStatistics, Summary, compare_pairs, same_class_partners
from cpwl_milp.terms.rays import RayChanges, on_grid, random_directions, walk

GROUPS = ("agree", "disagree", "same class")
"""Test points with the winning training point, where both classifiers agree or not; and with a
random training point of the network's class."""


@dataclass(frozen=True, eq=False)
class WinnerRow:
    """Terms of test points against those of training points.

    Attributes
    ----------
    group : str
        One of `GROUPS`.
    pairs : PairStatistics
    places : ndarray of int64, shape (2, n)
        The pairs themselves: test points and training points.
    """

    group: str
    pairs: PairStatistics
    places: NDArray[np.int64]


@dataclass(frozen=True)
class PatternRow:
    """How alike the patterns of pairs are in one layer.

    Attributes
    ----------
    group : str
    layer : int
        From 1.
    same_bits : Summary
        Share of the layer's units with the same bit.
    identical : float
        Share of pairs with the same pattern of the layer; NaN without pairs.
    """

    group: str
    layer: int
    same_bits: Summary
    identical: float


@dataclass(frozen=True)
class NetworkRow:
    """The same points' terms in another network, for the class that the first network sees.

    Attributes
    ----------
    name : str
    same_label : float
        Share of points that both put into one class.
    pairs : PairStatistics
    same_bits : tuple of Summary, or None
        By layer, where both networks have the same layers.
    """

    name: str
    same_label: float
    pairs: PairStatistics
    same_bits: tuple[Summary, ...] | None


@dataclass(frozen=True, eq=False)
class CoefficientTable:
    """Coefficients of the terms of the points of one class, over the points.

    Attributes
    ----------
    label : int
    n : int
        Points.
    all : Summary
        Of all coefficients of all points.
    mean, median, std, least, largest : ndarray, shape (n_inputs,)
        Of each coefficient.
    """

    label: int
    n: int
    all: Summary
    mean: Vector
    median: Vector
    std: Vector
    least: Vector
    largest: Vector


@dataclass(frozen=True, eq=False)
class RayReport:
    """First changes along random rays, by the exact walk and on the published grid."""

    exact: RayChanges
    grid: RayChanges


def winner_rows(report: ExtractionReport, training: TermSet, *, seed: int) -> list[WinnerRow]:
    """Compare terms of test points with the terms that win on them, and with others."""
    known, found = report.known, report.found
    rng = np.random.default_rng([seed, 1])
    everyone = np.arange(len(known))
    partners = same_class_partners(known.labels, training.labels, rng)
    chosen = {
        "agree": (everyone[report.agreeing], found.winner[report.agreeing]),
        "disagree": (everyone[~report.agreeing], found.winner[~report.agreeing]),
        "same class": (everyone[partners >= 0], partners[partners >= 0]),
    }
    return [
        WinnerRow(
            group,
            compare_pairs(known.linear[here, 1:], training.linear[there, 1:]),
            np.stack([here, there]),
        )
        for group, (here, there) in chosen.items()
    ]


def pattern_rows(
    network: Network, known: TermSet, training: TermSet, rows: list[WinnerRow]
) -> Iterator[PatternRow]:
    """Compare patterns by layer, for the same pairs as `winner_rows`."""
    for row in rows:
        here, there = row.places
        shares, identical = same_bits(network, known.patterns[here], training.patterns[there])
        for k, width in enumerate(network.widths):
            if width:
                same = float(identical[:, k].mean()) if len(here) else float("nan")
                yield PatternRow(row.group, k + 1, Summary.of(shares[:, k]), same)


def same_bits(network: Network, first: Packed, second: Packed) -> tuple[Dense, NDArray[np.bool_]]:
    """For each pair and layer the share of equal bits, and whether all are; shape (n, n_layers)."""
    equal = unpack(first ^ second, network.n_units)
    np.logical_not(equal, out=equal)
    parts = [equal[:, network.layer_bits(k)] for k in range(len(network.layers))]
    shares = [p.mean(axis=1) if p.shape[1] else np.full(len(p), np.nan) for p in parts]
    if not parts:
        return np.zeros((len(first), 0)), np.zeros((len(first), 0), dtype=np.bool_)
    return np.stack(shares, axis=1), np.stack([p.all(axis=1) for p in parts], axis=1)


def network_row(
    name: str, network: Network, known: TermSet, other: Network, points: NDArray[np.generic]
) -> NetworkRow:
    """Compare terms of points in `network`, which are known, with those in another network."""
    terms, patterns, labels = [], [], []
    for rows, block in linear_term_blocks(other, points):
        own = known.labels[rows]
        terms.append(block.coefficients[np.arange(len(own)), own])
        patterns.append(block.patterns)
        labels.append(block.labels)
    alike = None
    if network.widths == other.widths and network.n_units:
        shares, _ = same_bits(network, known.patterns, np.concatenate(patterns))
        alike = tuple(Summary.of(shares[:, k]) for k in range(shares.shape[1]))
    return NetworkRow(
        name,
        float((np.concatenate(labels) == known.labels).mean()),
        compare_pairs(known.linear[:, 1:], np.concatenate(terms)),
        alike,
    )


def coefficient_tables(known: TermSet) -> list[CoefficientTable]:
    """Coefficients class by class; classes without points are left out."""
    tables = []
    for k in np.unique(known.labels):
        rows = known.linear[known.labels == k, 1:]
        tables.append(
            CoefficientTable(
                int(k),
                len(rows),
                Summary.of(rows),
                rows.mean(axis=0),
                np.median(rows, axis=0),
                rows.std(axis=0),
                rows.min(axis=0),
                rows.max(axis=0),
            )
        )
    return tables


def ray_report(
    network: Network, points: NDArray[np.generic], n_rays: int, *, most_cells: int, seed: int
) -> RayReport:
    """Send one random ray from each of `n_rays` points (from all, if there are fewer)."""
    rng = np.random.default_rng([seed, 2])
    n = min(n_rays, len(points))
    chosen = np.sort(rng.choice(len(points), n, replace=False))
    x = np.asarray(points[chosen], dtype=np.float64)
    v = random_directions(n, network.n_inputs, rng)
    return RayReport(walk(network, x, v, most_cells=most_cells), on_grid(network, x, v))


def geometric_mean(distances: Vector) -> float:
    """Of those that are finite and above 0; NaN without any."""
    there = distances[np.isfinite(distances) & (distances > 0)]
    return float(np.exp(np.log(there).mean())) if there.size else float("nan")
