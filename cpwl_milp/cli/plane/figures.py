"""Which numbers of ``plane``'s answer make its tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cpwl_milp.core.affine import Dense
from cpwl_milp.report.plane_plots import CoursePanel, PlanePanel


@dataclass(frozen=True)
class Quantity:
    """A number of each layer.

    Attributes
    ----------
    text : str
        What it is, with estimator and unit.
    part : str
        "layers" or "activations".
    path : tuple of str
        Where it stands in an entry of that list.
    """

    text: str
    part: str
    path: tuple[str, ...]

    def of(self, layer: dict[str, Any]) -> float:
        """Its value, NaN where there is none."""
        value: Any = layer
        for name in self.path:
            value = None if value is None else value.get(name)
        return float("nan") if value is None else float(value)


def _value(text: str, *path: str) -> Quantity:
    return Quantity(text, "activations", path)


def _patterns(kind: str) -> tuple[Quantity, Quantity]:
    entropy, told = (kind, "entropy_bits", "plugin"), (kind, "mi_labels_bits", "plugin")
    return (
        Quantity(f"H of {kind} patterns, plug-in (bits)", "layers", entropy),
        Quantity(f"I({kind} pattern; Y), plug-in (bits)", "layers", told),
    )


_PLANES: dict[str, tuple[Quantity, Quantity]] = {
    "own patterns": _patterns("own"),
    "prefix patterns": _patterns("prefix"),
    "binned values": (
        _value("H(Bin) = I(X; Bin), plug-in (bits)", "binning", "entropy_bits", "plugin"),
        _value("I(Bin; Y), plug-in (bits)", "binning", "mi_labels_bits", "plugin"),
    ),
    "KDE": (
        _value("I(X; T + noise), upper bound (bits)", "kde", "mi_inputs_upper_bits"),
        _value("I(Y; T + noise), KDE with upper (bits)", "kde", "mi_labels_upper_bits"),
    ),
    "sample propagation": (
        _value("I(X; T + noise), propagation (bits)", "propagation", "mi_inputs_bits"),
        _value("I(Y; T + noise), propagation (bits)", "propagation", "mi_labels_bits"),
    ),
}
_ROSS = Quantity("I(T; Y), Ross (bits)", "activations", ("neighbours", "mi_labels_bits"))
_SATURATION = Quantity(
    "share of values near the range's ends", "activations", ("clustering", "saturation")
)
_SEEN = Quantity("own patterns seen", "layers", ("own", "regions_seen"))
# Of each layer, in the table.
_COLUMNS = {
    "own_regions": _SEEN,
    "own_entropy_bits": _PLANES["own patterns"][0],
    "own_mi_labels_bits": _PLANES["own patterns"][1],
    "own_null_mean": Quantity("", "layers", ("own", "mi_labels_bits", "null_mean")),
    "own_null_deviation": Quantity("", "layers", ("own", "mi_labels_bits", "null_deviation")),
    "own_null_p": Quantity("", "layers", ("own", "mi_labels_bits", "null_p")),
    "prefix_regions": Quantity("", "layers", ("prefix", "regions_seen")),
    "prefix_entropy_bits": _PLANES["prefix patterns"][0],
    "prefix_mi_labels_bits": _PLANES["prefix patterns"][1],
    "prefix_null_mean": Quantity("", "layers", ("prefix", "mi_labels_bits", "null_mean")),
    "prefix_null_deviation": Quantity("", "layers", ("prefix", "mi_labels_bits", "null_deviation")),
    "bin_entropy_bits": _PLANES["binned values"][0],
    "bin_mi_labels_bits": _PLANES["binned values"][1],
    "kde_mi_inputs_lower_bits": Quantity("", "activations", ("kde", "mi_inputs_lower_bits")),
    "kde_mi_inputs_upper_bits": _PLANES["KDE"][0],
    "kde_mi_labels_upper_bits": _PLANES["KDE"][1],
    "propagation_mi_inputs_bits": _PLANES["sample propagation"][0],
    "propagation_mi_inputs_error": Quantity("", "activations", ("propagation", "mi_inputs_error")),
    "propagation_mi_labels_bits": _PLANES["sample propagation"][1],
    "ross_mi_labels_bits": _ROSS,
    "saturation": _SATURATION,
    "within": Quantity("", "activations", ("clustering", "within")),
    "between": Quantity("", "activations", ("clustering", "between")),
}


def by_layer(answer: dict[str, Any], quantity: Quantity) -> Dense:
    """The quantity, shape (n_checkpoints, n_layers); NaN where there is no such layer or value."""
    rows = [[quantity.of(layer) for layer in one[quantity.part]] for one in answer["checkpoints"]]
    found = np.full((len(rows), max(map(len, rows))), np.nan)
    for k, row in enumerate(rows):
        found[k, : len(row)] = row
    return found


def quantities(answer: dict[str, Any]) -> list[Quantity]:
    """What there is to show of this answer."""
    every = [q for pair in _PLANES.values() for q in pair] + [_ROSS, _SATURATION]
    return [q for q in every if _there(answer, q)]


def planes(answer: dict[str, Any]) -> list[PlanePanel]:
    """An information plane for each way of measuring."""
    most = answer["labels"]["entropy_bits"]
    inputs = float(np.log2(answer["n_samples"]))
    return [
        PlanePanel(name, x.text, y.text, by_layer(answer, x), by_layer(answer, y), inputs, most)
        for name, (x, y) in _PLANES.items()
        if _there(answer, x) and _there(answer, y)
    ]


def courses(answer: dict[str, Any]) -> list[CoursePanel]:
    """Counts, entropies and informations by epoch; informations with the null's band."""
    found = [
        CoursePanel(_title(q), q.text, by_layer(answer, q), _band(answer, q), _limits(answer, q))
        for q in quantities(answer)
    ]
    if _there(answer, _SEEN):
        found.insert(0, CoursePanel(_title(_SEEN), _SEEN.text, by_layer(answer, _SEEN)))
    return found


def table(answer: dict[str, Any]) -> dict[str, Any]:
    """Columns, a row for each checkpoint and layer."""
    longest = [max(len(one["layers"]), len(one["activations"])) for one in answer["checkpoints"]]
    columns: dict[str, list[Any]] = {"checkpoint": [], "epoch": [], "accuracy": [], "layer": []}
    for one, n in zip(answer["checkpoints"], longest, strict=True):
        columns["checkpoint"] += [one["path"]] * n
        columns["epoch"] += [one["epoch"]] * n
        columns["accuracy"] += [np.nan if one["accuracy"] is None else one["accuracy"]] * n
        columns["layer"] += range(1, n + 1)
    found: dict[str, Any] = {name: np.array(values) for name, values in columns.items()}
    for name, quantity in _COLUMNS.items():
        if _there(answer, quantity):
            values = [
                _padded([quantity.of(layer) for layer in one[quantity.part]], n)
                for one, n in zip(answer["checkpoints"], longest, strict=True)
            ]
            found[name] = np.concatenate(values)
    return found


def _padded(values: Sequence[float], n: int) -> Dense:
    return np.array([*values, *[np.nan] * (n - len(values))])


def _there(answer: dict[str, Any], quantity: Quantity) -> bool:
    values = by_layer(answer, quantity)
    return bool(np.isfinite(values).any())


def _title(quantity: Quantity) -> str:
    return quantity.text.partition(",")[0].partition(" (")[0]


def _band(answer: dict[str, Any], quantity: Quantity) -> Dense | None:
    """What permuted labels give, two standard deviations to both sides."""
    if quantity.path[-2:] != ("mi_labels_bits", "plugin"):
        return None
    start = quantity.path[:-1]
    mean = by_layer(answer, Quantity("", quantity.part, (*start, "null_mean")))
    spread = by_layer(answer, Quantity("", quantity.part, (*start, "null_deviation")))
    return np.stack([mean - 2 * spread, mean + 2 * spread], axis=2)


def _limits(answer: dict[str, Any], quantity: Quantity) -> dict[str, float]:
    if quantity.text.startswith(("H", "I(X")):
        return {"log2 of samples": float(np.log2(answer["n_samples"]))}
    if "Y" in quantity.text:
        return {"H(Y)": float(answer["labels"]["entropy_bits"])}
    return {}
