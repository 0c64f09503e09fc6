"""What ``information`` answers on samples of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cpwl_milp.cli.arguments.requests import ModelRequest
from cpwl_milp.cli.information.activations import ActivationRequest
from cpwl_milp.cli.information.density import DensityRequest
from cpwl_milp.cli.information.figures import FigureRequest
from cpwl_milp.cli.information.runs import weighed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cpwl_milp.core.domain import Domain
    from cpwl_milp.information.labels import Labels
    from cpwl_milp.onnx_io import ImportedModel


@dataclass(frozen=True)
class Asked:
    """Samples of a file, and what to measure of them."""

    data: str
    labels: str | None
    label_bins: int | None
    atoms: bool
    bottlenecks: bool
    activations: ActivationRequest | None
    permutations: int
    seed: int
    density: DensityRequest | None = None

    def measured(
        self,
        request: ModelRequest,
        imported: ImportedModel,
        where: Domain | None,
        run: Path | None,
        figures: FigureRequest,
    ) -> dict[str, Any]:
        """The part of the answer that depends on the samples."""
        from cpwl_milp.cli.arguments import question
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
        density = None
        if self.density is not None:
            assert where is not None
            density, on_density = self.density.compared(imported, where, rows, self.seed)
            found["notes"] += on_density
        values, notes = self._values(request, rows, classes)
        found["notes"] += notes
        return {
            "density": density,
            "run": None if run is None else weighed(run, samples),
            "figures": figures.of_samples(found, samples),
            **found,
            **values,
        }

    def of_values(self, request: ModelRequest) -> dict[str, Any]:
        """The whole answer for a network without regions."""
        from cpwl_milp.cli.arguments.question import load_values
        from cpwl_milp.information.entropy import plugin
        from cpwl_milp.information.reliability import RULE
        from cpwl_milp.storage.arrays import read_samples

        model = load_values(request)
        rows = read_samples(self.data, model.n_inputs, input_shape=model.input_shape)
        classes = self._classes(len(rows))
        values, notes = self._values(request, rows, classes)
        hidden = [k["units"] for k in values["activations"] if k["operator"] != "output"]
        labels = None
        if classes is not None:
            labels = {
                "classes": len(classes.classes),
                "names": list(classes.classes),
                "entropy_bits": plugin(classes.counts),
            }
        return {
            "schema": "cpwl-milp/information/1",
            "model": {
                "path": model.path,
                "sha256": model.sha256,
                "n_inputs": model.n_inputs,
                "n_units": sum(hidden),
            },
            "domain": None,
            "data": self.data,
            "law": None,
            "run": None,
            "n_samples": len(rows),
            "population": "atoms" if self.atoms else "sample",
            "samples": None,
            "labels": labels,
            "layers": [],
            "density": None,
            "figures": [],
            "reliability_rule": RULE.text,
            "notes": [*(() if classes is None else classes.notices), *notes],
            **values,
        }

    def accuracy(
        self,
        outputs_of: Callable[[NDArray[Any]], NDArray[Any]],
        n_inputs: int,
        shape: tuple[int, ...] | None,
    ) -> float | None:
        """Share of samples whose largest output is their class; None where outputs are not classes.

        Classes are taken in their own order: numbers by value, words by letters.
        """
        from cpwl_milp.storage.arrays import read_samples

        rows = read_samples(self.data, n_inputs, input_shape=shape)
        classes = self._classes(len(rows))
        outputs = outputs_of(rows)
        if classes is None or outputs.shape[1] != len(classes.classes) or outputs.shape[1] < 2:
            return None
        return float((outputs.argmax(axis=1) == classes.ids).mean())

    def _values(
        self, request: ModelRequest, rows: Any, classes: Labels | None
    ) -> tuple[dict[str, Any], list[str]]:
        """Fields on the values of layers, and notes on them."""
        from cpwl_milp.cli.arguments.question import load_values
        from cpwl_milp.cli.information.activations import as_json, measured_activations, notes_on

        if self.activations is None:
            return {"activations": [], "activation_settings": None}, []
        settings = self.activations.settings(
            population=self.atoms, permutations=self.permutations, seed=self.seed
        )
        found = measured_activations(load_values(request), rows, classes, settings)
        fields = {"activations": as_json(found), "activation_settings": settings.as_json()}
        return fields, notes_on(found, settings)

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
