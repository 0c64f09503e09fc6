"""All estimators on the values of all layers: one answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.errors import DataError
from cpwl_milp.information.activations.binning import BinRule, binned
from cpwl_milp.information.activations.clustering import Clustering, clustering
from cpwl_milp.information.activations.kde import KdeBounds, kde_bounds
from cpwl_milp.information.activations.neighbours import NeighbourInformation, ross
from cpwl_milp.information.activations.propagation import (
    Propagated,
    Stage,
    noisy_network_information,
    noisy_output_information,
)
from cpwl_milp.information.labels import Labels
from cpwl_milp.information.measures import PartitionInformation, measured

ESTIMATORS = ("binning", "kde", "neighbours", "propagation")


@dataclass(frozen=True)
class ActivationSettings:
    """Which estimators, and their parameters.

    Attributes
    ----------
    estimators : tuple of str
        Of `ESTIMATORS`.
    bins : BinRule
    sigma : float
        Standard deviation of the noise, of `kde` and `propagation`.
    neighbours : int
        k of `neighbours`.
    noise : str
        Where `propagation` injects it: "each" layer, or the "last" one looked at.
    n_draws, n_conditioned, n_repeats : int
        Of `propagation`, see there.
    population : bool
        Whether the samples are all inputs.
    n_permutations, seed : int
    """

    estimators: tuple[str, ...] = ESTIMATORS
    bins: BinRule = field(default_factory=lambda: BinRule(count=30))
    sigma: float = 0.1
    neighbours: int = 3
    noise: str = "last"
    n_draws: int = 10
    n_conditioned: int = 200
    n_repeats: int = 100
    population: bool = False
    n_permutations: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = sorted(set(self.estimators) - set(ESTIMATORS))
        if unknown:
            raise DataError("estimators", unknown[0], f"some of {', '.join(ESTIMATORS)}")

    def as_json(self) -> dict[str, Any]:
        """The field ``activation_settings``."""
        return {
            "estimators": list(self.estimators),
            "bins": asdict(self.bins),
            "sigma": self.sigma,
            "neighbours": self.neighbours,
            "noise": self.noise,
            "noise_draws": self.n_draws,
        }


@dataclass(frozen=True)
class LayerActivations:
    """What the values of one layer say; None where an estimator was not asked or needs labels.

    Attributes
    ----------
    units : int
    clustering : Clustering
    binning : PartitionInformation or None
    kde : KdeBounds or None
    neighbours : NeighbourInformation or None
        Ross's I(T; Y).
    propagation : Propagated or None
    """

    units: int
    clustering: Clustering
    binning: PartitionInformation | None
    kde: KdeBounds | None
    neighbours: NeighbourInformation | None
    propagation: Propagated | None

    def as_json(self) -> dict[str, Any]:
        """One entry of ``activations``, without the tensor's name."""
        near, kde, noisy = self.neighbours, self.kde, self.propagation
        return {
            "units": self.units,
            "clustering": asdict(self.clustering),
            "binning": None if self.binning is None else self.binning.as_json(),
            "kde": None
            if kde is None
            else {
                "mi_inputs_lower_bits": kde.lower,
                "mi_inputs_upper_bits": kde.upper,
                "mi_labels_lower_bits": kde.labels_lower,
                "mi_labels_upper_bits": kde.labels_upper,
            },
            "neighbours": None
            if near is None
            else {"mi_labels_bits": near.bits, "ties": near.ties, "dropped": near.dropped},
            "propagation": None
            if noisy is None
            else {
                "mi_inputs_bits": noisy.inputs,
                "mi_inputs_error": noisy.inputs_error,
                "mi_labels_bits": noisy.labels,
                "mi_labels_error": noisy.labels_error,
                "ceiling_bits": noisy.ceiling,
            },
        }


def measure_activations(
    values: Sequence[Dense],
    labels: Labels | None,
    settings: ActivationSettings,
    *,
    inputs: Dense | None = None,
    stages: Sequence[Stage] = (),
) -> tuple[LayerActivations, ...]:
    """Put every estimator to every layer's values, shape (n, units).

    Parameters
    ----------
    values : sequence of ndarray
    labels : Labels or None
    settings : ActivationSettings
    inputs, stages
        For noise at each layer: the inputs, and the maps from layer to layer.

    Raises
    ------
    DataError
        If a parameter is out of range, or values are not finite.
    """
    asked = settings.estimators
    noisy: tuple[Propagated | None, ...] = (None,) * len(values)
    if "propagation" in asked:
        noisy = _propagated(values, labels, settings, inputs, stages)
    found = []
    for layer, propagated in zip(values, noisy, strict=True):
        binning = None
        if "binning" in asked:
            binning = measured(
                binned(layer, settings.bins),
                labels,
                population=settings.population,
                n_permutations=settings.n_permutations,
                seed=settings.seed,
            )
        near = None
        if "neighbours" in asked and labels is not None:
            near = ross(layer, labels, settings.neighbours)
        found.append(
            LayerActivations(
                units=layer.shape[1],
                clustering=clustering(layer, labels),
                binning=binning,
                kde=kde_bounds(layer, settings.sigma, labels) if "kde" in asked else None,
                neighbours=near,
                propagation=propagated,
            )
        )
    return tuple(found)


def notes_on(found: Sequence[LayerActivations], settings: ActivationSettings) -> tuple[str, ...]:
    """What a reader of these numbers has to know."""
    notes = []
    tied = [
        f"{k} ({layer.neighbours.ties:,})"
        for k, layer in enumerate(found, start=1)
        if layer.neighbours is not None and layer.neighbours.ties
    ]
    if tied:
        notes.append(
            f"neighbours: layers {', '.join(tied)} have samples with the same values as their "
            "k-th neighbour (how many in brackets): the estimator assumes a density; all equal "
            "ones are counted, nothing is jittered"
        )
    near = next((layer.neighbours for layer in found if layer.neighbours is not None), None)
    if near is not None and near.dropped:
        notes.append(f"neighbours: {near.dropped:,} samples are alone in their class: left out")
    if settings.population and "propagation" in settings.estimators:
        return tuple(notes)
    if any(layer.propagation is not None for layer in found):
        notes.append(
            "propagation: of a sample, I(X; T) is too low, and never above log2 of its size"
        )
    return tuple(notes)


def _propagated(
    values: Sequence[Dense],
    labels: Labels | None,
    settings: ActivationSettings,
    inputs: Dense | None,
    stages: Sequence[Stage],
) -> tuple[Propagated, ...]:
    if settings.noise == "each":
        if inputs is None:
            raise DataError("noise at each layer", "no inputs", "inputs and stages")
        return noisy_network_information(
            stages,
            inputs,
            settings.sigma,
            labels,
            n_draws=settings.n_draws,
            n_conditioned=settings.n_conditioned,
            n_repeats=settings.n_repeats,
            seed=settings.seed,
        )
    return tuple(
        noisy_output_information(
            layer, settings.sigma, labels, n_draws=settings.n_draws, seed=settings.seed + k
        )
        for k, layer in enumerate(values)
    )
