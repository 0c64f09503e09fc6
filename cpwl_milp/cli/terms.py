"""``terms``: the linear terms of data points."""

from __future__ import annotations

from pathlib import Path

import click

from cpwl_milp.cli.options import SEED, json_option, model_options
from cpwl_milp.cli.output import print_json
from cpwl_milp.cli.requests import ModelRequest

_KINDS = (".npz", ".parquet")


def _array_file(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    if value is not None and value.suffix.lower() not in _KINDS:
        raise click.BadParameter(f"{value.name!r} does not end in {' or '.join(_KINDS)}")
    return value


@click.command(name="terms")
@model_options
@click.option(
    "--data", required=True, metavar="FILE", help="Points, a row each (.npy, .npz or .csv)."
)
@click.option("--labels", metavar="FILE", help="Their classes, for accuracies.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of everything random.")
@click.option(
    "-o",
    "--output-file",
    "file",
    type=click.Path(path_type=Path),
    callback=_array_file,
    metavar="FILE",
    help="Write all arrays there (.npz or .parquet).",
)
@json_option
def command(
    model: ModelRequest,
    data: str,
    labels: str | None,
    seed: int,
    file: Path | None,
    as_json: bool,
) -> None:
    """Give the affine map that the network is around each point.

    In the region of a point every output is `coefficients . x + bias`, exactly. A point on a
    boundary takes the side where the unit is off (bit = 1 iff z > 0); among equal outputs the
    first is the class.

    \b
    Examples:
      cpwl-milp terms network.onnx --data X.npy -o terms.npz
      cpwl-milp terms network.onnx --data X.npy:0,7 --json
    """
    from cpwl_milp.cli import checks, question, terms_answer
    from cpwl_milp.storage.arrays import read_samples

    if file is not None:
        checks.require_place_for(file)
    imported = question.load(model)
    question.checked(imported, None, seed)
    network = imported.network
    points = read_samples(data, network.n_inputs, input_shape=question.sample_shape(imported))
    classes = terms_answer.class_numbers(labels, len(points), network.n_outputs)
    if as_json and file is None:
        terms_answer.require_printable(network, len(points))
    answer = terms_answer.of_points(imported, points, classes, file, listed=as_json)
    if as_json:
        print_json(terms_answer.as_json(answer))
    else:
        terms_answer.show(answer)
