"""``information``: what the regions tell of samples and their labels."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cpwl_milp.cli.options import SEED, domain_options, json_option, model_options
from cpwl_milp.cli.output import print_json
from cpwl_milp.cli.requests import DomainRequest, ModelRequest

# What may be asked of an enumeration beside its own question.
_OF_A_RUN = (
    *("model_path", "moved", "fixed", "data", "labels", "label_bins", "atoms"),
    *("permutations", "seed", "as_json"),
)


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
@click.option(
    "--data", required=True, metavar="FILE", help="Samples, a row each (.npy, .npz or .csv)."
)
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
    "--permutations",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Shuffles of the labels for the null.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the shuffles.")
@json_option
def command(
    model: ModelRequest,
    domain: DomainRequest,
    moved: Path | None,
    data: str,
    labels: str | None,
    label_bins: int | None,
    atoms: bool,
    permutations: int,
    seed: int,
    as_json: bool,
) -> None:
    """Weigh regions with samples: entropies and information.

    MODEL is an ONNX file, or the folder of an enumeration (RUN): then the mass of every listed
    region, those without samples included, is written to RUN/mass. `own` is the pattern of a
    layer alone, `prefix` of the layers 1..l. Beside I(R;Y) stands what permuted labels give.

    \b
    Examples:
      cpwl-milp information network.onnx --data X.npy --labels y.npy
      cpwl-milp information run --data X.npy --labels y.npy --json
      cpwl-milp information szt.onnx --data all-inputs.npy --labels y.npy --atoms
    """
    from cpwl_milp.cli import checks, domains, question
    from cpwl_milp.core.domains import domain_from
    from cpwl_milp.information.labels import as_labels
    from cpwl_milp.information.layers import measure
    from cpwl_milp.partition.samples import sample_patterns
    from cpwl_milp.storage.arrays import read_array, read_samples

    if label_bins is not None and labels is None:
        raise click.UsageError("--label-bins needs --labels")
    run = model.path if model.path.is_dir() else None
    where = None
    if run is not None:
        checks.refuse_others(_OF_A_RUN, "RUN, which has its own model, reading of it and domain")
        stored = question.stored_run(run)
        where = domain_from(stored.question.domain, str(run))
        place = moved or question.located(run, stored.question)
        fixed = model.fixed
        model = ModelRequest.from_description(str(place), stored.question.model_options)
        model = model.with_fixed_at(fixed)
    elif moved is not None:
        raise click.UsageError("--model goes with RUN, the folder of an enumeration")
    imported = question.load(model)
    network = imported.network
    if run is not None:
        question.require_same_model(imported, model, stored.question)
    elif domain.given:
        where = domains.resolve(domain, imported)
    question.checked(imported, where, seed)
    rows = read_samples(data, network.n_inputs, input_shape=question.sample_shape(imported))
    classes = None
    if labels is not None:
        classes = as_labels(read_array(labels, text=True), len(rows), bins=label_bins, where=labels)
        for notice in classes.notices:
            click.echo(f"note: {notice}", err=True)
    samples = sample_patterns(network, rows, where)
    answer: dict[str, Any] = {
        "schema": "cpwl-milp/information/1",
        "model": question.described(imported),
        "domain": None if where is None else where.describe(),
        "data": data,
        "run": None if run is None else _weighed(run, samples),
        **measure(
            samples, classes, population=atoms, n_permutations=permutations, seed=seed
        ).as_json(),
    }
    if as_json:
        print_json(answer)
    else:
        _show(answer)


def _weighed(run: Path, samples: Any) -> dict[str, Any]:
    from cpwl_milp.cli import question
    from cpwl_milp.partition.run_masses import write_run_masses

    folder = question.stored_run(run)
    complete = bool(folder.outcome and folder.outcome["complete"])
    report = write_run_masses(run, folder.patterns(), samples, complete=complete)
    return {"path": str(run), "complete": complete, **asdict(report)}


def _show(answer: dict[str, Any]) -> None:
    from cpwl_milp.report.tables import show_table

    samples = answer["samples"]
    click.echo(
        f"{answer['n_samples']:,} samples: "
        f"{samples['outside_domain']:,} outside the domain, "
        f"{samples['near_zero']:,} near a boundary, "
        f"{samples['float32_bits_differ']:,} with other bits in float32"
    )
    labels = answer["labels"]
    if labels is not None:
        click.echo(f"{labels['classes']} classes, H(Y) = {labels['entropy_bits']:.4f} bits")
    run = answer["run"]
    if run is not None:
        click.echo(
            f"{run['regions_with_samples']:,} of {run['regions']:,} listed regions hold samples; "
            f"masses are in {run['path']}/mass"
        )
        if run["unlisted"]:
            click.echo(
                f"the run is incomplete: {run['unlisted']:,} samples lie in "
                f"{run['unlisted_patterns']:,} regions that it does not list"
            )
    show_table(
        "regions as bins (bits)",
        (
            *("layer", "patterns", "seen", "H", "H grassberger", "I(R;Y)", "I mm", "I null", "p"),
            *("unseen", "reliable"),
        ),
        [
            (str(layer["layer"]), kind, *_line(layer[kind], _listed(run, layer["layer"], kind)))
            for layer in answer["layers"]
            for kind in ("own", "prefix")
        ],
    )
    for note in answer["notes"]:
        click.echo(f"- {note}")
    click.echo(f"- {answer['reliability_rule']}")


def _listed(run: dict[str, Any] | None, layer: int, kind: str) -> int | None:
    """How many patterns of that kind the run lists."""
    if run is None:
        return None
    name = "own_patterns" if kind == "own" else "prefix_regions"
    return int(run[name][layer - 1])


def _line(part: dict[str, Any], listed: int | None) -> tuple[str, ...]:
    entropy, mutual = part["entropy_bits"], part["mi_labels_bits"] or {}
    seen = f"{part['regions_seen']:,}" + ("" if listed is None else f" of {listed:,}")
    grassberger = _bits(entropy["grassberger"])
    if part["entropy_interval_bits"] is not None:
        low, high = part["entropy_interval_bits"]
        grassberger += f" ±{(high - low) / 2:.3f}"
    p = mutual.get("null_p")
    return (
        seen,
        _bits(entropy["plugin"]),
        grassberger,
        _bits(mutual.get("plugin")),
        _bits(mutual.get("miller_madow")),
        _bits(mutual.get("null_mean")),
        "-" if p is None else f"{p:.2g}",
        f"{part['missing_mass']:.3f}",
        "yes" if part["reliable"] else "no",
    )


def _bits(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
