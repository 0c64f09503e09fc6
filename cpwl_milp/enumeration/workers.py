"""Who advances cubes: the threads of this process, or whoever else offers an executor."""

from __future__ import annotations

import os
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Protocol, TypeAlias

from cpwl_milp.core.errors import InputError
from cpwl_milp.enumeration.limits import Pace
from cpwl_milp.enumeration.work import Work


class Workers(Protocol):
    """Workers, here or elsewhere."""

    @property
    def several(self) -> bool:
        """Whether they are ever more than the loop itself would be."""
        ...

    @property
    def n(self) -> int:
        """How many work at once; it may change. 0: there is nobody just now."""
        ...

    @property
    def slots(self) -> int:
        """How many orders they are given: one each, or more, to have the next at hand."""
        ...

    def executor(self, work: Work) -> Executor:
        """Workers for one piece of work; ``submit(work, cubes, budget)`` gives its findings."""
        ...

    @property
    def most_cubes(self) -> int:
        """How many cubes may be handed over at once."""
        ...

    def pace(self, row_bytes: int, *, kept: bool) -> Pace:
        """How finely to slice for them.

        Parameters
        ----------
        row_bytes : int
            What comes of one region.
        kept : bool
            Whether rows are kept until they are written, rather than merged or dropped.
        """
        ...


Jobs: TypeAlias = int | Workers
"""A number of threads (0: one a core), or workers."""


class Threads:
    """Threads of this process: for engines whose kernels release the interpreter.

    Parameters
    ----------
    n : int
    """

    # Handing over costs nothing.
    most_cubes = 1

    def __init__(self, n: int) -> None:
        self.n = self.slots = n
        self.several = n > 1

    def executor(self, work: Work) -> Executor:
        """A pool of threads."""
        return threads(self.slots)

    def pace(self, row_bytes: int, *, kept: bool) -> Pace:
        """As `Pace` has it for so many."""
        if kept:
            return Pace.for_rows(row_bytes, self.slots)
        return Pace.for_counting(self.slots, row_bytes)


def workers_of(jobs: Jobs) -> Workers:
    """Workers where there are some, else so many threads.

    Raises
    ------
    InputError
        If the number is below 0.
    """
    return Threads(resolved_jobs(jobs)) if isinstance(jobs, int) else jobs


def resolved_jobs(jobs: int) -> int:
    """A number of threads; 0 stands for one a core that this process may use.

    Raises
    ------
    InputError
        If it is below 0.
    """
    if jobs < 0:
        raise InputError("--jobs", f"{jobs}", "a number of threads, or 0 for one a core")
    if jobs:
        return jobs
    # Not everywhere: elsewhere all cores are ours.
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def threads(n: int) -> Executor:
    """A pool of threads."""
    return ThreadPoolExecutor(n, thread_name_prefix="cpwl-milp")
