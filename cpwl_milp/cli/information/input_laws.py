"""Inputs that follow a law, in place of samples from a file: part of ``information``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from cpwl_milp.cli.information.figures import FigureRequest
from cpwl_milp.cli.information.runs import require_listed, weighed

if TYPE_CHECKING:
    from pathlib import Path

    from cpwl_milp.core.domain import Domain
    from cpwl_milp.core.network import Network
    from cpwl_milp.information.volumes import ExactPartition
    from cpwl_milp.partition.samples import Bins

_DRAWS = 100_000
# Regions whose share of the draws is told, by partition.
_TOLD = 10
# Fields of the answer that need samples of a file.
_NOT_OF_A_LAW: dict[str, Any] = {"activations": [], "activation_settings": None, "density": None}
_NOTES = (
    "all entropies and informations are in bits; log base 2",
    "p(region) is its share of the domain's volume: nothing is estimated",
    "prefix patterns refine with depth, so their counts, H and I can never fall: a bottleneck "
    "shows in the own patterns only",
)


@dataclass(frozen=True)
class Law:
    """A distribution of inputs.

    Attributes
    ----------
    gaussian : (float, float) or None
        Mean and standard deviation of every input; None for uniform on the domain.
    draws : int or None
        Samples to draw; None for volumes.
    channel : str or None
        The file of p(y | decision).
    """

    gaussian: tuple[float, float] | None
    draws: int | None
    channel: str | None

    @staticmethod
    def of(
        uniform: bool, gaussian: tuple[float, float] | None, draws: int | None, channel: str | None
    ) -> Law | None:
        """What the options name.

        Raises
        ------
        click.UsageError
            If they contradict each other.
        """
        if uniform and gaussian is not None:
            raise click.UsageError("give one law: --uniform and --gaussian exclude each other")
        if not uniform and gaussian is None:
            if draws is not None or channel is not None:
                raise click.UsageError("--draws and --channel go with --uniform or --gaussian")
            return None
        if gaussian is not None:
            draws = draws or _DRAWS
        if channel is not None and draws is not None:
            raise click.UsageError("--channel goes with exact volumes: --uniform without --draws")
        return Law(gaussian, draws, channel)

    def measured(
        self,
        network: Network,
        domain: Domain | None,
        run: Path | None,
        figures: FigureRequest,
        permutations: int,
        seed: int,
    ) -> dict[str, Any]:
        """The part of the answer that depends on the law."""
        found = (
            self._exact(network, domain, run, figures)
            if self.draws is None
            else self._drawn(network, domain, run, figures, self.draws, permutations, seed)
        )
        mean, deviation = self.gaussian or (None, None)
        law = {
            "kind": "uniform" if self.gaussian is None else "gaussian",
            "mean": mean,
            "deviation": deviation,
            "draws": self.draws,
            "method": "sampling",
            "volume_share": None,
        }
        return {**found, "law": law | found.get("law", {})}

    def _drawn(
        self,
        network: Network,
        domain: Domain | None,
        run: Path | None,
        figures: FigureRequest,
        n: int,
        permutations: int,
        seed: int,
    ) -> dict[str, Any]:
        import numpy as np

        from cpwl_milp.information.labels import as_labels
        from cpwl_milp.information.layers import measure
        from cpwl_milp.partition.samples import sample_patterns

        random = np.random.default_rng(seed)
        if self.gaussian is not None:
            x = random.normal(*self.gaussian, (n, network.n_inputs))
        else:
            assert domain is not None
            x = domain.sample(n, random)
        outputs = network(x)
        decided = outputs.argmax(axis=1) if network.n_outputs > 1 else outputs[:, 0] > 0
        labels = as_labels(decided.astype(np.int64), n, where="decisions")
        samples = sample_patterns(network, x, domain)
        found = measure(samples, labels, n_permutations=permutations, seed=seed).as_json()
        for layer, patterns in zip(found["layers"], samples.layers, strict=True):
            layer["own"]["shares"] = _shares(patterns.own)
            layer["prefix"]["shares"] = _shares(patterns.prefix)
        found["notes"].append(
            f"shares: of the {_TOLD} most probable regions among the draws, with 95 % intervals "
            "(Wilson 1927), each by itself"
        )
        return {
            **found,
            **_NOT_OF_A_LAW,
            "run": None if run is None else weighed(run, samples),
            "figures": figures.of_samples(found, samples),
        }

    def _exact(
        self, network: Network, domain: Domain | None, run: Path | None, figures: FigureRequest
    ) -> dict[str, Any]:
        from cpwl_milp.information.volumes import decided_regions, exact_information
        from cpwl_milp.storage.arrays import read_array

        assert domain is not None
        channel = None if self.channel is None else read_array(self.channel)
        parts = decided_regions(network, domain)
        found = exact_information(network, parts, channel)
        n = parts.n_classes if channel is None else channel.shape[1]
        answer = {
            "n_samples": None,
            "population": "volumes",
            "samples": None,
            "labels": {
                "classes": n,
                "names": [str(k) for k in range(n)],
                "entropy_bits": found.label_entropy_bits,
            },
            "layers": [
                {"layer": k.layer, "own": _part(k.own), "prefix": _part(k.prefix)}
                for k in found.layers
            ],
            "reliability_rule": "",
            "notes": list(_NOTES),
            **_NOT_OF_A_LAW,
            "law": {"method": found.method, "volume_share": found.volume_share},
        }
        listed = None if run is None else require_listed(run, parts.bits, found.layers)
        return {**answer, "run": listed, "figures": figures.of_volumes(answer, network, parts)}


def _shares(bins: Bins) -> list[dict[str, Any]]:
    import numpy as np

    from cpwl_milp.information.intervals import wilson

    n = len(bins.ids)
    largest = np.sort(bins.counts)[::-1][:_TOLD]
    return [
        {"share": int(count) / n, "interval": wilson(int(count), n).as_json()} for count in largest
    ]


def _part(part: ExactPartition) -> dict[str, Any]:
    fields = asdict(part)
    for name in ("entropy_bits", "mi_labels_bits", "label_entropy_given_region_bits"):
        fields[name] = {"exact": fields[name]}
    return {"regions": fields.pop("regions"), **fields}


def show_volumes(answer: dict[str, Any]) -> None:
    """Print the exact answer."""
    from cpwl_milp.report.tables import show_table

    law, labels, run = answer["law"], answer["labels"], answer["run"]
    if run is not None:
        click.echo(f"the {run['regions']:,} regions are those that {run['path']} lists")
    click.echo(
        f"inputs uniform on the domain; volumes by {law['method']} add up to "
        f"{law['volume_share']:.12g} of it"
    )
    click.echo(f"{labels['classes']} classes, H(Y) = {labels['entropy_bits']:.6f} bits")
    rows = [
        (
            str(layer["layer"]),
            kind,
            f"{part['regions']:,}",
            f"{part['entropy_bits']['exact']:.6f}",
            f"{part['mi_labels_bits']['exact']:.6f}",
            f"{part['label_entropy_given_region_bits']['exact']:.6f}",
            f"{part['smallest']:.2g}",
            f"{part['largest']:.2g}",
        )
        for layer in answer["layers"]
        for kind, part in (("own", layer["own"]), ("prefix", layer["prefix"]))
    ]
    columns = ("layer", "patterns", "regions", "H", "I(R;Y)", "H(Y|R)", "least p", "greatest p")
    show_table("regions as bins, exact (bits)", columns, rows)
    for note in answer["notes"]:
        click.echo(f"- {note}")
    for file in answer["figures"]:
        click.echo(f"written: {file}")
