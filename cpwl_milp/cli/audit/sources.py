"""From what was typed to the manifest of an audit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cpwl_milp.cli.arguments.requests import DomainRequest
from cpwl_milp.core.errors import InputError

if TYPE_CHECKING:
    from cpwl_milp.audit.manifest.domains import DataSpec, DomainSpec
    from cpwl_milp.audit.manifest.reading import Manifest


@dataclass(frozen=True)
class Sources:
    """What to audit, as typed."""

    places: tuple[str, ...]
    ask: tuple[str, ...]
    domain: DomainRequest
    data: str | None
    labels: str | None
    seconds: float | None
    memory: int | None

    def manifest(self) -> Manifest | None:
        """The manifest; None if nothing was named.

        Raises
        ------
        ManifestError
            With its faults; they are printed before.
        """
        from cpwl_milp.audit.manifest.faults import ManifestError

        try:
            return self._read()
        except ManifestError as error:
            for fault in error.faults:
                click.echo(f"error: {fault}", err=True)
            raise

    def _read(self) -> Manifest | None:
        from cpwl_milp.audit.jobs import Limits
        from cpwl_milp.audit.manifest import reading, sources

        if not self.places:
            self._refuse_questions("--resume without a manifest beside it")
            if self.seconds is not None or self.memory is not None:
                raise click.UsageError("--seconds and --memory need the manifest beside --resume")
            return None
        first = Path(self.places[0])
        listed = first.suffix.lower()
        if listed in (".toml", ".csv") and len(self.places) > 1:
            raise click.UsageError("give one manifest, or models")
        if listed == ".toml":
            self._refuse_questions("a manifest, which says what to ask")
            manifest = reading.read_manifest(first)
            return manifest.limited(self.seconds, self.memory)
        limits = Limits()
        if listed == ".csv":
            if self.domain.given or self.data is not None:
                raise click.UsageError("a list of instances has its own domains, and no data")
            ask = self._asked(domain=True, data=False)
            manifest = sources.from_instances(first, ask, {}, limits)
            return manifest.limited(self.seconds, self.memory)
        domain, data = self._domain(), self._data()
        ask = self._asked(domain=domain is not None, data=data is not None)
        places = [Path(place) for place in self.places]
        manifest = sources.from_files(places, ask, domain, data, {}, limits)
        return manifest.limited(self.seconds, self.memory)

    def _refuse_questions(self, why: str) -> None:
        if self.ask or self.domain.given or self.data is not None or self.labels is not None:
            raise click.UsageError(f"--ask, a domain, --data and --labels do not go with {why}")

    def _asked(self, *, domain: bool, data: bool) -> tuple[str, ...]:
        from cpwl_milp.audit.jobs import QUESTIONS
        from cpwl_milp.audit.manifest.faults import one_of

        for name in self.ask:
            if name not in QUESTIONS:
                raise InputError("--ask", repr(name), one_of(name, QUESTIONS))
        if self.ask:
            return self.ask
        more = ("bounds", "count") if domain else ()
        return ("inspect", *more, *(("information",) if data else ()))

    def _domain(self) -> DomainSpec | None:
        """The domain options, handed on as they were typed."""
        from cpwl_milp.audit.jobs import Argument, Input, Output
        from cpwl_milp.audit.manifest.domains import DomainSpec
        from cpwl_milp.cli.arguments.domains import require_named

        asked = self.domain
        if not asked.given:
            return None
        require_named(asked)
        words: list[Argument] = []
        texts = {
            "--box": asked.box,
            "--ball": asked.ball,
            "--polytope": asked.polytope,
            "--vnnlib": asked.vnnlib,
            "--slice": asked.slice_file,
            "--plane": asked.plane,
        }
        for option, value in texts.items():
            if value is None:
                continue
            file, colon, rows = str(value), "", ""
            if not Path(file).exists() and ":" in file:
                file, colon, rows = file.rpartition(":")
            known = Path(file).is_file()
            words.append(Input(file, f"{option}=", colon + rows) if known else f"{option}={value}")
        if asked.radius is not None:
            words.append(f"--radius={asked.radius!r}")
        if asked.norm is not None:
            words.append(f"--norm={asked.norm}")
        if asked.whole_space:
            words.append("--whole-space")
        sliced = asked.slice_file is not None or asked.plane is not None
        name = " ".join(
            f"{word.before}{Path(word.path).name}{word.after}" if isinstance(word, Input) else word
            for word in words
            if not isinstance(word, Output)
        )
        return DomainSpec(name.replace("--", "").replace("=", " "), tuple(words), sliced)

    def _data(self) -> DataSpec | None:
        from cpwl_milp.audit.jobs import Input
        from cpwl_milp.audit.manifest.domains import DataSpec

        if self.data is None:
            if self.labels is not None:
                raise click.UsageError("--labels needs --data")
            return None
        words = [Input(self.data, "--data=")]
        if self.labels is not None:
            words.append(Input(self.labels, "--labels="))
        for word in words:
            if not Path(word.path).is_file():
                raise InputError(word.before.rstrip("="), f"{word.path}: no such file", "a file")
        return DataSpec(Path(self.data).name, tuple(words))
