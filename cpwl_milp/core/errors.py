"""The one tree of errors: each says where, what was found, what was expected, what to do.

::

    CpwlError                exit code 1
    ├── InputError           a file, an option's value or data that cannot be used
    │   ├── ModelError       the ONNX file itself is broken, hostile or does not fit together
    │   │   └── UnsupportedOperatorError   a valid network that is not (provably) CPWL
    │   ├── DomainError      the domain is empty, unbounded, of another dimension ...
    │   └── DataError        samples or labels
    ├── RunFolderError       a run folder that is missing, damaged or of another question
    ├── SolverError          a solver failed where no honest answer is left
    └── CheckFailedError     a built-in check failed (exit code 4)
"""

from __future__ import annotations

OUT_OF_MEMORY = "out of memory"
"""How the line begins that tells of it."""


class CpwlError(Exception):
    """Base of every error that a user can meet.

    Parameters
    ----------
    where : str
        The file, option, node or row that the error is about.
    found : str
        What stands there.
    expected : str, optional
        What would have been right.
    hint : str, optional
        What to do.
    """

    exit_code = 1

    def __init__(self, where: str, found: str, expected: str = "", hint: str = "") -> None:
        self.where = where
        self.found = found
        self.expected = expected
        self.hint = hint
        super().__init__(where, found, expected, hint)

    def __str__(self) -> str:
        text = f"{self.where}: {self.found}"
        if self.expected:
            text += f"; expected {self.expected}"
        if self.hint:
            text += f" ({self.hint})"
        # One line whatever a foreign library put into `found`.
        return " ".join(text.split())


class InputError(CpwlError):
    """A file, an option's value or data that cannot be used."""


class ModelError(InputError):
    """An ONNX file that is broken, hostile or does not fit together."""


class UnsupportedOperatorError(ModelError):
    """A valid network with an operator that is not continuous piecewise linear."""


class DomainError(InputError):
    """A domain that is empty, degenerate, unbounded or of another dimension."""


class DataError(InputError):
    """Samples or labels that do not fit the question."""


class RunFolderError(CpwlError):
    """A run folder that is missing, damaged or holds another question."""


class SolverError(CpwlError):
    """A solver that failed where no honest answer is left."""


class CheckFailedError(CpwlError):
    """A built-in check failed: the answer must not be trusted."""

    exit_code = 4
