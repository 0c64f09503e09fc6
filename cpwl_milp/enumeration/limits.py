"""How far an enumeration may go, and how finely it is sliced."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cpwl_milp.core.errors import InputError

# Full advances for each of several workers that are at work or wait for their turn.
MOST_AHEAD = 4


@dataclass(frozen=True)
class Limits:
    """Where to stop; None is no limit. What a limit cuts off stays open and is reported.

    Attributes
    ----------
    max_regions : int or None
        List at most this many regions, those of earlier sessions included.
    max_seconds : float or None
        Stop after about this long in this session.
    max_per_layer : int or None
        Count at most this many cells of each prefix 1..l, those of earlier sessions included.

    Raises
    ------
    InputError
        If a limit is not above 0.
    """

    max_regions: int | None = None
    max_seconds: float | None = None
    max_per_layer: int | None = None

    def __post_init__(self) -> None:
        for option, value in (
            ("--max-regions", self.max_regions),
            ("--max-seconds", self.max_seconds),
            ("--max-per-layer", self.max_per_layer),
        ):
            if value is not None and not value > 0:
                raise InputError(option, f"{value}", "a number above 0")


@dataclass(frozen=True)
class Pace:
    """How much an engine does before the loop looks up: progress, limits, Ctrl-C.

    Attributes
    ----------
    seconds : float
        Longest advance.
    regions : int
        Most regions of one advance, which bounds the memory of one.
    ahead : int or None
        Most regions of all advances at work or waiting for their turn, where the number of workers
        may change; None: as many full advances a worker as `MOST_AHEAD` says.
    """

    seconds: float = 0.5
    regions: int = 50_000
    ahead: int | None = None

    @property
    def short(self) -> Pace:
        """For an advance whose main purpose is to leave cubes for other workers."""
        return replace(self, seconds=self.seconds / 16, regions=max(1, self.regions // 16))

    def among(self, slots: int) -> Pace:
        """What each of so many workers gets."""
        if self.ahead is None:
            return self
        most = self.ahead // (MOST_AHEAD * max(1, slots))
        return replace(self, regions=max(1, min(self.regions, most)))

    def most_ahead(self, slots: int) -> int:
        """Regions that may be at work, or wait for their turn, with so many workers."""
        return MOST_AHEAD * slots * self.regions if self.ahead is None else self.ahead

    @staticmethod
    def for_counting(jobs: int, row_bytes: int = 0) -> Pace:
        """A pace at which nobody keeps regions, and all workers have some 200,000 in hand.

        Fewer of wide networks: what an advance takes in hand stays below some 64 MB.
        """
        most = min(50_000, 200_000 // jobs, (64 << 20) // max(1, row_bytes))
        return Pace(regions=max(1000, most))

    @staticmethod
    def for_rows(row_bytes: int, jobs: int = 1) -> Pace:
        """A pace that bounds memory at `row_bytes` bytes a region.

        One worker makes one advance of at most 64 MB at a time. Several also keep some for later
        (`MOST_AHEAD` each, the one at work included): these together get 256 MB.
        """
        most = (64 << 20) if jobs == 1 else (256 << 20) // (jobs * MOST_AHEAD)
        return Pace(regions=max(100, min(50_000, most // max(1, row_bytes))))

    @staticmethod
    def for_others(row_bytes: int) -> Pace:
        """A pace for workers elsewhere: few long advances, for each is a message there and back.

        What waits here for its turn takes some 256 MB, however many workers there are.
        """
        ahead = (256 << 20) // max(1, row_bytes)
        most = min(500_000, (64 << 20) // max(1, row_bytes))
        return Pace(regions=max(1000, most), ahead=ahead)
