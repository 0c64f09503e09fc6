"""`run.json`: the question, the versions that began the run, and how its last session ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cpwl_milp.core.errors import RunFolderError
from cpwl_milp.storage.atomic import write_whole
from cpwl_milp.storage.question import Question

RUN_SCHEMA = "cpwl-milp/run/1"


@dataclass(frozen=True)
class Description:
    """What `run.json` holds.

    Attributes
    ----------
    question : Question
    versions : mapping of str to str
        Of the session that began the run.
    outcome : mapping or None
        How the last session ended, as JSON; None while running and after a kill.
    """

    question: Question
    versions: Mapping[str, str]
    outcome: Mapping[str, Any] | None = None

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        data = {
            "schema": RUN_SCHEMA,
            "question": self.question.to_json(),
            "versions": dict(self.versions),
            "outcome": None if self.outcome is None else dict(self.outcome),
        }
        write_whole(path, (json.dumps(data, indent=2, allow_nan=False) + "\n").encode())

    @staticmethod
    def read(path: Path) -> Description:
        """Read it.

        Raises
        ------
        RunFolderError
            If the file is damaged or of another schema.
        """
        try:
            data = json.loads(path.read_bytes())
            schema = data["schema"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunFolderError(
                str(path),
                f"not a readable run description ({type(error).__name__}: {error})",
                hint="the folder is damaged",
            ) from error
        if schema != RUN_SCHEMA:
            raise RunFolderError(
                str(path),
                f"schema {schema!r}",
                repr(RUN_SCHEMA),
                "written by another version of cpwl-milp",
            )
        try:
            outcome = data["outcome"]
            return Description(
                Question.from_json(data["question"]),
                {str(k): str(v) for k, v in data["versions"].items()},
                None if outcome is None else dict(outcome),
            )
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise RunFolderError(
                str(path),
                f"lacks or mistakes a field ({type(error).__name__}: {error})",
                hint="the folder is damaged",
            ) from error
