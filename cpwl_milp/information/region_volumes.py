"""The volume of every region of a domain, with the check that they fill it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.affine import Affine, Vector
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.errors import CheckFailedError, DomainError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Packed
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.cells.complex import MOST_INPUTS as FEW_INPUTS
from cpwl_milp.engines.cells.complex import cells_of
from cpwl_milp.engines.choice import EngineSettings
from cpwl_milp.enumeration.listing import list_regions
from cpwl_milp.partition.volumes import MOST_INPUTS, hull_volumes

# Volumes must add up to the domain's: by clipping to rounding, by joggled hulls less closely.
_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class RegionVolumes:
    """All regions of a domain and how much of it each is.

    Attributes
    ----------
    patterns : ndarray of uint8, shape (n, bytes)
    shares : ndarray, shape (n,)
        Of the domain's volume; they add up to 1.
    volume_share : float
        What the volumes added up to before they were made shares: the check.
    method : str
        "cells" or "hulls".
    """

    patterns: Packed
    shares: Vector
    volume_share: float
    method: str

    def __len__(self) -> int:
        return len(self.patterns)


def region_volumes(problem: Problem) -> RegionVolumes:
    """List all regions of a problem with their volumes.

    Parameters
    ----------
    problem : Problem
        Over a box of which up to 3 inputs vary, or a box or polytope of up to 6.

    Raises
    ------
    DomainError
        If the domain is another.
    CheckFailedError
        If the volumes do not add up to the domain's, or the search does not end.
    """
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
    return RegionVolumes(patterns, volumes / volumes.sum(), share, method)


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
