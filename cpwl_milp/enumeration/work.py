"""One advance as the loop orders it: the engine's part, and what the sinks can do in advance."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeAlias, runtime_checkable

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.exploration import Advance, Budget, Engine
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.enumeration.outcome import Tally

Delivery: TypeAlias = Callable[[], None]


class Sink(Protocol):
    """Anything that wants each advance: the run folder's recorder, counters of patterns ..."""

    def accept(self, advance: Advance) -> None:
        """Take what one advance found; called in the order of the cubes, one at a time."""
        ...


@runtime_checkable
class PreparingSink(Sink, Protocol):
    """A sink with work that needs no order: the workers do it, several at once."""

    def prepared(self, advance: Advance) -> Delivery:
        """Do what changes nothing in the sink now; return the rest, to be called in order."""
        ...


@dataclass(frozen=True, eq=False)
class Finding:
    """What came out of the work on one cube.

    Attributes
    ----------
    advance : Advance
        Without its regions: nobody keeps them who does not want them.
    tally : Tally
        What it counted.
    in_time : bool
        Whether the engine handed back before its time was up.
    deliveries : tuple of callable
        What is left to do for the sinks, in order.
    """

    advance: Advance
    tally: Tally
    in_time: bool
    deliveries: tuple[Delivery, ...]

    @property
    def untouched(self) -> bool:
        """Whether the engine got nowhere at all."""
        advance = self.advance
        return (
            not advance.unresolved and not len(advance.regions) and advance.open == (advance.cube,)
        )


class Work:
    """What a worker does with a cube: values in, a value out, in any thread.

    Parameters
    ----------
    engine : Engine
    sinks : sequence of Sink
    """

    def __init__(self, engine: Engine, sinks: Sequence[Sink] = ()) -> None:
        self._engine = engine
        self._prepare = [_prepare(sink) for sink in sinks]
        self._none = RegionBatch.empty(0, 0)

    def __call__(self, cube: Cube, budget: Budget) -> Finding:
        """Advance a cube, and prepare what the sinks want of it."""
        advance = self._engine.advance(cube, budget)
        in_time = budget.seconds_left > 0
        deliveries = tuple(prepare(advance) for prepare in self._prepare)
        bare = replace(advance, regions=self._none)
        return Finding(bare, Tally.of(advance), in_time, deliveries)


def _prepare(sink: Sink) -> Callable[[Advance], Delivery]:
    if isinstance(sink, PreparingSink):
        return sink.prepared
    return partial(partial, sink.accept)


def resolved_jobs(jobs: int) -> int:
    """A number of workers; 0 stands for one a core that this process may use.

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
    """Workers in threads of this process: for engines whose kernels release the interpreter."""
    return ThreadPoolExecutor(n, thread_name_prefix="cpwl-milp")
