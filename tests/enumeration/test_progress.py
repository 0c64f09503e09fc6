from __future__ import annotations

import io
import subprocess
import sys

import pytest

from cpwl_milp.enumeration import progress
from cpwl_milp.enumeration.progress import (
    BarProgress,
    LineProgress,
    SilentProgress,
    Snapshot,
    progress_on,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def snapshot(seconds: float) -> Snapshot:
    return Snapshot(seconds / 100, 10_000 + int(seconds), int(seconds), 3, seconds)


def test_a_plain_line_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1000.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock)
    stream = io.StringIO()
    lines = LineProgress(stream, every=5.0)
    for second in range(1, 13):
        clock = 1000.0 + second
        lines.update(snapshot(second))
    assert stream.getvalue().splitlines() == [
        "5 % closed, 10,005 regions, 1/s, 5 s",
        "10 % closed, 10,010 regions, 1/s, 10 s",
    ]
    lines.finish(snapshot(12))
    assert stream.getvalue().splitlines()[2:] == ["12 % closed, 10,012 regions, 1/s, 12 s"]


def test_a_short_run_prints_nothing() -> None:
    stream = io.StringIO()
    lines = LineProgress(stream)
    lines.update(snapshot(1))
    lines.finish(snapshot(1))
    assert stream.getvalue() == ""
    assert Snapshot(0.0, 0, 0, 1, 0.0).rate == 0.0


def test_a_terminal_gets_a_bar_that_is_gone_at_the_end() -> None:
    stream = Terminal()
    bar = progress_on(stream)
    assert isinstance(bar, BarProgress)
    bar.update(snapshot(50))
    bar.finish(snapshot(100))
    bar.finish(snapshot(100))
    assert "10,050 regions" in stream.getvalue()
    assert "50 % closed" in stream.getvalue()


def test_the_reporter_suits_the_stream() -> None:
    assert isinstance(progress_on(io.StringIO()), LineProgress)
    assert isinstance(progress_on(Terminal(), quiet=True), SilentProgress)


def test_rich_is_not_loaded_before_a_bar_is_shown() -> None:
    script = "import sys, cpwl_milp.enumeration.progress; print('rich' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
