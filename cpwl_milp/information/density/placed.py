"""Samples laid into a list of regions with their volumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.pattern import Packed, as_keys
from cpwl_milp.core.problem import Problem
from cpwl_milp.information.region_volumes import RegionVolumes
from cpwl_milp.partition.samples import sample_patterns


@dataclass(frozen=True, eq=False)
class Placed:
    """Samples in the domain's own coordinates, each with its region.

    Attributes
    ----------
    points : ndarray, shape (n, dim)
    regions : ndarray of int64, shape (n,)
        Places in the list of regions.
    outside, at_boundaries : int
        Samples that were left out: outside the domain; so close to a boundary that no listed
        region with a volume holds them.
    """

    points: Dense
    regions: NDArray[np.int64]
    outside: int
    at_boundaries: int

    @staticmethod
    def of(problem: Problem, regions: RegionVolumes, rows: NDArray[np.generic]) -> Placed:
        """Find the region of each row, shape (n, n_inputs).

        Raises
        ------
        CheckFailedError
            If a sample away from all boundaries lies in a region that is not listed.
        """
        x = np.asarray(rows, dtype=np.float64)
        outside = ~problem.asked.contains(x)
        inside = x[~outside]
        points = problem.project(inside)
        if not len(inside):
            return Placed(points, np.zeros(0, dtype=np.int64), int(outside.sum()), 0)
        # In blocks, and each distinct pattern looked up once.
        samples = sample_patterns(problem.network, points)
        if samples.layers:
            ids = samples.layers[-1].prefix.ids
            place, listed = _found(
                regions.patterns, samples.prefix_patterns(len(samples.layers) - 1)
            )
            place, listed = place[ids], listed[ids]
        else:
            place = np.zeros(len(points), dtype=np.int64)
            listed = np.ones(len(points), dtype=np.bool_)
        lost = ~listed & ~samples.near_zero & ~samples.float32_differs
        if lost.any():
            raise CheckFailedError(
                "regions",
                f"{int(lost.sum())} samples lie in no region of the complete list of "
                f"{len(regions)}",
                "every sample of the domain in a listed region",
                "report this as a fault",
            )
        # A region without volume cannot be a bin.
        usable = listed & (regions.shares[place] > 0)
        return Placed(
            points[usable], place[usable], int(outside.sum()), int(np.count_nonzero(~usable))
        )


def _found(listed: Packed, asked: Packed) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each asked pattern stands in the list, and whether it does."""
    keys, wanted = as_keys(listed), as_keys(asked)
    order = np.argsort(keys)
    place = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
    return place.astype(np.int64), keys[place] == wanted
