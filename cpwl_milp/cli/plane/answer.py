"""What ``plane`` answers: checkpoints measured one by one, resumable, then table and figures."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from cpwl_milp.cli.arguments.requests import ModelRequest
from cpwl_milp.cli.information.answer import Asked
from cpwl_milp.cli.information.figures import FigureRequest
from cpwl_milp.cli.plane.processes import in_processes

_SCHEMA = "cpwl-milp/plane/1"


@dataclass(frozen=True)
class PlaneQuestion:
    """Which checkpoints, at which epochs, and what to measure.

    Attributes
    ----------
    models : tuple of ModelRequest
        In order of epochs.
    epochs : tuple of int
    asked : Asked
    jobs : int
    folder : Path or None
        Where finished checkpoints are kept.
    """

    models: tuple[ModelRequest, ...]
    epochs: tuple[int, ...]
    asked: Asked
    jobs: int
    folder: Path | None

    @staticmethod
    def of(
        models: Sequence[ModelRequest],
        asked: Asked,
        epochs: Path | None,
        jobs: int,
        folder: Path | None,
    ) -> PlaneQuestion:
        """Put the checkpoints in order.

        Raises
        ------
        InputError
            If a folder holds no checkpoint or a file is named twice.
        DataError
            If the table of epochs lacks one.
        """
        from cpwl_milp.information.checkpoints import (
            epochs_from_names,
            epochs_from_table,
            expanded,
        )
        from cpwl_milp.storage.csv_files import read_csv

        paths = expanded([model.path for model in models])
        if epochs is None:
            found = epochs_from_names(paths)
            if found is None:
                click.echo("note: no epochs in the names; checkpoints are numbered", err=True)
                found = tuple(range(len(paths)))
        else:
            rows = [[str(field) for field in row] for row in read_csv(epochs, text=True)]
            found = epochs_from_table(paths, rows, str(epochs))
        order = sorted(range(len(paths)), key=lambda k: found[k])
        return PlaneQuestion(
            tuple(models[0].at(paths[k]) for k in order),
            tuple(found[k] for k in order),
            asked,
            jobs or os.cpu_count() or 1,
            folder,
        )

    def key(self, model: ModelRequest) -> str:
        """Names the answer on one checkpoint: by the bytes of all files and the options."""
        from cpwl_milp import __version__

        question = json.dumps(
            [__version__, asdict(self.asked), model.described()], sort_keys=True, default=str
        )
        digest = hashlib.sha256(question.encode())
        for name in (str(model.path), self.asked.data, self.asked.labels):
            file = Path(name or "")
            if file.is_file():
                digest.update(hashlib.sha256(file.read_bytes()).digest())
        return f"{model.path.stem}-{digest.hexdigest()[:16]}"


def answered(question: PlaneQuestion) -> dict[str, Any]:
    """Measure every checkpoint that is not measured yet; the answer as JSON."""
    from cpwl_milp.core.versions import versions

    start = time.monotonic()
    found: dict[int, dict[str, Any]] = {}
    missing = []
    for k, model in enumerate(question.models):
        kept = _kept(question, model)
        if kept is None:
            missing.append(k)
        else:
            found[k] = kept
    for k, one in in_processes(
        measured_checkpoint,
        {k: (question.models[k], question.asked) for k in missing},
        question.jobs,
    ):
        found[k] = one
        _keep(question, question.models[k], one)
        if sys.stderr.isatty():
            click.echo(f"{len(found)} of {len(question.models)} checkpoints", err=True)
    first = found[0]
    return {
        "schema": _SCHEMA,
        "data": question.asked.data,
        "n_samples": first["n_samples"],
        "population": first["population"],
        "labels": first["labels"],
        "checkpoints": [
            {
                "path": str(model.path),
                "sha256": found[k]["model"]["sha256"],
                "epoch": epoch,
                "accuracy": found[k]["accuracy"],
                "layers": found[k]["layers"],
                "activations": found[k]["activations"],
            }
            for k, (model, epoch) in enumerate(zip(question.models, question.epochs, strict=True))
        ],
        "activation_settings": first["activation_settings"],
        "measured_now": len(missing),
        "notes": first["notes"],
        "seconds": round(time.monotonic() - start, 3),
        "versions": versions(),
    }


def measured_checkpoint(model: ModelRequest, asked: Asked) -> dict[str, Any]:
    """The answer of `information` on one checkpoint, with its accuracy."""
    from cpwl_milp.cli.arguments import question
    from cpwl_milp.core.errors import UnsupportedOperatorError

    # What is to say of data and labels, every checkpoint would say.
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            imported = question.load(model)
        except UnsupportedOperatorError:
            if asked.activations is None:
                raise
            found = asked.of_values(model)
            values = question.load_values(model)
            accuracy = asked.accuracy(
                lambda rows: values.values(rows)[-1], values.n_inputs, values.input_shape
            )
        else:
            question.checked(imported, None, asked.seed)
            found = {
                "model": question.described(imported),
                **asked.measured(model, imported, None, None, FigureRequest()),
            }
            accuracy = asked.accuracy(
                imported.network, imported.network.n_inputs, question.sample_shape(imported)
            )
    return {**found, "accuracy": accuracy}


def _kept(question: PlaneQuestion, model: ModelRequest) -> dict[str, Any] | None:
    """What an earlier call has measured of this checkpoint, if it was asked the same."""
    if question.folder is None:
        return None
    file = question.folder / "checkpoints" / f"{question.key(model)}.json"
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _keep(question: PlaneQuestion, model: ModelRequest, found: dict[str, Any]) -> None:
    from cpwl_milp.core.errors import InputError
    from cpwl_milp.storage.atomic import write_whole

    if question.folder is None:
        return
    folder = question.folder / "checkpoints"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(found, allow_nan=False)
        write_whole(folder / f"{question.key(model)}.json", text.encode())
    except OSError as error:
        raise InputError(
            str(folder), error.strerror or str(error), "a folder to write into"
        ) from None


def write(answer: dict[str, Any], folder: Path) -> list[str]:
    """Write the table and the figures; what was written."""
    import numpy as np

    from cpwl_milp.cli.plane.figures import courses, planes, table
    from cpwl_milp.report.plane_plots import draw_course_by_epoch, draw_planes
    from cpwl_milp.storage.csv_files import write_csv

    epochs = np.array([one["epoch"] for one in answer["checkpoints"]], dtype=np.float64)
    files = [folder / "plane.csv", folder / "plane.svg", folder / "course.svg"]
    write_csv(files[0], table(answer))
    draw_planes(files[1], planes(answer), epochs)
    draw_course_by_epoch(files[2], courses(answer), epochs)
    return [str(file) for file in files]


def show(answer: dict[str, Any]) -> None:
    """Print a table for each quantity: a row for each epoch, a column for each layer."""
    from cpwl_milp.cli.plane.figures import by_layer, quantities
    from cpwl_milp.report.tables import show_table

    labels = answer["labels"]
    click.echo(
        f"{len(answer['checkpoints'])} checkpoints, {answer['n_samples']:,} samples, "
        f"{labels['classes']} classes, H(Y) = {labels['entropy_bits']:.4f} bits"
    )
    for quantity in quantities(answer):
        values = by_layer(answer, quantity)
        rows = [
            (
                str(one["epoch"]),
                "-" if one["accuracy"] is None else f"{one['accuracy']:.3f}",
                *("-" if value != value else f"{value:.3f}" for value in row),
            )
            for one, row in zip(answer["checkpoints"], values, strict=True)
        ]
        layers = [str(k + 1) for k in range(values.shape[1])]
        show_table(f"{quantity.text} by layer", ["epoch", "accuracy", *layers], rows)
    for note in answer["notes"]:
        click.echo(f"- {note}")
    for file in answer["files"]:
        click.echo(f"written: {file}")
    click.echo(f"{answer['seconds']:.2f} s")
