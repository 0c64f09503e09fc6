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
@click.option("--tropical", is_flag=True, help="Also the terms of F and G, f = F - G.")
@click.option("--test", metavar="FILE", help="Points that the extracted classifier is tried on.")
@click.option("--test-labels", metavar="FILE", help="Their classes.")
@click.option(
    "--shares",
    type=click.IntRange(min=1, max=100),
    default=10,
    show_default=True,
    help="Steps in which the training terms grow to all of them.",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=1, max=100),
    default=5,
    show_default=True,
    help="Random orders in which they do.",
)
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
    tropical: bool,
    test: str | None,
    test_labels: str | None,
    shares: int,
    repeats: int,
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
      cpwl-milp terms network.onnx --data X.npy --tropical --test X2.npy --test-labels y2.npy
    """
    from cpwl_milp.cli import checks, question, terms_answer
    from cpwl_milp.storage.arrays import read_samples
    from cpwl_milp.terms.checks import TropicalChecks
    from cpwl_milp.terms.extraction_report import report_extraction
    from cpwl_milp.terms.gathered import gathered
    from cpwl_milp.terms.tropical import Tropical

    if test is None and test_labels is not None:
        raise click.UsageError("--test-labels needs --test")
    if test is not None and not tropical:
        raise click.UsageError("--test needs --tropical")

    if file is not None:
        checks.require_place_for(file)
    imported = question.load(model)
    question.checked(imported, None, seed)
    network = imported.network
    shape = question.sample_shape(imported)
    points = read_samples(data, network.n_inputs, input_shape=shape)
    classes = terms_answer.class_numbers(labels, len(points), network.n_outputs)
    test_points, test_classes = None, None
    if test is not None:
        test_points = read_samples(test, network.n_inputs, input_shape=shape)
        test_classes = terms_answer.class_numbers(test_labels, len(test_points), network.n_outputs)
    if as_json and file is None:
        terms_answer.require_printable(network, len(points))
    shared = Tropical.of(network) if tropical else None
    tropical_checks = TropicalChecks()
    answer = terms_answer.of_points(
        imported, points, classes, file, shared, tropical_checks, listed=as_json
    )
    reports = []
    if answer.terms is not None and network.n_outputs > 1:
        sets = [("training", answer.terms, points, classes)]
        if test_points is not None:
            known = gathered(network, test_points, shared, tropical_checks)
            sets.append(("test", known, test_points, test_classes))
        reports = [
            report_extraction(
                name,
                answer.terms,
                known,
                where,
                their_classes,
                tropical_checks,
                n_shares=shares,
                n_repeats=repeats,
                seed=seed,
            )
            for name, known, where, their_classes in sets
        ]
    elif tropical:
        click.echo("note: one output has no classes, so no classifier is extracted", err=True)
    answer.reports = reports
    if tropical:
        answer.checks += tropical_checks.passed
    if as_json:
        print_json(terms_answer.as_json(answer))
    else:
        terms_answer.show(answer)
