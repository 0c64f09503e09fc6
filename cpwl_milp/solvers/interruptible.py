"""Runs of HiGHS that Ctrl-C can stop."""

from __future__ import annotations

import contextlib
import threading

import highspy


class InterruptibleRun:
    """Runs one HiGHS object; Ctrl-C stops it within moments and raises KeyboardInterrupt.

    Parameters
    ----------
    highs : highspy.Highs
    """

    def __init__(self, highs: highspy.Highs) -> None:
        self._highs = highs
        self._stop = threading.Event()
        stop = self._stop

        def check(event: highspy.HighsCallbackEvent) -> None:
            # Always said, as HiGHS remembers a "yes" over runs.
            event.interrupt(stop.is_set())

        highs.cbMipInterrupt += check
        highs.cbSimplexInterrupt += check
        highs.cbIpmInterrupt += check

    def __call__(self) -> highspy.HighsStatus:
        """Run, in a thread: Python hears of Ctrl-C only while its main thread is not in C++."""
        if threading.current_thread() is not threading.main_thread():
            here: highspy.HighsStatus = self._highs.run()
            return here
        answer: list[highspy.HighsStatus] = []
        # An interrupted Thread.join may believe a running thread to have ended (Python 3.11).
        ended = threading.Event()

        def work() -> None:
            try:
                answer.append(self._highs.run())
            finally:
                ended.set()

        self._stop.clear()
        threading.Thread(target=work, daemon=True).start()
        try:
            ended.wait()
        except BaseException:
            self._stop.set()
            while not ended.is_set():
                with contextlib.suppress(KeyboardInterrupt):
                    ended.wait()
            raise
        return answer[0] if answer else highspy.HighsStatus.kError
