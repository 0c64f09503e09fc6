"""What tests have workers do; they import it."""

from __future__ import annotations

import os
import time
from typing import Any

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.exploration import Advance, Budget
from tests.enumeration.toy import ToyEngine

unpacked = 0


class Counting:
    """Adds one, and counts in each process how often it was unpacked."""

    def __call__(self, number: int) -> int:
        return number + 1

    def __getstate__(self) -> dict[str, Any]:
        return {"weights": b"0" * 100_000}

    def __setstate__(self, state: dict[str, Any]) -> None:
        global unpacked
        unpacked += 1


def times_unpacked() -> int:
    return unpacked


class Deadly:
    """Ends every process but one."""

    def __init__(self) -> None:
        self._home = os.getpid()

    def __call__(self, number: int) -> int:
        if os.getpid() != self._home:
            os._exit(1)
        return -number


class Refusing:
    """Raises what it is given."""

    def __call__(self, error: Exception) -> None:
        raise error


class Slow(ToyEngine):
    """Takes its time, in small steps."""

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        time.sleep(0.002)
        return super().advance(cube, budget)


class Failing(ToyEngine):
    """Fails where one region is listed."""

    fatal = b""

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        found = super().advance(cube, budget)
        if any(row.tobytes() == self.fatal for row in found.regions.patterns):
            raise MemoryError("no more of it")
        return found
