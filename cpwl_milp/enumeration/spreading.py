"""Cubes spread over a cluster: orders out, hauls back, engine and sinks sent once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.cluster.calls import Calls
from cpwl_milp.cluster.connection import Cluster
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.exploration import Advance, Budget, Engine
from cpwl_milp.core.pattern import Packed
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.enumeration.limits import Pace
from cpwl_milp.enumeration.outcome import Tally
from cpwl_milp.enumeration.work import (
    Finding,
    PortableSink,
    Preparation,
    Work,
    advanced,
    prepared_by,
    without_regions,
)

# Orders that a thread has at hand: one to work on, one to go on with while the first travels.
_SLOTS_A_THREAD = 2


class ClusterWorkers:
    """The workers of a cluster, however many there are from moment to moment.

    Parameters
    ----------
    cluster : Cluster
    patience : float
        Seconds without any worker after which cubes that were given away are worked on here.
    """

    several = True
    # Most of the cubes that an engine hands back are small, and an order takes some milliseconds.
    most_cubes = 64

    def __init__(self, cluster: Cluster, *, patience: float = 15.0) -> None:
        self._cluster = cluster
        self._patience = patience
        self._executor: ClusterExecutor | None = None

    @property
    def n(self) -> int:
        """Threads of all workers."""
        executor = self._executor
        return self._cluster.threads() if executor is None else executor.threads

    @property
    def slots(self) -> int:
        """Two orders a thread."""
        return _SLOTS_A_THREAD * self.n

    def executor(self, work: Work) -> Executor:
        """Sends the engine, and what sinks can do elsewhere, to each worker once."""
        self._executor = ClusterExecutor(self._cluster, work, self._patience)
        return self._executor

    def pace(self, row_bytes: int, *, kept: bool) -> Pace:
        """Long advances, of as many regions as fit into memory."""
        return Pace.for_others(row_bytes)


class ClusterExecutor(Executor):
    """Workers of a cluster as an executor of one piece of work.

    Parameters
    ----------
    cluster : Cluster
    work : Work
        Its engine is stateless, and can be pickled.
    patience : float
    """

    def __init__(self, cluster: Cluster, work: Work, patience: float) -> None:
        self._sinks = work.sinks
        away = WorkAway.of(work)
        self._calls = Calls(cluster, away, away, patience=patience)

    @property
    def threads(self) -> int:
        """How many threads the workers have just now."""
        return self._calls.threads

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Order the work on cubes: ``submit(work, cubes, budget)`` gives the first findings."""
        cubes, budget = cast(tuple[tuple[Cube, ...], Budget], args)
        found: Future[tuple[Finding, ...]] = Future()
        answer = self._calls.submit(Order.of(cubes, budget))

        def brought(answer: Future[tuple[Haul, ...]]) -> None:
            if answer.cancelled():
                found.cancel()
            elif (error := answer.exception()) is not None:
                found.set_exception(error)
            else:
                try:
                    findings = tuple(
                        haul.finding(cube, self._sinks)
                        for cube, haul in zip(cubes, answer.result(), strict=False)
                    )
                except Exception as error:
                    found.set_exception(error)
                else:
                    found.set_result(findings)

        answer.add_done_callback(brought)
        return found

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Drop what is not done."""
        self._calls.close(wait=wait)


@dataclass(frozen=True)
class Cubes:
    """Cubes as arrays.

    Attributes
    ----------
    literals : ndarray of int32
        Of all cubes, one after the other.
    ends : ndarray of int64
        Where each ends.
    counted_layers : ndarray of int64
    """

    literals: NDArray[np.int32]
    ends: NDArray[np.int64]
    counted_layers: NDArray[np.int64]

    @staticmethod
    def of(cubes: Sequence[Cube]) -> Cubes:
        """Put some cubes together."""
        return Cubes(
            np.array([k for cube in cubes for k in cube.literals], dtype=np.int32),
            np.cumsum([cube.depth for cube in cubes], dtype=np.int64),
            np.array([cube.counted_layers for cube in cubes], dtype=np.int64),
        )

    def each(self) -> tuple[Cube, ...]:
        """Take them apart."""
        literals = self.literals.tolist()
        ends = self.ends.tolist()
        return tuple(
            Cube(tuple(literals[begin:end]), counted)
            for begin, end, counted in zip(
                [0, *ends], ends, self.counted_layers.tolist(), strict=False
            )
        )


@dataclass(frozen=True)
class Order:
    """Cubes and how far to go; clocks differ from machine to machine, so time is a length.

    Attributes
    ----------
    cubes : Cubes
    max_regions : int
    seconds : float
        From the moment at which the work begins.
    prefix_left : tuple of int or None
    """

    cubes: Cubes
    max_regions: int
    seconds: float
    prefix_left: tuple[int, ...] | None

    @staticmethod
    def of(cubes: Sequence[Cube], budget: Budget) -> Order:
        """The order to work on some cubes."""
        return Order(Cubes.of(cubes), budget.max_regions, budget.seconds_left, budget.prefix_left)

    def budget(self) -> Budget:
        """For an engine that begins now."""
        return Budget(self.max_regions, time.monotonic() + self.seconds, self.prefix_left)


@dataclass(frozen=True)
class Haul:
    """What came of a cube: its advance as arrays, and what sinks have of it.

    Attributes
    ----------
    regions : RegionBatch or None
        Only where a sink wants to see them itself.
    open, parked : Cubes
    prefix_counts : ndarray of int64
    thin : ndarray of uint8
    unresolved : str
    tally : Tally
    in_time : bool
    prepared : tuple
        What each portable sink's preparation gave; None for other sinks.
    """

    regions: RegionBatch | None
    open: Cubes
    parked: Cubes
    prefix_counts: NDArray[np.int64]
    thin: Packed
    unresolved: str
    tally: Tally
    in_time: bool
    prepared: tuple[Any, ...]

    def finding(self, cube: Cube, sinks: Sequence[object]) -> Finding:
        """As the loop takes it; sinks that are not portable do here what can be done at once."""
        nothing = RegionBatch.empty(0, 0)
        advance = Advance(
            cube=cube,
            regions=nothing if self.regions is None else self.regions,
            open=self.open.each(),
            prefix_counts=self.prefix_counts,
            thin=self.thin,
            parked=self.parked.each(),
            unresolved=self.unresolved,
            decisions=self.tally.decisions,
        )
        bare = without_regions(advance)
        deliveries = tuple(
            sink.delivery(bare, prepared)
            if isinstance(sink, PortableSink)
            else prepared_by(cast(Any, sink))(advance)
            for sink, prepared in zip(sinks, self.prepared, strict=True)
        )
        return Finding(bare, self.tally, self.in_time, deliveries)


@dataclass(frozen=True, eq=False)
class WorkAway:
    """`Work` that can be sent to another process.

    Attributes
    ----------
    engine : Engine
    preparations : tuple of callable or None
        Of the portable sinks; None for others.
    """

    engine: Engine
    preparations: tuple[Preparation | None, ...]

    @staticmethod
    def of(work: Work) -> WorkAway:
        """The part of some work that goes away."""
        return WorkAway(
            work.engine,
            tuple(
                sink.preparation() if isinstance(sink, PortableSink) else None
                for sink in work.sinks
            ),
        )

    def __call__(self, order: Order) -> tuple[Haul, ...]:
        """Advance the first cubes of an order, at least one."""
        cubes = order.cubes.each()
        hauls = []
        for cube, (advance, in_time) in zip(
            cubes, advanced(self.engine, cubes, order.budget()), strict=False
        ):
            if advance.cube != cube:
                # The loop would take it for the cube that it asked about.
                raise RuntimeError(f"engine {self.engine.name} advanced another cube")
            hauls.append(self._haul(advance, in_time))
        return tuple(hauls)

    def _haul(self, advance: Advance, in_time: bool) -> Haul:
        return Haul(
            regions=advance.regions if None in self.preparations else None,
            open=Cubes.of(advance.open),
            parked=Cubes.of(advance.parked),
            prefix_counts=advance.prefix_counts,
            thin=advance.thin,
            unresolved=advance.unresolved,
            tally=Tally.of(advance),
            in_time=in_time,
            prepared=tuple(
                None if prepare is None else prepare(advance) for prepare in self.preparations
            ),
        )
