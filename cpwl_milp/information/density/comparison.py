"""Densities fitted to some samples and judged by others: regions as bins, and what else there is.

"Can a convex partition caused by a CPWL network be used for density estimation?" A histogram on
regions needs no bin width, but nothing makes the regions small where the data are; so the question
is put to every data set anew, with held-out samples, beside estimators that have been tuned.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.errors import DataError, DomainError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import unique
from cpwl_milp.core.problem import Problem
from cpwl_milp.information.density.histogram import CellHistogram, GridHistogram
from cpwl_milp.information.density.placed import Placed
from cpwl_milp.information.density.smooth import (
    gaussian_mixture,
    kernel_density,
    require_scikit_learn,
)
from cpwl_milp.information.region_volumes import RegionVolumes, region_volumes
from cpwl_milp.partition.samples import prefix_of

DENSITIES = ("regions", "histogram", "kde", "gmm")
_FEWEST = 10
NOTES = (
    "log2 density: mean over held-out samples inside the domain, in bits a sample, of densities "
    "by the inputs' own units; higher is better",
    "over regions: the mean difference to the histogram on all regions, sample by sample",
    "all but uniform were tuned on the training samples alone: pseudo-samples and bins by leaving "
    "one out, bandwidth and components by five-fold cross-validation",
    "kde and gmm have mass outside the domain, too, which counts against them",
)


@dataclass(frozen=True)
class DensityScore:
    """One density and how it does on held-out samples.

    Attributes
    ----------
    name : str
        "regions" (with `layer`), "uniform", "histogram", "kde" or "gmm".
    layer : int or None
        Of regions: by the prefix patterns of layers 1 to this one.
    cells, occupied : int or None
        Bins in all, and those with a training sample.
    parameters : dict of str to float
        What was tuned.
    entropy_bits : float or None
        Differential entropy by the training samples, of regions.
    log2_density, error : float
        Mean over the held-out samples and its standard error, in bits.
    over_regions, over_regions_error : float
        Mean difference to the histogram on all regions, and its standard error.
    """

    name: str
    layer: int | None
    cells: int | None
    occupied: int | None
    parameters: dict[str, float]
    entropy_bits: float | None
    log2_density: float
    error: float
    over_regions: float
    over_regions_error: float


@dataclass(frozen=True)
class DensityComparison:
    """All densities on one split of the samples.

    Attributes
    ----------
    n_train, n_held_out : int
        Samples used of each part.
    outside_domain, at_boundaries : int
        Left out of both: outside the domain, where every histogram is 0, and so close to a
        boundary that no listed region holds them.
    volume_share : float
        What the regions' volumes add up to, as a share of the domain's.
    method : str
        "cells" or "hulls".
    scores : tuple of DensityScore
    """

    n_train: int
    n_held_out: int
    outside_domain: int
    at_boundaries: int
    volume_share: float
    method: str
    scores: tuple[DensityScore, ...]

    def as_json(self) -> dict[str, Any]:
        """The field ``density``."""
        return {**asdict(self), "scores": [asdict(score) for score in self.scores]}


def compare_densities(
    network: Network,
    domain: Domain,
    train: NDArray[np.generic],
    held_out: NDArray[np.generic],
    *,
    densities: tuple[str, ...] = DENSITIES,
    seed: int = 0,
) -> DensityComparison:
    """Fit densities to `train` and judge them by `held_out`.

    Parameters
    ----------
    network : Network
    domain : Domain
        A box of which up to 6 inputs vary.
    train, held_out : ndarray, shape (n, n_inputs)
    densities : tuple of str
        Of `DENSITIES`; the histograms on regions, and the uniform density, are always there.
    seed : int
        Of folds and of the mixture's start.

    Raises
    ------
    DomainError
        If the domain is another.
    DataError
        If fewer than 10 samples of a part are usable, or a name is unknown.
    InputError
        If scikit-learn is needed and not installed.
    CheckFailedError
        If volumes do not add up, or a sample lies in a region that is not listed.
    """
    unknown = sorted(set(densities) - set(DENSITIES))
    if unknown:
        raise DataError("densities", unknown[0], f"some of {', '.join(DENSITIES)}")
    if {"kde", "gmm"} & set(densities):
        require_scikit_learn()
    problem = Problem.of(network, domain)
    if not isinstance(problem.domain, Box):
        raise DomainError("densities", f"the domain is a {domain.describe()['kind']}", "a box")
    regions = region_volumes(problem)
    parts = [Placed.of(problem, regions, rows) for rows in (train, held_out)]
    for name, part in zip(("training", "held-out"), parts, strict=True):
        if len(part.points) < _FEWEST:
            raise DataError(
                f"{name} samples",
                f"{len(part.points)} inside the domain",
                f"at least {_FEWEST}",
            )
    found = _region_scores(problem, regions, *parts)
    found += _others(problem.domain, parts[0].points, parts[1].points, densities, seed)
    finest = found[len(network.layers) - 1].bits if network.layers else found[0].bits
    return DensityComparison(
        n_train=len(parts[0].points),
        n_held_out=len(parts[1].points),
        outside_domain=sum(part.outside for part in parts),
        at_boundaries=sum(part.at_boundaries for part in parts),
        volume_share=regions.volume_share,
        method=regions.method,
        scores=tuple(one.score(finest) for one in found),
    )


@dataclass(frozen=True, eq=False)
class _Judged:
    """A density's values at the held-out samples, in bits."""

    name: str
    bits: Vector
    layer: int | None = None
    cells: int | None = None
    occupied: int | None = None
    parameters: dict[str, float] | None = None
    entropy_bits: float | None = None

    def score(self, finest: Vector) -> DensityScore:
        return DensityScore(
            self.name,
            self.layer,
            self.cells,
            self.occupied,
            self.parameters or {},
            self.entropy_bits,
            *_mean(self.bits),
            *_mean(self.bits - finest),
        )


def _mean(values: Vector) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _region_scores(
    problem: Problem, regions: RegionVolumes, train: Placed, held_out: Placed
) -> list[_Judged]:
    """Histograms on the prefix patterns of each layer; the last are the regions."""
    network = problem.network
    box = problem.domain.box
    volume = float(np.prod(box.upper - box.lower))
    found = []
    for layer, end in enumerate(network.offsets[1:], start=1):
        _, cells, _ = unique(prefix_of(regions.patterns, network.n_units, end))
        shares = np.bincount(cells, regions.shares).astype(np.float64)
        counts = np.bincount(cells[train.regions], minlength=len(shares))
        model = CellHistogram.fitted(shares, counts, volume)
        found.append(
            _Judged(
                "regions",
                model.log2_density(cells[held_out.regions]),
                layer,
                len(shares),
                int(np.count_nonzero(counts)),
                {"pseudo_samples": model.pseudo_samples},
                model.entropy_bits,
            )
        )
    uniform = np.full(len(held_out.points), -np.log2(volume))
    return [*found, _Judged("uniform", uniform, cells=1, occupied=1)]


def _others(
    box: Box, train: Dense, held_out: Dense, densities: tuple[str, ...], seed: int
) -> list[_Judged]:
    found = []
    if "histogram" in densities:
        grid = GridHistogram.fitted(train, box)
        parameters = {"pseudo_samples": grid.pseudo_samples, "bins_a_side": float(grid.per_side)}
        found.append(
            _Judged(
                "histogram",
                grid.log2_density(held_out),
                cells=grid.n_cells,
                occupied=len(grid.keys),
                parameters=parameters,
            )
        )
    for name, fit in (("kde", kernel_density), ("gmm", gaussian_mixture)):
        if name in densities:
            model = fit(train, seed)
            found.append(_Judged(name, model.log2_density(held_out), parameters=model.parameters))
    return found


def halves(n: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows to train on and rows held out, at random."""
    order = np.random.default_rng(seed).permutation(n)
    return order[: n // 2], order[n // 2 :]
