"""From how a process ended and what it printed to a result."""

from __future__ import annotations

import datetime
import json
import signal
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cpwl_milp import __version__
from cpwl_milp.audit.jobs import Job, Limits
from cpwl_milp.audit.processes import Ending
from cpwl_milp.core.errors import OUT_OF_MEMORY
from cpwl_milp.storage.audit_rows import Result, State

_EXITS = {
    0: State.COMPLETE,
    1: State.ERROR,
    2: State.ERROR,
    3: State.INCOMPLETE,
    4: State.CHECK_FAILED,
}
# Larger answers stay in their file.
_LARGEST_ANSWER = 8_000_000
_TAIL = 64_000
_NOTES = 50


def result_of(
    job: Job, key: str, sha256: str, ending: Ending, output: Path, errors: Path
) -> Result:
    """The result of a job whose process has ended."""
    said = tail(errors)
    answer, why_none = _answer(output)
    state, reason = _judged(ending, job.limits, said)
    if state is State.TIMEOUT and answer is not None and job.question != "plot":
        # All was said; only the end of the process did not fit into its time. (A picture is
        # checked after it is told of.)
        state = State.COMPLETE if answer.get("complete", True) else State.INCOMPLETE
        reason = ""
    if state in (State.COMPLETE, State.INCOMPLETE) and answer is None:
        state, reason = State.CRASH, why_none
    if answer is not None and state is State.INCOMPLETE:
        reason = str(answer.get("reason") or "incomplete")
    if answer is not None and sha256 and _model_hash(answer) not in (None, sha256):
        state, reason = State.ERROR, f"{job.model}: changed while it was audited; run again"
        answer = None
    notes = [line for line in said if line.startswith("note: ")]
    return Result(
        key,
        state,
        reason,
        answer,
        tuple(line.removeprefix("note: ") for line in notes[:_NOTES]),
        round(ending.seconds, 3),
        round(ending.cpu_seconds, 3),
        ending.peak_bytes,
        ending.exit_code,
        now(),
        __version__,
        asdict(job.limits),
    )


def not_run(job: Job, key: str, state: State, reason: str) -> Result:
    """The result of a job that needs no process."""
    return Result(key, state, reason, ended=now(), version=__version__, limits=asdict(job.limits))


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def tail(errors: Path) -> list[str]:
    """The last lines of standard error."""
    try:
        with errors.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]


def _judged(ending: Ending, limits: Limits, said: list[str]) -> tuple[State, str]:
    if ending.killed_for == "time":
        # On a busy machine a job has little of its time to itself.
        spent = f"{ending.cpu_seconds:.1f} s of processor time"
        return State.TIMEOUT, f"killed after {limits.seconds:g} s, the limit of a job ({spent})"
    if ending.killed_for == "memory":
        return State.MEMORY, f"killed beyond {limits.memory_mb} MB of memory, the limit of a job"
    if ending.killed_for == "output":
        return State.CRASH, "killed because it printed without end"
    last = said[-1] if said else "nothing on standard error"
    if ending.exit_code < 0:
        number = -ending.exit_code
        names = {s.value: s.name for s in signal.Signals}
        return State.CRASH, f"died of {names.get(number, f'signal {number}')}: {last}"
    state = _EXITS.get(ending.exit_code)
    if state is None:
        return State.CRASH, f"exit code {ending.exit_code}: {last}"
    if state is State.COMPLETE:
        return state, ""
    messages = [line for line in said if line.lower().startswith("error: ")]
    if not messages and state is State.ERROR:
        # A traceback: the process failed before the command line could say why.
        return State.CRASH, f"exit code {ending.exit_code}: {last}"
    reason = messages[-1][len("error: ") :] if messages else ""
    if reason.startswith(OUT_OF_MEMORY):
        return State.MEMORY, f"{reason} (the limit of a job is {limits.memory_mb} MB)"
    return state, reason


def _answer(output: Path) -> tuple[Mapping[str, Any] | None, str]:
    """What a command printed, and why there is nothing if so."""
    try:
        size = output.stat().st_size
        if size > _LARGEST_ANSWER:
            return None, f"an answer of {size:,} bytes, more than is kept"
        found = json.loads(output.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        return None, f"no answer was printed ({error})"
    return (found, "") if isinstance(found, dict) else (None, "the answer is no JSON object")


def _model_hash(answer: Mapping[str, Any]) -> str | None:
    model = answer.get("model")
    found = model.get("sha256") if isinstance(model, dict) else None
    return found if isinstance(found, str) else None
