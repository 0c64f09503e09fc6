"""Domains and data sets of a manifest, as options of the command line."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cpwl_milp.audit.jobs import Argument, Input
from cpwl_milp.audit.manifest.faults import Faults, Section

_KINDS = ("box", "ball", "polytope", "vnnlib", "whole_space")


@dataclass(frozen=True)
class DomainSpec:
    """A named domain."""

    name: str
    arguments: tuple[Argument, ...]
    sliced: bool = False


@dataclass(frozen=True)
class DataSpec:
    """Named samples, with labels or without."""

    name: str
    arguments: tuple[Argument, ...]


def read_domain(name: str, values: Any, base: Path, faults: Faults) -> DomainSpec:
    """One table of ``[domains]``."""
    section = Section(values, f"domains.{name}", faults)
    kinds = [kind for kind in _KINDS if section.raw(kind) not in (None, False)]
    if len(kinds) != 1:
        found = " and ".join(kinds) if kinds else "no domain"
        faults.note(section.where, found, f"one of {', '.join(_KINDS)}")
    arguments: list[Argument] = [*_box(section, base), *_ball(section, base)]
    for kind in ("polytope", "vnnlib"):
        if (text := section.text(kind)) is not None:
            arguments += _file(section, kind, text, base, f"--{kind}=")
    if section.flag("whole_space"):
        arguments.append("--whole-space")
    sliced = False
    for kind in ("slice", "plane"):
        if (text := section.text(kind)) is not None:
            arguments += _file(section, kind, text, base, f"--{kind}=")
            sliced = True
    section.close()
    return DomainSpec(name, tuple(arguments), sliced)


def _box(section: Section, base: Path) -> list[Argument]:
    value = section.raw("box")
    if value is None:
        return []
    if isinstance(value, str) and value:
        return _file(section, "box", value, base, "--box=")
    ends = value if isinstance(value, list) else []
    numbers = [e for e in ends if isinstance(e, int | float) and not isinstance(e, bool)]
    if len(ends) != 2 or len(numbers) != 2 or not all(math.isfinite(e) for e in numbers):
        section.wrong("box", "[lower, upper], or an .npz/.json file")
        return []
    if numbers[0] >= numbers[1]:
        section.wrong("box", "a lower end below the upper one")
        return []
    return [f"--box={numbers[0]!r},{numbers[1]!r}"]


def _ball(section: Section, base: Path) -> list[Argument]:
    value, radius = section.raw("ball"), section.number("radius", above=0.0)
    norm = section.text("norm", ("1", "2", "inf"))
    if value is None:
        for other in ("radius", "norm"):
            if section.raw(other) is not None:
                section.faults.note(section.place(other), "no ball", "a ball beside it")
        return []
    if section.raw("radius") is None:
        section.faults.note(section.place("ball"), "no radius", "a radius beside it")
    found: list[Argument] = [] if radius is None else [f"--radius={radius!r}"]
    if norm is not None:
        found.append(f"--norm={norm}")
    if isinstance(value, list):
        if not value or not all(isinstance(v, int | float) and math.isfinite(v) for v in value):
            section.wrong("ball", "numbers, or a row of a file: data.npy:17")
            return []
        return [f"--ball={','.join(repr(v) for v in value)}", *found]
    text = section.text("ball")
    return [] if text is None else [*_file(section, "ball", text, base, "--ball="), *found]


def _file(section: Section, key: str, text: str, base: Path, before: str) -> list[Argument]:
    """A file, perhaps with rows behind a colon."""
    name, colon, rows = text, "", ""
    if not (base / text).exists() and ":" in text:
        name, colon, rows = text.rpartition(":")
    if not existing(section, key, base / name):
        return []
    return [Input(str(base / name), before, f"{colon}{rows}")]


def existing(section: Section, key: str, path: Path) -> bool:
    """Note a file that is not there."""
    if path.is_file():
        return True
    found = "is a folder" if path.is_dir() else "no such file"
    section.faults.note(section.place(key), f"{path}: {found}", "a file")
    return False


def read_data(name: str, values: Any, base: Path, faults: Faults) -> DataSpec:
    """One table of ``[data]``."""
    section = Section(values, f"data.{name}", faults)
    arguments: list[Argument] = []
    samples, labels = section.text("samples"), section.text("labels")
    if section.raw("samples") is None:
        faults.note(section.where, "no samples", "samples = a .npy, .npz or .csv file")
    if samples is not None:
        arguments += _file(section, "samples", samples, base, "--data=")
    if labels is not None:
        arguments += _file(section, "labels", labels, base, "--labels=")
    section.close()
    return DataSpec(name, tuple(arguments))


def read_named(root: Section, base: Path) -> tuple[dict[str, DomainSpec], dict[str, DataSpec]]:
    """The tables ``[domains]`` and ``[data]``."""
    domains = {
        name: read_domain(name, values, base, root.faults)
        for name, values in root.table("domains").items()
    }
    data = {
        name: read_data(name, values, base, root.faults)
        for name, values in root.table("data").items()
    }
    for name in itertools.chain(domains, data):
        if not name.strip():
            root.faults.note("domains, data", "a name of nothing", "a name")
    return domains, data
