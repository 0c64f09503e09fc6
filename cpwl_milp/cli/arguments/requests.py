"""What was asked for on the command line, as values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cpwl_milp.engines.choice import EngineSettings
    from cpwl_milp.enumeration.limits import Limits


@dataclass(frozen=True)
class ModelRequest:
    """Which model, and how to read it."""

    path: Path
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    dims: dict[str, int]
    fixed: dict[str, Path]
    strip_output: bool

    def described(self) -> dict[str, Any]:
        """What changes the network that is read, as JSON for a run folder."""
        return {
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "dims": self.dims,
            "fixed": {name: _identified(path) for name, path in self.fixed.items()},
            "strip_output": self.strip_output,
        }

    @staticmethod
    def from_description(path: str, options: Mapping[str, Any]) -> ModelRequest:
        """The inverse of `described`."""
        return ModelRequest(
            path=Path(path),
            inputs=tuple(options["inputs"]),
            outputs=tuple(options["outputs"]),
            dims=dict(options["dims"]),
            fixed={name: Path(file["path"]) for name, file in options["fixed"].items()},
            strip_output=bool(options["strip_output"]),
        )

    def at(self, path: Path) -> ModelRequest:
        """The same reading of a file at another place."""
        return replace(self, path=path)

    def with_fixed_at(self, places: Mapping[str, Path]) -> ModelRequest:
        """The same reading, with some of its fixed inputs in files at other places.

        Raises
        ------
        click.UsageError
            If one of them is not fixed.
        """
        for name in places:
            if name not in self.fixed:
                raise click.UsageError(f"--fix {name}: the run does not fix this input")
        return replace(self, fixed={**self.fixed, **places})


@dataclass(frozen=True)
class DomainRequest:
    """Which domain, as typed."""

    box: str | None
    ball: str | None
    radius: float | None
    norm: str | None
    polytope: Path | None
    vnnlib: str | None
    whole_space: bool
    slice_file: Path | None
    plane: str | None

    @property
    def named(self) -> list[str]:
        """The options that name a domain, beside a slice of it."""
        given = {
            "--box": self.box is not None,
            "--ball": self.ball is not None,
            "--polytope": self.polytope is not None,
            "--vnnlib": self.vnnlib is not None,
            "--whole-space": self.whole_space,
        }
        return [option for option, there in given.items() if there]

    @property
    def given(self) -> bool:
        """Whether anything of a domain was typed."""
        others = (self.radius, self.norm, self.slice_file, self.plane)
        return bool(self.named) or any(value is not None for value in others)


@dataclass(frozen=True)
class LimitRequest:
    """Where to stop; None is no limit."""

    max_regions: int | None
    max_seconds: float | None
    max_per_layer: int | None

    def limits(self) -> Limits:
        """As the enumeration takes them."""
        from cpwl_milp.enumeration.limits import Limits

        return Limits(self.max_regions, self.max_seconds, self.max_per_layer)


@dataclass(frozen=True)
class EngineRequest:
    """How to search."""

    name: str
    solver: str
    bound_method: str
    seed: int

    def settings(self, *, with_inradii: bool = False) -> EngineSettings:
        """As the engines take them."""
        from cpwl_milp.engines.choice import EngineSettings

        return EngineSettings(self.name, self.solver, self.seed, with_inradii=with_inradii)


def _identified(path: Path) -> dict[str, str]:
    """An array that is part of a question: where it lies, and what it held."""
    from cpwl_milp.storage.arrays import read_array

    content = read_array(str(path)).tobytes()
    return {"path": str(path.absolute()), "sha256": hashlib.sha256(content).hexdigest()}
