"""Audits without a manifest: a folder, a pattern, single files, or a VNN-COMP list of instances."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cpwl_milp.audit.jobs import QUESTIONS, Input, Limits
from cpwl_milp.audit.manifest.domains import DataSpec, DomainSpec
from cpwl_milp.audit.manifest.faults import Faults, ManifestError
from cpwl_milp.audit.manifest.files import fixed_part, label_of, matching
from cpwl_milp.audit.manifest.reading import Entry, Manifest


def from_files(
    places: Sequence[Path],
    ask: Sequence[str],
    domain: DomainSpec | None,
    data: DataSpec | None,
    settings: dict[str, str],
    limits: Limits,
) -> Manifest:
    """The same questions of every file.

    Raises
    ------
    ManifestError
        If a place names no file, or a question lacks its domain or data.
    """
    faults = Faults()
    for question in ask:
        if QUESTIONS[question].of_domain and domain is None:
            faults.note("--ask", f"{question!r} without a domain", "a domain, e.g. --box LO,HI")
        if QUESTIONS[question].of_data and data is None:
            faults.note("--ask", f"{question!r} without data", "--data FILE")
    entries: list[Entry] = []
    for place in places:
        files = matching(place)
        if not files:
            faults.note(str(place), "names no file", "an ONNX file, a folder or a pattern of some")
        base = fixed_part(place)
        entries += [
            Entry(
                label_of(file, base),
                str(file),
                tuple(ask),
                domains=() if domain is None else (domain,),
                data=() if data is None else (data,),
                limits=limits,
            )
            for file in files
        ]
    source = " ".join(str(place) for place in places)
    if faults.found:
        raise ManifestError(source, tuple(faults.found))
    return Manifest(places[0].stem or places[0].name, source, _distinct(entries), settings)


def _distinct(entries: list[Entry]) -> tuple[Entry, ...]:
    """Full paths as names where short ones are not unique."""
    labels = Counter(entry.label for entry in entries)
    return tuple(
        entry if labels[entry.label] == 1 else replace(entry, label=entry.path) for entry in entries
    )


def from_instances(
    path: Path, ask: Sequence[str], settings: dict[str, str], limits: Limits
) -> Manifest:
    """A VNN-COMP ``instances.csv``: lines of model, property, seconds, relative to its folder.

    Raises
    ------
    ManifestError
        With every line that does not fit.
    """
    faults = Faults()
    base = path.parent
    entries: list[Entry] = []
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, ValueError, csv.Error) as error:
        faults.note(str(path), str(error), "lines of model, property, seconds")
        lines = []
    for question in ask:
        if QUESTIONS[question].of_data:
            faults.note("--ask", f"{question!r} without data", "a TOML manifest with [data.NAME]")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        where = f"{path}, line {number}"
        if len(line) != 3:
            faults.note(where, f"{len(line)} fields", "model, property, seconds")
            continue
        model, prop, seconds = (text.strip() for text in line)
        for text in (model, prop):
            if not (base / text).is_file():
                packed = (base / f"{text}.gz").is_file()
                faults.note(where, f"{text}: no such file", hint="gunzip it" if packed else "")
        own = _seconds(seconds)
        if own is None:
            faults.note(where, f"seconds {seconds!r}", "a number above 0")
        domain = DomainSpec(prop, (Input(str(base / prop), "--vnnlib="),))
        own_limits = replace(limits, seconds=own or limits.seconds)
        entries.append(
            Entry(model, str(base / model), tuple(ask), domains=(domain,), limits=own_limits)
        )
    if not entries and not faults.found:
        faults.note(str(path), "no instances", "lines of model, property, seconds")
    if faults.found:
        raise ManifestError(str(path), tuple(faults.found))
    return Manifest(path.parent.name or path.stem, str(path), tuple(entries), settings)


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None
