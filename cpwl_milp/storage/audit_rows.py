"""What an audit's file holds: jobs that were asked for, results by content, both joined as rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How a job ended, or that it has not."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    ERROR = "error"
    CHECK_FAILED = "check-failed"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASH = "crash"
    BLOCKED = "blocked"
    NOT_APPLICABLE = "not-applicable"
    WAITING = "waiting"

    @property
    def meaning(self) -> str:
        """One line for people."""
        return _MEANINGS[self]

    @property
    def failed(self) -> bool:
        """Whether there is no answer although one was asked for and could be."""
        return self in _FAILED


_MEANINGS = {
    State.COMPLETE: "answered, and the answer is complete",
    State.INCOMPLETE: "a limit was reached: the answer is a bracket",
    State.ERROR: "refused with a reason: a file that is broken, unsupported or does not fit",
    State.CHECK_FAILED: "a built-in check failed: the answer must not be trusted",
    State.TIMEOUT: "killed at the job's time limit",
    State.MEMORY: "stopped at the job's memory limit",
    State.CRASH: "the process died without an answer",
    State.BLOCKED: "not run, because the model could not be read",
    State.NOT_APPLICABLE: "does not apply, such as a picture of more than two dimensions",
    State.WAITING: "not run yet",
}
_FAILED = frozenset(
    {State.ERROR, State.CHECK_FAILED, State.TIMEOUT, State.MEMORY, State.CRASH, State.BLOCKED}
)


@dataclass(frozen=True)
class Asked:
    """A job as the audit's file names it.

    Attributes
    ----------
    key : str
        Of its content: jobs of equal keys share one result.
    label, path, sha256 : str
        The model: its name in the audit, its file, and the hash of its bytes ("" if unreadable).
    question, domain, data : str
        What is asked; "" where there is no domain or no data.
    job : mapping
        Everything else that a resumed audit needs, as JSON.
    """

    key: str
    label: str
    path: str
    sha256: str
    question: str
    domain: str
    data: str
    job: Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    """How a job ended.

    Attributes
    ----------
    key : str
    state : State
    reason : str
        Why it is not complete; "" if it is.
    answer : mapping or None
        What the command printed.
    notes : tuple of str
        What it had to tell on standard error.
    seconds, cpu_seconds : float
        Wall and processor time, the start of the process included.
    peak_bytes : int
        Largest resident memory.
    exit_code : int or None
        Negative for a signal, None for a job that was not run.
    ended : str
        When, in UTC.
    version : str
        Of this package.
    limits : mapping
        That the job ran under.
    """

    key: str
    state: State
    reason: str = ""
    answer: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    exit_code: int | None = None
    ended: str = ""
    version: str = ""
    limits: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Row:
    """A job with its result; the state of one without is `State.WAITING`."""

    asked: Asked
    result: Result
