"""A manifest in TOML: read as a whole, every fault listed, before anything runs."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from cpwl_milp.audit.jobs import DEFAULT_LIMITS, QUESTIONS, Argument, Input, Limits
from cpwl_milp.audit.manifest.domains import DataSpec, DomainSpec, existing, read_named
from cpwl_milp.audit.manifest.faults import Faults, ManifestError, Section, one_of
from cpwl_milp.audit.manifest.files import fixed_part, label_of, matching

ENGINES = ("auto", "cells", "tree", "milp", "sampling")
BOUND_METHODS = ("interval", "crown", "lp", "milp")
_Spec = TypeVar("_Spec")


@dataclass(frozen=True)
class Entry:
    """One model, and what is asked of it."""

    label: str
    path: str
    ask: tuple[str, ...]
    reading: tuple[Argument, ...] = ()
    domains: tuple[DomainSpec, ...] = ()
    data: tuple[DataSpec, ...] = ()
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True)
class Manifest:
    """What an audit is about.

    Attributes
    ----------
    title, source : str
        For readers: its name, and the file or folder it comes from.
    entries : tuple of Entry
    settings : mapping
        `engine`, `solver`, `bounds`, `seed` for the commands that know them.
    """

    title: str
    source: str
    entries: tuple[Entry, ...]
    settings: Mapping[str, str] = field(default_factory=dict)

    def limited(self, seconds: float | None, memory_mb: int | None) -> Manifest:
        """The same with other limits for all jobs."""
        given: dict[str, Any] = {"seconds": seconds, "memory_mb": memory_mb}
        changes = {name: value for name, value in given.items() if value is not None}
        entries = (replace(e, limits=replace(e.limits, **changes)) for e in self.entries)
        return replace(self, entries=tuple(entries))


def read_manifest(path: Path) -> Manifest:
    """Read and check a TOML manifest; paths in it are relative to its folder.

    Raises
    ------
    ManifestError
        With every fault.
    """
    faults = Faults()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        faults.note(str(path), f"{error}", "a readable TOML file")
        raise ManifestError(str(path), tuple(faults.found)) from error
    base = path.parent
    root = Section(values, "", faults)
    title = root.text("title") or path.stem
    ask = _questions(root, "ask")
    limits = _limits(root, DEFAULT_LIMITS)
    settings = _settings(root)
    domains, data = read_named(root, base)
    entries: list[Entry] = []
    tables = root.raw("models")
    if not isinstance(tables, list) or not tables:
        faults.note("models", "no models", "[[models]] tables with files = ...")
        tables = []
    for place, table in enumerate(tables):
        section = Section(table, f"models[{place}]", faults)
        entries += _entries(section, base, ask, limits, domains, data)
        section.close()
    root.close()
    if faults.found:
        raise ManifestError(str(path), tuple(faults.found))
    return Manifest(title, str(path), tuple(entries), settings)


def _entries(
    section: Section,
    base: Path,
    ask: tuple[str, ...] | None,
    limits: Limits,
    domains: Mapping[str, DomainSpec],
    data: Mapping[str, DataSpec],
) -> list[Entry]:
    """The models of one ``[[models]]`` table."""
    files: dict[Path, str] = {}
    named = section.texts("files")
    if section.raw("files") is None:
        section.faults.note(section.where, "no files", "files = a file, folder or pattern")
    for text in named or ():
        found = matching(base / text)
        if not found:
            section.faults.note(section.place("files"), f"{text!r} names no file", "ONNX files")
        # Beside the manifest, a model's name is its path from there; elsewhere, from where its
        # folder or pattern begins.
        inside = (base / text).absolute().is_relative_to(base.absolute())
        for file in found:
            files[file] = label_of(file, base if inside else fixed_part(base / text))
    questions = _questions(section, "ask") or ask
    if questions is None:
        section.faults.note(
            section.place("ask"), "nothing is asked", f"a list of {', '.join(QUESTIONS)}"
        )
        questions = ()
    own_domains = _chosen(section, "domains", domains)
    own_data = _chosen(section, "data", data)
    for question in questions:
        if QUESTIONS[question].of_domain and not own_domains and not section.raw("domains"):
            section.faults.note(section.where, f"{question!r} without a domain", "[domains.NAME]")
        if QUESTIONS[question].of_data and not own_data and not section.raw("data"):
            section.faults.note(section.where, f"{question!r} without data", "[data.NAME]")
    name = section.text("name")
    if name is not None and len(files) > 1:
        section.faults.note(section.place("name"), f"one name for {len(files)} files", "one file")
    reading = _reading(section, base)
    limits = _limits(section, limits)
    return [
        Entry(
            label=name or label,
            path=str(file),
            ask=questions,
            reading=reading,
            domains=tuple(own_domains),
            data=tuple(own_data),
            limits=limits,
        )
        for file, label in files.items()
    ]


def _questions(section: Section, key: str) -> tuple[str, ...] | None:
    asked = section.texts(key)
    if asked is None:
        return None
    for question in asked:
        if question not in QUESTIONS:
            section.faults.note(section.place(key), repr(question), one_of(question, QUESTIONS))
    return tuple(dict.fromkeys(question for question in asked if question in QUESTIONS))


def _chosen(section: Section, key: str, known: Mapping[str, _Spec]) -> list[_Spec]:
    """Those that a model names; all there are if it names none."""
    names = section.texts(key)
    if names is None:
        return list(known.values()) if section.raw(key) is None else []
    return [known[name] for name in names if _is_known(section, key, name, known)]


def _is_known(section: Section, key: str, name: str, known: Collection[str]) -> bool:
    if name not in known:
        section.faults.note(section.place(key), f"unknown name {name!r}", one_of(name, known))
    return name in known


def _limits(parent: Section, otherwise: Limits) -> Limits:
    section = Section(parent.table("limits"), parent.place("limits"), parent.faults)
    seconds = section.number("seconds", above=0.0)
    memory = section.integer("memory_mb", 200)
    regions = section.integer("max_regions", 1)
    section.close()
    return Limits(
        otherwise.seconds if seconds is None else seconds,
        otherwise.memory_mb if memory is None else memory,
        otherwise.max_regions if regions is None else regions,
    )


def _settings(root: Section) -> dict[str, str]:
    section = Section(root.table("settings"), "settings", root.faults)
    found = {
        "engine": section.text("engine", ENGINES),
        "solver": section.text("solver"),
        "bounds": section.text("bounds", BOUND_METHODS),
    }
    seed = section.integer("seed", 0, 2**31 - 1)
    section.close()
    settings = {name: value for name, value in found.items() if value is not None}
    return settings if seed is None else {**settings, "seed": str(seed)}


def _reading(section: Section, base: Path) -> tuple[Argument, ...]:
    """How a model is read: the options of the command line of the same names."""
    arguments: list[Argument] = []
    for key in ("inputs", "outputs"):
        arguments += [f"--{key[:-1]}={name}" for name in section.texts(key) or ()]
    for name, size in section.table("dims").items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            section.faults.note(section.place(f"dims.{name}"), repr(size), "a size from 1 on")
        arguments.append(f"--dim={name}={size}")
    fixed = Section(section.table("fix"), section.place("fix"), section.faults)
    for name in section.table("fix"):
        text = fixed.text(name)
        if text is not None and existing(fixed, name, base / text):
            arguments.append(Input(str(base / text), f"--fix={name}="))
    if section.flag("strip_output"):
        arguments.append("--strip-output")
    return tuple(arguments)
