"""``information``: what the regions tell of samples and their labels."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cpwl_milp.cli.input_laws import Law, show_volumes
from cpwl_milp.cli.options import SEED, domain_options, json_option, model_options
from cpwl_milp.cli.output import print_json
from cpwl_milp.cli.requests import DomainRequest, ModelRequest

if TYPE_CHECKING:
    from cpwl_milp.core.domain import Domain
    from cpwl_milp.information.labels import Labels
    from cpwl_milp.onnx_io import ImportedModel

# What may be asked of an enumeration beside its own question.
_OF_A_RUN = (
    *("model_path", "moved", "fixed", "data", "labels", "label_bins", "atoms"),
    *("bottlenecks", "permutations", "seed", "as_json"),
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
    data: str | None,
    labels: str | None,
    label_bins: int | None,
    atoms: bool,
    uniform: bool,
    gaussian: tuple[float, float] | None,
    draws: int | None,
    channel: str | None,
    bottlenecks: bool,
    permutations: int,
    seed: int,
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
    """
    from cpwl_milp.cli import checks, domains, question
    from cpwl_milp.core.domains import domain_from

    law = Law.of(uniform, gaussian, draws, channel)
    _require_one_source(data, labels, label_bins, atoms, bottlenecks, domain, law)
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
        answer |= law.measured(imported.network, where, permutations, seed)
    else:
        assert data is not None
        asked = _Asked(data, labels, label_bins, atoms, bottlenecks, permutations, seed)
        answer |= asked.measured(imported, where, run)
    if as_json:
        print_json(answer)
    elif answer["population"] == "volumes":
        show_volumes(answer)
    else:
        _show(answer)


def _require_one_source(
    data: str | None,
    labels: str | None,
    label_bins: int | None,
    atoms: bool,
    bottlenecks: bool,
    domain: DomainRequest,
    law: Law | None,
) -> None:
    """Samples from a file or from a law, and what goes with either."""
    if (data is None) == (law is None):
        raise click.UsageError("give one of --data FILE, --uniform and --gaussian MEAN,STD")
    if label_bins is not None and labels is None:
        raise click.UsageError("--label-bins needs --labels")
    if law is not None and (labels is not None or atoms or bottlenecks):
        raise click.UsageError("--labels, --atoms and --bottlenecks go with --data")
    if law is not None and law.gaussian is None and not domain.given:
        raise click.UsageError("--uniform needs a domain, e.g. --box LO,HI")


@dataclass(frozen=True)
class _Asked:
    """Samples of a file, and what to measure of them."""

    data: str
    labels: str | None
    label_bins: int | None
    atoms: bool
    bottlenecks: bool
    permutations: int
    seed: int

    def measured(
        self, imported: ImportedModel, where: Domain | None, run: Path | None
    ) -> dict[str, Any]:
        """The part of the answer that depends on the samples."""
        from cpwl_milp.cli import question
        from cpwl_milp.information.layers import measure
        from cpwl_milp.partition.samples import sample_patterns
        from cpwl_milp.storage.arrays import read_samples

        network = imported.network
        rows = read_samples(
            self.data, network.n_inputs, input_shape=question.sample_shape(imported)
        )
        classes = self._classes(len(rows))
        samples = sample_patterns(network, rows, where)
        how = {"n_permutations": self.permutations, "seed": self.seed}
        found = measure(samples, classes, population=self.atoms, **how).as_json()
        for layer in found["layers"]:
            layer["bottleneck"] = None
        if self.bottlenecks:
            from cpwl_milp.information.bottleneck import NOTES, bottlenecks, box_of

            narrow = bottlenecks(
                network, samples, box_of(rows), classes, population=self.atoms, **how
            )
            for layer, one in zip(found["layers"], narrow, strict=True):
                layer["bottleneck"] = one.as_json()
            found["notes"] += NOTES
        return {"run": None if run is None else _weighed(run, samples), **found}

    def _classes(self, n: int) -> Labels | None:
        from cpwl_milp.information.labels import as_labels
        from cpwl_milp.storage.arrays import read_array

        if self.labels is None:
            return None
        classes = as_labels(
            read_array(self.labels, text=True), n, bins=self.label_bins, where=self.labels
        )
        for notice in classes.notices:
            click.echo(f"note: {notice}", err=True)
        return classes


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
    _show_bottlenecks(answer["layers"])
    for note in answer["notes"]:
        click.echo(f"- {note}")
    click.echo(f"- {answer['reliability_rule']}")


def _show_bottlenecks(layers: list[dict[str, Any]]) -> None:
    from cpwl_milp.report.tables import show_table

    if not layers or layers[0].get("bottleneck") is None:
        return
    rows = []
    for layer in layers:
        narrow = layer["bottleneck"]
        rank, functional = narrow["rank"], narrow["functional"]
        told = functional["mi_labels_bits"] or {}
        rows.append(
            (
                str(layer["layer"]),
                f"{layer['own']['regions_seen']:,}",
                f"{layer['prefix']['regions_seen']:,}",
                f"{narrow['growth']:.3g}",
                f"{rank['least']}",
                f"{rank['mean']:.2f}",
                f"{rank['largest']}",
                f"{functional['regions_seen']:,}",
                _bits(functional["entropy_bits"]["plugin"]),
                _bits(told.get("plugin")),
                _bits(told.get("null_mean")),
            )
        )
    show_table(
        "bottlenecks",
        (
            *("layer", "own", "prefix", "growth", "least rank", "mean", "largest"),
            *("functional", "H", "I(F;Y)", "I null"),
        ),
        rows,
    )


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
