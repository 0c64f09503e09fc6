"""Ctrl-C that lets the current advance end, so that nothing found is lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Catches SIGINT while `caught` is active.

    The first Ctrl-C only asks: the loop stops after the current advance. A second one raises
    KeyboardInterrupt inside the engine, where it costs no more than that advance; elsewhere (a
    write to the run folder, say) it waits for the loop.
    """

    def __init__(self) -> None:
        self.requested = False
        self.insistent = False
        """Asked more than once."""
        self._in_engine = False

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Take over SIGINT; in other threads than the main one it cannot be and is left alone."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._handle)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
            outer = getattr(before, "__self__", None)
            if self.requested and isinstance(outer, Interrupts):
                # Whoever asked wants the loop around this one to end, too.
                outer.requested = True

    @contextmanager
    def in_engine(self) -> Iterator[None]:
        """Where a second Ctrl-C may break in; a KeyboardInterrupt ends the block as a request."""
        try:
            self._in_engine = True
            yield
        except KeyboardInterrupt:
            self.requested = True
        finally:
            self._in_engine = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.insistent = self.requested
        self.requested = True
        if self.insistent and self._in_engine:
            self._in_engine = False
            raise KeyboardInterrupt
