"""Wall and CPU time, and medians of repeats."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
S = TypeVar("S")

# Repeats of a short timing go on for about so long, and no more often than that.
_REPEAT_SECONDS = 0.7
_MOST_REPEATS = 200


@dataclass(frozen=True)
class Seconds:
    """A length of time.

    Attributes
    ----------
    wall : float
    cpu : float
        Of all threads of this process and of its children that ended.
    """

    wall: float
    cpu: float

    @staticmethod
    def now() -> Seconds:
        """The clocks."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = time.process_time() + children.ru_utime + children.ru_stime
        return Seconds(time.perf_counter(), cpu)

    def passed(self) -> Seconds:
        """Time since these clocks."""
        now = Seconds.now()
        return Seconds(now.wall - self.wall, now.cpu - self.cpu)


def timed(function: Callable[[], T]) -> tuple[Seconds, T]:
    """How long one call takes, and what it gives."""
    clocks = Seconds.now()
    result = function()
    return clocks.passed(), result


def repeated(function: Callable[[S], T], prepare: Callable[[], S]) -> tuple[Seconds, T]:
    """The median time of some calls, each on what `prepare` made for it, and the last result."""
    times: list[Seconds] = []
    while True:
        ready = prepare()
        clocks = Seconds.now()
        result = function(ready)
        times.append(clocks.passed())
        if sum(t.wall for t in times) >= _REPEAT_SECONDS or len(times) >= _MOST_REPEATS:
            return _median(times), result


def _median(times: list[Seconds]) -> Seconds:
    return Seconds(
        statistics.median(t.wall for t in times), statistics.median(t.cpu for t in times)
    )
