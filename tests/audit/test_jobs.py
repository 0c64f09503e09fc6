"""Whatever a job does, it is a row with its reason, and the audit goes on."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from cpwl_milp.audit.jobs import Limits
from cpwl_milp.storage.audit_rows import Result, State
from tests.audit.audits import stand_in

NAMES = [
    *("hangs", "eats", "eats_in_children", "segfaults", "aborts", "exits", "raises"),
    *("floods", "babbles", "well", "answers_and_hangs", "answers_not_all_and_hangs"),
]


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    begin = time.monotonic()
    limits = Limits(seconds=8.0, memory_mb=300)
    found = stand_in(tmp_path_factory.mktemp("audit"), NAMES, limits, workers=3)
    assert time.monotonic() - begin < 120
    return found


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        ("hangs", State.TIMEOUT, "killed after 8 s"),
        # By the limit in the process or by the eye on it, whichever is first.
        ("eats", (State.MEMORY, State.CRASH), "memory"),
        ("eats_in_children", State.MEMORY, "killed beyond 300 MB"),
        ("segfaults", State.CRASH, "died of SIGSEGV"),
        ("aborts", State.CRASH, "died of SIGABRT"),
        ("exits", State.CRASH, "exit code 77"),
        ("raises", State.CRASH, "exit code 1: RuntimeError: not meant for people"),
        ("floods", State.CRASH, "printed without end"),
        ("babbles", State.CRASH, "no answer was printed"),
        ("well", State.COMPLETE, ""),
        ("answers_and_hangs", State.COMPLETE, ""),
        ("answers_not_all_and_hangs", State.INCOMPLETE, "max-seconds"),
    ],
)
def test_how_jobs_end(
    name: str, state: State | tuple[State, ...], reason: str, ends: dict[str, Result]
) -> None:
    result = ends[name]
    assert result.state in (state if isinstance(state, tuple) else (state,)), result
    assert reason.lower() in result.reason.lower()


def test_what_is_measured(ends: dict[str, Result]) -> None:
    well = ends["well"]
    assert (well.exit_code, well.notes) == (0, ("well",))
    assert well.answer is not None
    assert well.answer["lower"] == 10**400
    assert 0 < well.cpu_seconds < 8
    assert 1_000_000 < well.peak_bytes < 300_000_000
    assert ends["eats"].peak_bytes < 400_000_000
    assert ends["hangs"].seconds < 16


def test_no_process_is_left(ends: dict[str, Result]) -> None:
    assert len(ends) == len(NAMES)
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command = (place / "cmdline").read_bytes()
        except OSError:
            continue
        mine = b"tests.audit.misbehaving" in command and int(place.name) != os.getpid()
        assert not mine, command
