"""``information``: what the regions tell of samples and their labels."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cpwl_milp.cli.arguments.options import SEED, domain_options, json_option, model_options
from cpwl_milp.cli.arguments.requests import DomainRequest, ModelRequest
from cpwl_milp.cli.information.activations import (
    ActivationRequest,
    activation_options,
)
from cpwl_milp.cli.information.answer import Asked
from cpwl_milp.cli.information.density import DensityRequest, density_options
from cpwl_milp.cli.information.figures import FigureRequest
from cpwl_milp.cli.information.input_laws import Law, show_volumes
from cpwl_milp.cli.information.tables import show
from cpwl_milp.cli.output import print_json

if TYPE_CHECKING:
    from cpwl_milp.onnx_io import ImportedModel

# What may be asked of an enumeration beside its own question.
_OF_A_RUN = (
    *("model_path", "moved", "fixed", "data", "labels", "label_bins", "atoms"),
    *("bottlenecks", "estimators", "bins", "bin_width", "bin_range", "sigma", "neighbours"),
    *("noise", "noise_draws", "densities", "held_out", "permutations", "seed", "as_json"),
    *("uniform", "gaussian", "draws", "channel", "figures"),
)


def _mean_and_deviation(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[float, float] | None:
    if value is None:
        return None
    try:
        mean, deviation = (float(part) for part in value.split(","))
    except ValueError:
        mean = deviation = math.nan
    if not (math.isfinite(mean) and math.isfinite(deviation) and deviation > 0):
        raise click.BadParameter(f"{value!r} is no MEAN,STD with STD above 0: 0,1")
    return mean, deviation


@click.command(name="information")
@model_options
@domain_options
@click.option(
    "--model",
    "moved",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where the model of RUN lies now, if neither where it lay nor beside RUN as before.",
)
@click.option("--data", metavar="FILE", help="Samples, a row each (.npy, .npz or .csv).")
@click.option("--labels", metavar="FILE", help="Their classes (.npy, .npz or .csv).")
@click.option(
    "--label-bins",
    type=click.IntRange(min=2),
    metavar="K",
    help="Cut real-valued labels into K classes of equal counts.",
)
@click.option(
    "--atoms",
    is_flag=True,
    help="The samples are all inputs there are, equally probable: exact, nothing is corrected.",
)
@click.option(
    "--uniform",
    is_flag=True,
    help="In place of data: inputs uniform on the domain, exact by volumes; sampled with --draws.",
)
@click.option(
    "--gaussian",
    callback=_mean_and_deviation,
    metavar="MEAN,STD",
    help="In place of data: inputs normal around the mean, sampled.",
)
@click.option(
    "--draws",
    type=click.IntRange(min=1),
    metavar="N",
    help="Samples of --uniform or --gaussian (default of the latter: 100000).",
)
@click.option(
    "--channel",
    metavar="FILE",
    help="p(y | decision), a row for each output: the labels of exact volumes (default: decision).",
)
@click.option(
    "--bottlenecks",
    is_flag=True,
    help="Ranks of the maps on regions, and regions merged where their maps agree, by layer.",
)
@activation_options
@density_options
@click.option(
    "--permutations",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Shuffles of the labels for the null.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the shuffles.")
@click.option(
    "--figures",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Draw entropies by layer, and region masses by rank, into DIR.",
)
@json_option
def command(
    model: ModelRequest,
    domain: DomainRequest,
    moved: Path | None,
    data: str | None,
    labels: str | None,
    label_bins: int | None,
    atoms: bool,
    uniform: bool,
    gaussian: tuple[float, float] | None,
    draws: int | None,
    channel: str | None,
    bottlenecks: bool,
    activations: ActivationRequest | None,
    density: DensityRequest | None,
    permutations: int,
    seed: int,
    figures: Path | None,
    as_json: bool,
) -> None:
    """Weigh regions with samples: entropies and information.

    MODEL is an ONNX file, or the folder of an enumeration (RUN): then the mass of every listed
    region, those without samples included, is written to RUN/mass. `own` is the pattern of a
    layer alone, `prefix` of the layers 1..l. Beside I(R;Y) stands what permuted labels give.
    Without data, inputs may follow a law: then the label is the network's own decision (the
    largest output, the sign of a single one).

    \b
    Examples:
      cpwl-milp information network.onnx --data X.npy --labels y.npy
      cpwl-milp information run --data X.npy --labels y.npy --json
      cpwl-milp information szt.onnx --data all-inputs.npy --labels y.npy --atoms
      cpwl-milp information network.onnx --box -1,1 --uniform
      cpwl-milp information network.onnx --gaussian 0,1 --draws 1000000
      cpwl-milp information tanh.onnx --data X.npy --labels y.npy --activations all
      cpwl-milp information network.onnx --box -1,1 --data X.npy --density all
    """
    from cpwl_milp.cli.arguments import checks, domains, question
    from cpwl_milp.core.domains import domain_from

    law = Law.of(uniform, gaussian, draws, channel)
    has_domain = domain.given or model.path.is_dir()
    _require_one_source(
        data, labels, label_bins, atoms, bottlenecks, activations is not None, has_domain, law
    )
    if density is not None and (law is not None or not has_domain):
        raise click.UsageError("--density goes with --data and a box: --box LO,HI")
    run = model.path if model.path.is_dir() else None
    where = None
    if run is not None:
        checks.refuse_others(_OF_A_RUN, "RUN, which has its own model, reading of it and domain")
        stored = question.stored_run(run)
        stored.question.require_whole(run, "information")
        where = domain_from(stored.question.domain, str(run))
        place = moved or question.located(run, stored.question)
        fixed = model.fixed
        model = ModelRequest.from_description(str(place), stored.question.model_options)
        model = model.with_fixed_at(fixed)
    elif moved is not None:
        raise click.UsageError("--model goes with RUN, the folder of an enumeration")
    asked = None
    if data is not None:
        asked = Asked(
            *(data, labels, label_bins, atoms, bottlenecks, activations, permutations, seed),
            density,
        )
    imported = _load(model, run, asked)
    if imported is None:
        assert asked is not None
        _print(asked.of_values(model), as_json)
        return
    if run is not None:
        question.require_same_model(imported, model, stored.question)
    elif domain.given:
        where = domains.resolve(domain, imported)
    question.checked(imported, where, seed)
    answer: dict[str, Any] = {
        "schema": "cpwl-milp/information/1",
        "model": question.described(imported),
        "domain": None if where is None else where.describe(),
        "data": data,
        "law": None,
        "run": None,
    }
    if law is not None:
        answer |= law.measured(
            imported.network, where, run, FigureRequest(figures), permutations, seed
        )
    else:
        assert asked is not None
        answer |= asked.measured(model, imported, where, run, FigureRequest(figures))
    _print(answer, as_json)


def _print(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
    elif answer["population"] == "volumes":
        show_volumes(answer)
    else:
        show(answer)


def _load(model: ModelRequest, run: Path | None, asked: Asked | None) -> ImportedModel | None:
    """The network; None for one that is not piecewise linear, where its values are asked for."""
    from cpwl_milp.cli.arguments import question
    from cpwl_milp.core.errors import UnsupportedOperatorError

    try:
        return question.load(model)
    except UnsupportedOperatorError as error:
        if asked is None or asked.activations is None or asked.density or run is not None:
            raise
        click.echo(f"note: no regions, only values of layers: {error}", err=True)
        return None


def _require_one_source(
    data: str | None,
    labels: str | None,
    label_bins: int | None,
    atoms: bool,
    bottlenecks: bool,
    activations: bool,
    has_domain: bool,
    law: Law | None,
) -> None:
    """Samples from a file or from a law, and what goes with either."""
    if (data is None) == (law is None):
        raise click.UsageError("give one of --data FILE, --uniform and --gaussian MEAN,STD")
    if label_bins is not None and labels is None:
        raise click.UsageError("--label-bins needs --labels")
    if law is not None and (labels is not None or atoms or bottlenecks or activations):
        raise click.UsageError("--labels, --atoms, --bottlenecks, --activations go with --data")
    if law is not None and law.gaussian is None and not has_domain:
        raise click.UsageError("--uniform needs a domain, e.g. --box LO,HI")
