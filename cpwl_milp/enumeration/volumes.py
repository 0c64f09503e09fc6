"""Exact volumes of the regions of a complete run, into its folder."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from cpwl_milp.core.pattern import packed_size
from cpwl_milp.core.problem import Problem
from cpwl_milp.partition.exact_volumes import exact_volumes
from cpwl_milp.storage.run_folder import RunFolder
from cpwl_milp.storage.volumes import write_volumes


def record_volumes(path: Path, problem: Problem) -> Fraction:
    """Write the volume of every region of a complete run; their sum is returned.

    Parameters
    ----------
    path : Path
        The run's folder.
    problem : Problem
        What was enumerated, in at most four dimensions.

    Raises
    ------
    DomainError
        For domains without such volumes.
    CheckFailedError
        If the list is wrong.
    """
    empty = np.zeros((0, packed_size(problem.network.n_units)), dtype=np.uint8)
    patterns = np.concatenate([empty, *RunFolder.read(path).patterns()])
    found = exact_volumes(problem, patterns)
    write_volumes(path, patterns, found.of_regions, found.of_domain)
    return found.of_domain
