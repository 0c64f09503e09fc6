"""The answer: entropies and mutual information of own and prefix patterns, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cpwl_milp.core.errors import DataError
from cpwl_milp.information.entropy import plugin
from cpwl_milp.information.intervals import LEVEL
from cpwl_milp.information.labels import Labels
from cpwl_milp.information.measures import Estimates, PartitionInformation, measured
from cpwl_milp.information.reliability import RULE
from cpwl_milp.partition.samples import Bins, SamplePatterns

_NOTES = (
    "all entropies and informations are in bits; log base 2",
    "own: patterns of the layer alone; prefix: patterns of the layer and all before it",
    "prefix patterns refine with depth, so their counts, H and I can never fall: a bottleneck "
    "shows in the own patterns only",
    "own patterns are no function of the layer before's own patterns: their I may rise with depth",
    "null_mean and null_p: the plug-in information on permuted labels; what exceeds the mean is "
    "what the regions tell of the labels",
)
_OF_A_SAMPLE = (
    "miller_madow of the information corrects by the occupied cells, miller_madow_table by all",
    f"intervals: {100 * LEVEL:g} %, normal approximation, around grassberger (H) and miller_madow "
    "(I), for what is reliable",
)
_OF_A_POPULATION = (
    "the rows are taken as the whole population, each equally probable: plugin is exact and "
    "nothing is corrected",
)


@dataclass(frozen=True)
class LayerInformation:
    """Both partitions of one layer, counted from 1.

    Attributes
    ----------
    layer : int
    own, prefix : PartitionInformation
    own_given_before : dict of str to float or None
        H(R_l | C_{l-1}): what this layer's own pattern adds to the prefix before it.
    before_given_own : dict of str to float or None
        H(C_{l-1} | R_l): what of the prefix before it the own pattern does not tell.
    """

    layer: int
    own: PartitionInformation
    prefix: PartitionInformation
    own_given_before: Estimates
    before_given_own: Estimates

    def as_json(self) -> dict[str, Any]:
        """One entry of ``layers``."""
        return {
            "layer": self.layer,
            "own": self.own.as_json(),
            "prefix": self.prefix.as_json(),
            "conditional_entropy_bits": {
                "own_given_before": self.own_given_before,
                "before_given_own": self.before_given_own,
            },
        }


@dataclass(frozen=True)
class Information:
    """What samples say of a network's regions.

    Attributes
    ----------
    n_samples : int
    population : bool
        Whether the samples are all there is.
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
    population: bool
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
            "population": "atoms" if self.population else "sample",
            "samples": self.samples,
            "labels": labels,
            "layers": [layer.as_json() for layer in self.layers],
            "reliability_rule": RULE.text,
            "notes": list(self.notes),
        }


def measure(
    samples: SamplePatterns,
    labels: Labels | None = None,
    *,
    population: bool = False,
    n_permutations: int = 1000,
    seed: int = 0,
) -> Information:
    """Estimate H(R), and with labels I(R; Y), of own and prefix patterns of every layer.

    Parameters
    ----------
    samples : SamplePatterns
        All of them count, also those outside the domain: patterns exist on the whole space.
    labels : Labels, optional
    population : bool
        The samples are all inputs there are, each equally probable: then the answer is exact.
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

    def of(bins: Bins) -> PartitionInformation:
        return measured(
            bins, labels, population=population, n_permutations=n_permutations, seed=seed
        )

    found: list[LayerInformation] = []
    before: PartitionInformation | None = None
    for number, layer in enumerate(samples.layers, start=1):
        own = of(layer.own)
        # A refinement with as many bins is the same partition.
        if len(layer.prefix) == len(layer.own):
            prefix = own
        elif before is not None and len(layer.prefix) == before.regions_seen:
            prefix = before
        else:
            prefix = of(layer.prefix)
        found.append(_layer(number, own, prefix, before))
        before = prefix
    return Information(
        n_samples=samples.n_samples,
        population=population,
        classes=None if labels is None else labels.classes,
        label_entropy_bits=None if labels is None else plugin(labels.counts),
        layers=tuple(found),
        samples=samples.describe(),
        notes=_notes(found, labels, population),
    )


def _layer(
    number: int,
    own: PartitionInformation,
    prefix: PartitionInformation,
    before: PartitionInformation | None,
) -> LayerInformation:
    """With H(R_l | C_{l-1}) = H(C_l) - H(C_{l-1}), and H(C_{l-1} | R_l) = H(C_l) - H(R_l)."""
    nothing: Estimates = dict.fromkeys(own.entropy_bits, 0.0)
    earlier = nothing if before is None else before.entropy_bits
    return LayerInformation(
        number,
        own,
        prefix,
        own_given_before=_difference(prefix.entropy_bits, earlier),
        before_given_own=_difference(prefix.entropy_bits, own.entropy_bits),
    )


def _difference(whole: Estimates, part: Estimates) -> Estimates:
    found: Estimates = {}
    for name, value in whole.items():
        less = part[name]
        found[name] = None if value is None or less is None else value - less
    plug = found["plugin"]
    # Never negative but for rounding.
    found["plugin"] = None if plug is None else max(plug, 0.0)
    return found


def _notes(
    found: list[LayerInformation], labels: Labels | None, population: bool
) -> tuple[str, ...]:
    notes = [*_NOTES, *(_OF_A_POPULATION if population else _OF_A_SAMPLE)]
    if labels is not None:
        notes += labels.notices
        saturated = [
            f"{k.layer} ({name})"
            for k in found
            for name, part in (("own", k.own), ("prefix", k.prefix))
            if part.saturated
        ]
        if saturated:
            what = "is H(Y)" if population else "would be H(Y), and is withheld"
            notes.append(
                f"layers {', '.join(saturated)}: every sample is alone in its region, so that the "
                f"information {what} whatever the network has learnt"
            )
    return tuple(notes)
