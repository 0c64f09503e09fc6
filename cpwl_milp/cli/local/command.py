"""``local``: the regions around data points."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cpwl_milp.cli.arguments.options import SEED, json_option, several_models_options
from cpwl_milp.cli.arguments.requests import ModelRequest
from cpwl_milp.cli.output import print_json
from cpwl_milp.core.errors import DataError, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cpwl_milp.local.point_sets import PointSet
    from cpwl_milp.onnx_io import ImportedModel


def _radii(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[float, ...]:
    try:
        radii = tuple(float(part) for part in value.split(","))
    except ValueError:
        radii = ()
    if not radii or not all(math.isfinite(r) and r > 0 for r in radii):
        raise click.BadParameter(f"{value!r} is not one or more numbers above 0: 0.1,0.5")
    if len(set(radii)) < len(radii):
        raise click.BadParameter(f"{value!r} names a radius twice")
    return radii


@click.command(name="local")
@several_models_options
@click.option(
    "--data", required=True, metavar="FILE", help="Points, a row each (.npy, .npz or .csv)."
)
@click.option("--labels", metavar="FILE", help="Their classes: tables by class, too.")
@click.option(
    "--points",
    "n_points",
    type=click.IntRange(min=1),
    metavar="N",
    help="Take N rows of each file at random (default: all).",
)
@click.option(
    "--compare",
    "against",
    multiple=True,
    metavar="SET",
    help="Compare with uniform[:LO,HI], normal[:MEAN,STD], permuted, or the points of a FILE.",
)
@click.option(
    "--radius",
    "radii",
    required=True,
    callback=_radii,
    metavar="R[,R...]",
    help="Radius of the balls; several make a table each.",
)
@click.option(
    "--norm",
    type=click.Choice(["1", "2", "inf"]),
    default="2",
    show_default=True,
    help="Of balls and distances.",
)
@click.option(
    "--bounds",
    "method",
    type=click.Choice(["interval", "crown", "lp"]),
    default="crown",
    show_default=True,
    help="How to bound pre-activations, beside Lipschitz constants.",
)
@click.option(
    "--count/--no-count", "count", default=True, help="Whether to list the regions of each ball."
)
@click.option(
    "--max-regions",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Stop listing a ball after this many regions.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Stop listing a ball after this many seconds.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=0),
    default=300,
    show_default=True,
    help="Random points of each ball, for the lower bound.",
)
@click.option(
    "--directions",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Orthonormal directions that sign changes are looked for in.",
)
@click.option(
    "--sigma",
    type=click.FloatRange(min=0, min_open=True),
    default=0.1,
    show_default=True,
    help="Standard deviation of the boundary density, in units of pre-activations.",
)
@click.option(
    "--sets",
    "most_sets",
    type=click.IntRange(min=0),
    default=2000,
    show_default=True,
    help="Sets of hyperplanes the first layer's bound may look at, a ball.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of everything random.")
@click.option(
    "-o",
    "--output-folder",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write points.parquet, points.csv and figures there.",
)
@json_option
def command(
    models: tuple[ModelRequest, ...],
    data: str,
    labels: str | None,
    n_points: int | None,
    against: tuple[str, ...],
    radii: tuple[float, ...],
    norm: str,
    method: str,
    count: bool,
    max_regions: int,
    max_seconds: float,
    samples: int,
    directions: int,
    sigma: float,
    most_sets: int,
    seed: int,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Look around data points: regions in balls, distances.

    For each point: the exact number of regions that meet the ball around it where the limits
    (per ball) allow, a proved bracket where not, and the exact distance to the nearest activation
    boundary. Several MODELs are taken as checkpoints of one training, compared at the same
    points; --compare sets are compared with the data pair by pair.

    \b
    Examples:
      cpwl-milp local network.onnx --data X.npy --radius 0.5
      cpwl-milp local epoch_*.onnx --data X.npy --points 300 --radius 0.1,0.5 \\
          --compare uniform --compare permuted -o around
    """
    from cpwl_milp.cli.arguments import question
    from cpwl_milp.cli.local.answer import LocalAnswer
    from cpwl_milp.cli.local.files import write
    from cpwl_milp.cli.local.json import as_json as local_json
    from cpwl_milp.cli.local.tables import show
    from cpwl_milp.enumeration.limits import Limits
    from cpwl_milp.enumeration.progress import progress_on
    from cpwl_milp.local.ball_bound import global_bound
    from cpwl_milp.local.survey import LocalSettings, survey

    if folder is not None and folder.exists() and not folder.is_dir():
        raise InputError(str(folder), "is a file", "a folder to write into")
    imported = [question.load(model) for model in models]
    _require_same_inputs(imported)
    for model in imported:
        question.checked(model, None, seed)
    sets = _sets(imported[0], data, labels, n_points, against, seed)
    settings = LocalSettings(
        radii=radii,
        norm=norm,
        method=method,
        limits=Limits(max_regions, max_seconds) if count else None,
        n_samples=samples,
        n_directions=directions,
        sigma=sigma,
        most_sets=most_sets,
        seed=seed,
    )
    networks = [model.network for model in imported]
    found = survey(networks, sets, settings, progress_on(sys.stderr))
    answer = LocalAnswer(
        models=imported,
        sets=sets,
        settings=settings,
        survey=found,
        everywhere=[global_bound(network) for network in networks],
    )
    files = [] if folder is None else write(answer, folder)
    if as_json:
        print_json(local_json(answer, files))
    else:
        show(answer, files)
    if found.interrupted or not answer.complete:
        click.get_current_context().exit(3)


def _require_same_inputs(models: Sequence[ImportedModel]) -> None:
    first = models[0]
    for model in models[1:]:
        if model.network.n_inputs != first.network.n_inputs:
            raise InputError(
                model.path,
                f"{model.network.n_inputs} inputs",
                f"{first.network.n_inputs}, as {first.path} has",
                "several models must take the same points",
            )


def _sets(
    model: ImportedModel,
    data: str,
    labels: str | None,
    n_points: int | None,
    against: tuple[str, ...],
    seed: int,
) -> list[PointSet]:
    """The data and what it is compared with, all of one size."""
    from cpwl_milp.cli.arguments import question
    from cpwl_milp.information.labels import as_labels
    from cpwl_milp.local import point_sets
    from cpwl_milp.storage.arrays import read_array, read_samples

    if len({"data", *against}) <= len(against):
        raise click.UsageError("--compare names a set twice, or `data`")

    def read(spec: str) -> NDArray[Any]:
        return read_samples(spec, model.network.n_inputs, input_shape=question.sample_shape(model))

    rows = read(data)
    ids = None
    if labels is not None:
        classes = as_labels(read_array(labels, text=True), len(rows), where=labels)
        for notice in classes.notices:
            click.echo(f"note: {notice}", err=True)
        ids = classes.ids
    first = point_sets.chosen("data", rows, n_points, seed, ids)
    sets = [first]
    for spec in against:
        if point_sets.is_random(spec):
            sets.append(point_sets.drawn(spec, first, seed))
            continue
        other = point_sets.chosen(spec, read(spec), n_points, seed)
        if len(other) != len(first):
            raise DataError(
                spec,
                f"{len(other)} points",
                f"{len(first)}, as the data has: they are compared pair by pair",
                "give --points N to take as many of both",
            )
        sets.append(other)
    return sets
