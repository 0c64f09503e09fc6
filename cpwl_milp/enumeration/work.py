"""One advance as the loop orders it: the engine's part, and what the sinks can do in advance."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypeAlias, runtime_checkable

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.exploration import Advance, Budget, Engine
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.enumeration.outcome import Tally

# A worker begins with no further cube of its order after this share of the time.
_SHARED = 1 / 4

Delivery: TypeAlias = Callable[[], None]
Preparation: TypeAlias = Callable[[Advance], Any]


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


@runtime_checkable
class PortableSink(Sink, Protocol):
    """A preparing sink whose preparation can be done in another process."""

    def preparation(self) -> Preparation:
        """What to do with an advance there: a value that can be pickled, with all it needs."""
        ...

    def delivery(self, advance: Advance, prepared: Any) -> Delivery:
        """What is left to do here, in order; the advance comes without its regions."""
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
    """What a worker does with cubes: values in, values out, in any thread.

    Parameters
    ----------
    engine : Engine
    sinks : sequence of Sink
    """

    def __init__(self, engine: Engine, sinks: Sequence[Sink] = ()) -> None:
        self.engine = engine
        self.sinks = tuple(sinks)
        self._prepare = [prepared_by(sink) for sink in sinks]

    def __call__(self, cubes: Sequence[Cube], budget: Budget) -> tuple[Finding, ...]:
        """Advance the first cubes, at least one, and prepare what the sinks want of them."""
        return tuple(
            Finding(
                without_regions(advance),
                Tally.of(advance),
                in_time,
                tuple(prepare(advance) for prepare in self._prepare),
            )
            for advance, in_time in advanced(self.engine, cubes, budget)
        )


def advanced(
    engine: Engine, cubes: Sequence[Cube], budget: Budget
) -> Iterator[tuple[Advance, bool]]:
    """Advance cubes one after the other while that is quickly done: small ones share an order.

    Yields
    ------
    Advance
        Of the next cube; together they keep within the budget.
    bool
        Whether it came back in time.

    Raises
    ------
    Exception
        Whatever the engine raises on the first cube; another that fails is left to another order.
    """
    enough = time.monotonic() + _SHARED * budget.seconds_left
    for place, cube in enumerate(cubes):
        try:
            advance = engine.advance(cube, budget)
        except Exception:
            if place == 0:
                raise
            return
        yield advance, budget.seconds_left > 0
        left = budget.max_regions - len(advance.regions)
        if advance.open or left < 1 or time.monotonic() > enough:
            return
        prefix_left = budget.prefix_left
        if prefix_left is not None:
            counts = advance.prefix_counts.tolist()
            prefix_left = tuple(k - n for k, n in zip(prefix_left, counts, strict=True))
        budget = replace(budget, max_regions=left, prefix_left=prefix_left)


def prepared_by(sink: Sink) -> Callable[[Advance], Delivery]:
    """How a sink takes an advance: what can be done at once, then the rest in order."""
    if isinstance(sink, PreparingSink):
        return sink.prepared
    return partial(partial, sink.accept)


def without_regions(advance: Advance) -> Advance:
    """An advance whose regions nobody needs any more."""
    return replace(advance, regions=_NO_REGIONS)


_NO_REGIONS = RegionBatch.empty(0, 0)
