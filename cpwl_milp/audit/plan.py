"""From a manifest to its jobs, in the order of the report."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from cpwl_milp.audit.jobs import QUESTIONS, Argument, Input, Job
from cpwl_milp.audit.manifest.domains import DataSpec, DomainSpec
from cpwl_milp.audit.manifest.reading import Entry, Manifest

FIRST = "inspect"
"""Asked of every model, and before anything else of it."""


def planned(manifest: Manifest) -> list[Job]:
    """All jobs, each once: model by model, what the model is first, then domain by domain."""
    jobs = (job for entry in manifest.entries for job in _of_model(entry, manifest.settings))
    return list(dict.fromkeys(jobs))


def _of_model(entry: Entry, settings: Mapping[str, str]) -> Iterator[Job]:
    yield _job(entry, FIRST, settings)
    asked = [(name, QUESTIONS[name]) for name in entry.ask if name != FIRST]
    for domain in entry.domains:
        for name, question in asked:
            if question.of_domain:
                yield _job(entry, name, settings, domain=domain)
    for data in entry.data:
        for name, question in asked:
            if question.of_data:
                yield _job(entry, name, settings, data=data)


def _job(
    entry: Entry,
    name: str,
    settings: Mapping[str, str],
    domain: DomainSpec | None = None,
    data: DataSpec | None = None,
) -> Job:
    question = QUESTIONS[name]
    arguments: list[Argument] = [*question.extra]
    arguments += [f"--{k}={settings[k]}" for k in question.settings if k in settings]
    for spec in (domain, data):
        arguments += spec.arguments if spec is not None else ()
    return Job(
        label=entry.label,
        model=os.path.abspath(entry.path),  # noqa: PTH100 (keeps links, as the answers do)
        question=name,
        reading=tuple(_absolute(a) for a in entry.reading),
        arguments=tuple(_absolute(a) for a in arguments),
        domain="" if domain is None else domain.name,
        data="" if data is None else data.name,
        limits=entry.limits,
        sliced=domain is not None and domain.sliced,
    )


def _absolute(argument: Argument) -> Argument:
    """So that an audit can go on from another folder."""
    if isinstance(argument, Input):
        place = os.path.abspath(argument.path)  # noqa: PTH100
        return Input(place, argument.before, argument.after)
    return argument
