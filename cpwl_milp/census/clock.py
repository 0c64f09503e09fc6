"""The time that is left for the steps of one answer."""

from __future__ import annotations

import time


class Clock:
    """Runs from its making.

    Parameters
    ----------
    max_seconds : float or None
        For everything; None is no limit.
    """

    def __init__(self, max_seconds: float | None) -> None:
        self._begin = time.monotonic()
        self._max = max_seconds

    @property
    def seconds(self) -> float:
        """Time spent so far."""
        return time.monotonic() - self._begin

    def at_share(self, share: float) -> float | None:
        """The moment (`time.monotonic()`) when a share of the time is spent; None for no limit."""
        return None if self._max is None else self._begin + share * self._max

    def left(self, until_share: float = 1.0) -> float | None:
        """Seconds until that moment, never quite zero; None for no limit."""
        end = self.at_share(until_share)
        return None if end is None else max(0.01, end - time.monotonic())
