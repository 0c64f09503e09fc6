"""The answer: entropies and mutual information of own and prefix patterns, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cpwl_milp.core.errors import DataError
from cpwl_milp.information.coverage import missing_mass, samples_per_region
from cpwl_milp.information.entropy import entropies, plugin
from cpwl_milp.information.labels import Labels
from cpwl_milp.information.mutual import Contingency, informations
from cpwl_milp.information.null import PermutationNull, permutation_null
from cpwl_milp.information.reliability import RULE
from cpwl_milp.partition.samples import Bins, SamplePatterns

_NOTES = (
    "all entropies and informations are in bits; log base 2",
    "own: patterns of the layer alone; prefix: patterns of the layer and all before it",
    "prefix patterns refine with depth, so their counts, H and I can never fall: a bottleneck "
    "shows in the own patterns only",
    "own patterns are no function of the layer before's own patterns: their I may rise with depth",
    "miller_madow of the information corrects by the occupied cells, miller_madow_table by all",
    "null_mean and null_p: the plug-in information on permuted labels; what exceeds the mean is "
    "what the regions tell of the labels",
)


@dataclass(frozen=True)
class PartitionInformation:
    """What one partition of the samples holds.

    Attributes
    ----------
    regions_seen : int
        Patterns with a sample.
    entropy_bits : dict of str to float
        By estimator.
    mi_labels_bits : dict of str to float, or None
        By estimator; None without labels.
    null : PermutationNull or None
    missing_mass : float
        Good-Turing's share of the distribution in regions without a sample.
    samples_per_region : float
    saturated : bool
        Every sample is alone in its region: plug-in I equals H(Y) whatever the network has learnt.
    reliable : bool
        By the rule in the answer.
    """

    regions_seen: int
    entropy_bits: dict[str, float]
    mi_labels_bits: dict[str, float] | None
    null: PermutationNull | None
    missing_mass: float
    samples_per_region: float
    saturated: bool
    reliable: bool

    def as_json(self) -> dict[str, Any]:
        """The fields of ``information --json``."""
        mutual: dict[str, float | int] | None = None
        if self.mi_labels_bits is not None and self.null is not None:
            mutual = {
                **self.mi_labels_bits,
                "null_mean": self.null.mean,
                "null_p": self.null.p_value,
                "null_permutations": self.null.n_permutations,
            }
        return {
            "regions_seen": self.regions_seen,
            "entropy_bits": self.entropy_bits,
            "mi_labels_bits": mutual,
            "missing_mass": self.missing_mass,
            "samples_per_region": self.samples_per_region,
            "saturated": self.saturated,
            "reliable": self.reliable,
        }


@dataclass(frozen=True)
class LayerInformation:
    """Both partitions of one layer, counted from 1."""

    layer: int
    own: PartitionInformation
    prefix: PartitionInformation


@dataclass(frozen=True)
class Information:
    """What samples say of a network's regions.

    Attributes
    ----------
    n_samples : int
    classes : tuple of str, or None
        None without labels.
    label_entropy_bits : float or None
        Plug-in H(Y).
    layers : tuple of LayerInformation
    samples : dict of str to int
        How many lie outside the domain, near a boundary, or change bits in float32.
    notes : tuple of str
    """

    n_samples: int
    classes: tuple[str, ...] | None
    label_entropy_bits: float | None
    layers: tuple[LayerInformation, ...]
    samples: dict[str, int]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """One JSON object, without NaN."""
        labels = None
        if self.classes is not None:
            labels = {
                "classes": len(self.classes),
                "names": list(self.classes),
                "entropy_bits": self.label_entropy_bits,
            }
        return {
            "n_samples": self.n_samples,
            "samples": self.samples,
            "labels": labels,
            "layers": [
                {"layer": k.layer, "own": k.own.as_json(), "prefix": k.prefix.as_json()}
                for k in self.layers
            ],
            "reliability_rule": RULE.text,
            "notes": list(self.notes),
        }


def measure(
    samples: SamplePatterns,
    labels: Labels | None = None,
    *,
    n_permutations: int = 1000,
    seed: int = 0,
) -> Information:
    """Estimate H(R), and with labels I(R; Y), of own and prefix patterns of every layer.

    Parameters
    ----------
    samples : SamplePatterns
        All of them count, also those outside the domain: patterns exist on the whole space.
    labels : Labels, optional
    n_permutations : int
        Of the labels, for the null.
    seed : int

    Raises
    ------
    DataError
        If the labels are not one a sample.
    """
    if labels is not None and len(labels.ids) != samples.n_samples:
        raise DataError(
            "labels", f"{len(labels.ids)} of them for {samples.n_samples} samples", "one a sample"
        )
    measured: list[LayerInformation] = []
    before: PartitionInformation | None = None
    for number, layer in enumerate(samples.layers, start=1):
        own = _measured(layer.own, labels, n_permutations, seed)
        # A refinement with as many bins is the same partition.
        if len(layer.prefix) == len(layer.own):
            prefix = own
        elif before is not None and len(layer.prefix) == before.regions_seen:
            prefix = before
        else:
            prefix = _measured(layer.prefix, labels, n_permutations, seed)
        before = prefix
        measured.append(LayerInformation(number, own, prefix))
    return Information(
        n_samples=samples.n_samples,
        classes=None if labels is None else labels.classes,
        label_entropy_bits=None if labels is None else plugin(labels.counts),
        layers=tuple(measured),
        samples=samples.describe(),
        notes=_notes(measured, labels),
    )


def _measured(
    bins: Bins, labels: Labels | None, n_permutations: int, seed: int
) -> PartitionInformation:
    counts = bins.counts
    mutual, null, label_entropy = None, None, 0.0
    if labels is not None:
        table = Contingency.of(bins.ids, labels.ids, len(labels.classes))
        mutual = informations(table)
        null = permutation_null(table, n_permutations=n_permutations, seed=seed)
        label_entropy = plugin(labels.counts)
    return PartitionInformation(
        regions_seen=len(bins),
        entropy_bits=entropies(counts),
        mi_labels_bits=mutual,
        null=null,
        missing_mass=missing_mass(counts),
        samples_per_region=samples_per_region(counts),
        saturated=len(bins) == len(bins.ids) and len(bins) > 1,
        reliable=RULE.holds(counts, None if null is None else null.mean, label_entropy),
    )


def _notes(measured: list[LayerInformation], labels: Labels | None) -> tuple[str, ...]:
    notes = list(_NOTES)
    if labels is not None:
        notes += labels.notices
        saturated = [
            f"{k.layer} ({name})"
            for k in measured
            for name, part in (("own", k.own), ("prefix", k.prefix))
            if part.saturated
        ]
        if saturated:
            notes.append(
                f"layers {', '.join(saturated)}: every sample is alone in its region, so the "
                "plug-in information is H(Y) by construction and says nothing of the network"
            )
    return tuple(notes)
