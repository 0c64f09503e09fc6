"""What a proof says, and where its certificate goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Sink(Protocol):
    """Where a certificate goes."""

    def restart(self) -> None:
        """Forget everything written."""
        ...

    def write(self, data: bytes) -> None:
        """Append bytes."""
        ...


@dataclass(frozen=True)
class Proof:
    """What is proved, and how.

    Attributes
    ----------
    reason : str
        Why the list is not proved; "" when it is.
    regions : int
        Proved to exist; all there are, if it is.
    prefix_regions : tuple of int
        Of layers 1..l, if it is.
    floats, rationals : int
        Decisions settled in error-bounded float64 and in whole numbers: one for each unit that is
        constant on a cell, one for each region.
    missed, phantom : int
        Regions that the list lacked, and rows of it that are none (or stood there twice). The
        number of regions is right all the same.
    seconds : float
    """

    reason: str
    regions: int
    prefix_regions: tuple[int, ...]
    floats: int
    rationals: int
    missed: int
    phantom: int
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether every decision is settled."""
        return not self.reason

    def to_json(self) -> dict[str, int | str | bool | float]:
        """As answers and run folders hold it."""
        return {
            "complete": self.complete,
            "reason": self.reason,
            "regions": self.regions,
            "decisions_float": self.floats,
            "decisions_extended": 0,
            "decisions_rational": self.rationals,
            "missed": self.missed,
            "phantom": self.phantom,
            "seconds": round(self.seconds, 3),
        }
