"""What a run was asked: the part of `run.json` that a resumed run must share."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cpwl_milp.core.cube import ROOT, Cube
from cpwl_milp.core.errors import RunFolderError
from cpwl_milp.storage.journal import decode_cubes, encode_cubes


@dataclass(frozen=True)
class Layout:
    """The shape of a run's region rows.

    Attributes
    ----------
    widths : tuple of int
        Hidden units of each layer.
    dim : int
        Coordinates of an interior point: those of the domain that vary.
    n_outputs : int or None
        Outputs of the network if each region's affine map is stored, else None.
    unbounded : bool
        Whether each region is marked as bounded or unbounded.
    """

    widths: tuple[int, ...]
    dim: int
    n_outputs: int | None = None
    unbounded: bool = False

    @property
    def n_units(self) -> int:
        """Bits of a pattern."""
        return sum(self.widths)


@dataclass(frozen=True)
class Question:
    """A model, a domain and a way to answer; all values are what JSON can hold.

    Attributes
    ----------
    model_path : str
        For the reader; a moved model is still the same model.
    model_from_run : str
        The same place as seen from the run folder, for both moved together; "" in a run that was
        not told.
    model_sha256 : str
    model_options : mapping
        How the model was read: inputs, outputs, free dimensions, stripped output.
    domain : mapping
        `Domain.describe()`; its "origin" is for the reader.
    engine : str
    settings : mapping
        Engine settings that change what is listed. Limits do not belong here: a resumed run may
        have others.
    layout : Layout
    roots : tuple of Cube
        Where the run began: the root cube, or the share of this machine.
    condition : mapping
        `Condition.to_json()` of what the regions listed meet; empty where all are listed.
    """

    model_path: str
    model_sha256: str
    domain: Mapping[str, Any]
    engine: str
    layout: Layout
    model_options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    roots: tuple[Cube, ...] = (ROOT,)
    model_from_run: str = ""
    condition: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The question as JSON."""
        return {
            "model": {
                "path": self.model_path,
                "path_from_run": self.model_from_run,
                "sha256": self.model_sha256,
                "options": dict(self.model_options),
            },
            "domain": dict(self.domain),
            "condition": dict(self.condition) or None,
            "engine": {"name": self.engine, "settings": dict(self.settings)},
            "layout": {
                "widths": list(self.layout.widths),
                "dim": self.layout.dim,
                "n_outputs": self.layout.n_outputs,
                "unbounded": self.layout.unbounded,
            },
            "roots": encode_cubes(self.roots),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Question:
        """The inverse of `to_json`; KeyError, TypeError or ValueError if it does not fit."""
        model, engine, layout = data["model"], data["engine"], data["layout"]
        n_outputs = layout["n_outputs"]
        return Question(
            model_path=str(model["path"]),
            model_sha256=str(model["sha256"]),
            domain=dict(data["domain"]),
            engine=str(engine["name"]),
            layout=Layout(
                tuple(int(k) for k in layout["widths"]),
                int(layout["dim"]),
                None if n_outputs is None else int(n_outputs),
                bool(layout.get("unbounded", False)),
            ),
            model_options=dict(model["options"]),
            settings=dict(engine["settings"]),
            roots=decode_cubes(data["roots"]),
            model_from_run=str(model.get("path_from_run", "")),
            condition=dict(data.get("condition") or {}),
        )

    def require_whole(self, where: Path, what: str) -> None:
        """Stop where a run lists only the regions that meet a condition, and all are needed.

        Raises
        ------
        RunFolderError
        """
        if self.condition:
            raise RunFolderError(
                str(where),
                "lists only the regions that meet a condition",
                f"all regions of its domain, which {what} needs",
                "enumerate without --class, --where and --pattern",
            )

    def seen_from(self, folder: Path) -> Question:
        """The question, knowing where its model lies beside the run's folder."""
        return replace(self, model_from_run=os.path.relpath(self.model_path, folder))

    def require_same(self, other: Question, where: Path) -> None:
        """Check that a folder's question (`self`) is the one asked now (`other`).

        Raises
        ------
        RunFolderError
            Names the first field that differs, and both values.
        """
        for name, stored, asked in zip(_COMPARED, self._compared(), other._compared(), strict=True):
            if stored != asked:
                raise RunFolderError(
                    str(where),
                    f"holds a run of another question: {name} is {_short(stored)} there "
                    f"and {_short(asked)} here",
                    hint="give the same question, or a new folder",
                )

    def _compared(self) -> tuple[Any, ...]:
        # Through JSON, so that what was read back equals what was written (tuples, ints).
        data = json.loads(json.dumps(self.to_json()))
        data["domain"].pop("origin", None)
        return (
            data["model"]["sha256"],
            data["model"]["options"],
            data["domain"],
            data["condition"],
            data["engine"]["name"],
            data["engine"]["settings"],
            data["layout"],
            data["roots"],
        )


_COMPARED = (
    "the model's sha256",
    "the model's options",
    "the domain",
    "the condition",
    "the engine",
    "the engine's settings",
    "the layout of the rows",
    "the roots",
)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
