"""Runs of HiGHS that Ctrl-C, or anybody, can stop."""

from __future__ import annotations

import contextlib
import math
import threading
import time

import highspy


class Leash:
    """Tells a run of HiGHS, in whatever thread, how long it may go on."""

    def __init__(self) -> None:
        self._end = math.inf

    @property
    def over(self) -> bool:
        """Whether the run must stop."""
        return time.monotonic() >= self._end

    def let_go(self, seconds: float = math.inf) -> None:
        """Let the run go on for so long from now."""
        self._end = time.monotonic() + seconds

    def pull(self) -> None:
        """Make the run stop within moments, and every later one at once."""
        self._end = -math.inf


class InterruptibleRun:
    """Runs one HiGHS object; Ctrl-C stops it within moments and raises KeyboardInterrupt.

    Parameters
    ----------
    highs : highspy.Highs
    leash : Leash
        Stops the run, too.
    """

    def __init__(self, highs: highspy.Highs, leash: Leash) -> None:
        self._highs = highs
        # Of the run under way: one that was stopped before it began must not begin later.
        self._stop = threading.Event()

        def check(event: highspy.HighsCallbackEvent) -> None:
            # Always said, as HiGHS remembers a "yes" over runs.
            event.interrupt(self._stop.is_set() or leash.over)

        highs.cbMipInterrupt += check
        highs.cbSimplexInterrupt += check
        highs.cbIpmInterrupt += check

    def __call__(self) -> highspy.HighsStatus:
        """Run, in a thread: Python hears of Ctrl-C only while its main thread is not in C++."""
        stop = self._stop = threading.Event()
        if threading.current_thread() is not threading.main_thread():
            here: highspy.HighsStatus = self._highs.run()
            return here
        answer: list[highspy.HighsStatus] = []
        # An interrupted Thread.join may believe a running thread to have ended (Python 3.11).
        ended = threading.Event()

        def work() -> None:
            try:
                if not stop.is_set():
                    answer.append(self._highs.run())
            finally:
                ended.set()

        worker = threading.Thread(target=work, daemon=True)
        try:
            worker.start()
            ended.wait()
        except BaseException:
            stop.set()
            # Without an identity it was never started.
            while worker.ident is not None and not ended.is_set():
                with contextlib.suppress(KeyboardInterrupt):
                    ended.wait()
            raise
        return answer[0] if answer else highspy.HighsStatus.kError
