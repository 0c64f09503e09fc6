"""One job: a command of this package on one model, as a value that can be stored and run.

An audit asks what the command line asks, and keeps what it answers: every row can be had again by
hand with the command that stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Input:
    """A file that a command reads, with the text around it: ``--ball=`` FILE ``:17``."""

    path: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Output:
    """A file or folder that a command writes, inside the job's own folder."""

    name: str


Argument: TypeAlias = str | Input | Output


@dataclass(frozen=True)
class Limits:
    """Of one job.

    Attributes
    ----------
    seconds : float
        Wall time; the process is killed then. Commands that can stop with a bracket are told to
        do so well before.
    memory_mb : int
        Memory in 10^6 bytes.
    max_regions : int or None
    """

    seconds: float = 60.0
    memory_mb: int = 4000
    max_regions: int | None = None


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Job:
    """What to run.

    Attributes
    ----------
    label, model : str
        Name and path of the model.
    question : str
        One of `QUESTIONS`.
    reading, arguments : tuple of Argument
        How to read the model, and everything else of the question.
    domain, data : str
        Their names; "" for none.
    limits : Limits
        Not part of the question: a complete answer is the same under all.
    sliced : bool
        Whether the domain is a slice, whose dimension is not the model's.
    """

    label: str
    model: str
    question: str
    reading: tuple[Argument, ...] = ()
    arguments: tuple[Argument, ...] = ()
    domain: str = ""
    data: str = ""
    limits: Limits = DEFAULT_LIMITS
    sliced: bool = False

    def to_json(self) -> dict[str, Any]:
        """As JSON, for the audit's file."""
        kept = asdict(self)
        for name in ("reading", "arguments"):
            kept[name] = [a if isinstance(a, str) else asdict(a) for a in getattr(self, name)]
        return kept

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> Job:
        """The inverse of `to_json`."""
        parts = dict(stored)
        for name in ("reading", "arguments"):
            parts[name] = tuple(_argument(a) for a in parts[name])
        return Job(**{**parts, "limits": Limits(**parts["limits"])})

    def command(self, folder: Path) -> list[str]:
        """The command line, without limits; `folder` takes what the command writes."""
        words = [QUESTIONS[self.question].command, self.model]
        for argument in (*self.reading, *self.arguments):
            if isinstance(argument, Input):
                words.append(f"{argument.before}{argument.path}{argument.after}")
            elif isinstance(argument, Output):
                words.append(str(folder / argument.name))
            else:
                words.append(argument)
        return words


def _argument(stored: Any) -> Argument:
    if isinstance(stored, str):
        return stored
    return Output(**stored) if "name" in stored else Input(**stored)


@dataclass(frozen=True)
class Question:
    """What a question needs and which command answers it.

    Attributes
    ----------
    command : str
    of_domain, of_data : bool
        Whether it is asked of each domain, or of each data set.
    settings : tuple of str
        Which of the manifest's settings the command knows.
    stops : bool
        Whether it can stop with a bracket (--max-seconds, --max-regions).
    extra : tuple of Argument
    """

    command: str
    of_domain: bool = False
    of_data: bool = False
    settings: tuple[str, ...] = ("seed",)
    stops: bool = False
    extra: tuple[Argument, ...] = ()


_SEARCH = ("engine", "solver", "bounds", "seed")
QUESTIONS: Mapping[str, Question] = {
    "inspect": Question("inspect"),
    "bounds": Question("bounds", of_domain=True, settings=("bounds", "seed")),
    "count": Question("count", of_domain=True, settings=_SEARCH, stops=True),
    "linear-regions": Question(
        "count", of_domain=True, settings=_SEARCH, stops=True, extra=("--linear-regions",)
    ),
    "enumerate": Question(
        "enumerate", of_domain=True, settings=_SEARCH, stops=True, extra=("-o", Output("run"))
    ),
    "plot": Question(
        "plot", of_domain=True, settings=_SEARCH, stops=True, extra=("-o", Output("regions.svg"))
    ),
    "information": Question("information", of_data=True),
    "terms": Question("terms", of_data=True, extra=("-o", Output("terms.npz"))),
}
