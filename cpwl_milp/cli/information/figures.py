"""Figures of ``information``: entropies by layer, and the masses of regions by rank."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from cpwl_milp.core.affine import Vector
    from cpwl_milp.core.network import Network
    from cpwl_milp.information.volumes import Decided
    from cpwl_milp.partition.samples import SamplePatterns
    from cpwl_milp.report.layer_plots import LayerCurve, LayerPanel

_KINDS = ("own", "prefix")


@dataclass(frozen=True)
class FigureRequest:
    """Where figures go; None for none."""

    folder: Path | None = None

    def of_samples(self, answer: dict[str, Any], samples: SamplePatterns) -> list[str]:
        """Draw what an answer on samples says; the files."""
        if self.folder is None:
            return []
        n = samples.n_samples
        shares = {
            "own": [layer.own.counts / n for layer in samples.layers],
            "prefix": [layer.prefix.counts / n for layer in samples.layers],
        }
        exact = answer["population"] != "sample"
        axis = "share of all inputs (exact)" if exact else f"share of {n:,} samples (plug-in)"
        return self._drawn(answer, shares, axis, None if exact else 1.0 / n)

    def of_volumes(self, answer: dict[str, Any], network: Network, parts: Decided) -> list[str]:
        """Draw what an answer by volumes says; the files."""
        if self.folder is None:
            return []
        from cpwl_milp.information.volumes import masses

        ends = network.offsets
        shares = {
            "own": [masses(parts, slice(a, b)) for a, b in pairwise(ends)],
            "prefix": [masses(parts, slice(0, b)) for b in ends[1:]],
        }
        return self._drawn(answer, shares, "share of the domain's volume (exact)", None)

    def _drawn(
        self,
        answer: dict[str, Any],
        shares: dict[str, list[Vector]],
        axis: str,
        least: float | None,
    ) -> list[str]:
        from cpwl_milp.report.layer_plots import RankPanel, draw_by_layer, draw_by_rank

        assert self.folder is not None
        if not answer["layers"]:
            return []
        files = [self.folder / "entropy_by_layer.svg", self.folder / "mass_by_rank.svg"]
        draw_by_layer(files[0], _panels(answer))
        ranked = [RankPanel(f"{kind} patterns", axis, shares[kind], least) for kind in _KINDS]
        draw_by_rank(files[1], ranked)
        return [str(file) for file in files]


def _panels(answer: dict[str, Any]) -> list[LayerPanel]:
    """Counts, H and, with labels, I by layer."""
    from cpwl_milp.report.layer_plots import LayerCurve, LayerPanel

    exact = answer["population"] != "sample"
    estimator = "exact" if exact else "plug-in\n(dashed: Grassberger, with 95 %)"
    name = "regions" if answer["population"] == "volumes" else "regions_seen"
    counts = [LayerCurve(kind, _numbers(answer, kind, name)) for kind in _KINDS]
    entropies = [_entropy(answer, kind) for kind in _KINDS]
    if not exact:
        entropies += [_grassberger(answer, kind) for kind in _KINDS]
    limits = {}
    if answer["n_samples"]:
        limits["log2 of samples"] = math.log2(answer["n_samples"])
    word = "regions" if answer["population"] == "volumes" else "patterns seen"
    panels = [
        LayerPanel("how many", word, counts, logarithmic=True),
        LayerPanel("entropy", f"H(R) in bits, {estimator}", entropies, limits),
    ]
    if answer["labels"] is not None:
        told = [_information(answer, kind) for kind in _KINDS]
        limits = {"H(Y)": float(answer["labels"]["entropy_bits"])}
        estimator = (
            "exact" if answer["population"] == "volumes" else "plug-in\n(bands: permuted labels)"
        )
        panels.append(LayerPanel("information", f"I(R; Y) in bits, {estimator}", told, limits))
    return panels


def _entropy(answer: dict[str, Any], kind: str) -> LayerCurve:
    from cpwl_milp.report.layer_plots import LayerCurve

    return LayerCurve(kind, _numbers(answer, kind, "entropy_bits", *_plugin(answer)))


def _grassberger(answer: dict[str, Any], kind: str) -> LayerCurve:
    import numpy as np

    from cpwl_milp.report.layer_plots import LayerCurve

    intervals = [layer[kind]["entropy_interval_bits"] for layer in answer["layers"]]
    values = _numbers(answer, kind, "entropy_bits", "grassberger")
    return LayerCurve(kind, values, np.array(intervals, dtype=np.float64), dashed=True)


def _information(answer: dict[str, Any], kind: str) -> LayerCurve:
    import numpy as np

    from cpwl_milp.report.layer_plots import LayerCurve

    values = _numbers(answer, kind, "mi_labels_bits", *_plugin(answer))
    if answer["population"] == "volumes":
        return LayerCurve(kind, values)
    mean = _numbers(answer, kind, "mi_labels_bits", "null_mean")
    spread = _numbers(answer, kind, "mi_labels_bits", "null_deviation")
    return LayerCurve(kind, values, np.stack([mean - 2 * spread, mean + 2 * spread], axis=1))


def _plugin(answer: dict[str, Any]) -> tuple[str]:
    return ("exact",) if answer["population"] == "volumes" else ("plugin",)


def _numbers(answer: dict[str, Any], kind: str, *path: str) -> np.ndarray:
    import numpy as np

    found = []
    for layer in answer["layers"]:
        value = layer[kind]
        for name in path:
            value = None if value is None else value[name]
        # Withheld where every sample is alone.
        found.append(np.nan if value is None else float(value))
    return np.array(found)
