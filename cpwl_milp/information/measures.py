"""What one partition of the samples holds: every estimate of its entropy and information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cpwl_milp.information.coverage import chao1, missing_mass, samples_per_region
from cpwl_milp.information.entropy import ENTROPY_ESTIMATORS, entropies, plugin
from cpwl_milp.information.intervals import (
    Interval,
    corrected_interval,
    entropy_interval,
    information_interval,
)
from cpwl_milp.information.labels import Labels
from cpwl_milp.information.mutual import MUTUAL_ESTIMATORS, Contingency, informations
from cpwl_milp.information.null import PermutationNull, permutation_null
from cpwl_milp.information.reliability import RULE
from cpwl_milp.partition.samples import Bins

Estimates = dict[str, float | None]
"""By estimator, in bits; None where the estimator says nothing."""


@dataclass(frozen=True)
class LabelInformation:
    """What a partition tells of the labels.

    Attributes
    ----------
    estimates : dict of str to float or None
        I(R; Y) by estimator. None where withheld: every sample alone in its region, so that each
        estimate is a function of the sample size.
    label_entropy_given_region : dict of str to float or None
        H(Y | R), by the entropy estimators.
    null : PermutationNull
    corrected : float or None
        Plug-in I less the null's mean.
    interval : Interval or None
        Of I, around the Miller-Madow estimate.
    corrected_interval : Interval or None
        Of `corrected`: holds 0 on independent data.
    """

    estimates: Estimates
    label_entropy_given_region: Estimates
    null: PermutationNull
    corrected: float | None
    interval: Interval | None
    corrected_interval: Interval | None

    def as_json(self) -> dict[str, Any]:
        """The field ``mi_labels_bits``."""
        corrected = self.corrected_interval
        return {
            **self.estimates,
            "interval": None if self.interval is None else self.interval.as_json(),
            "null_mean": self.null.mean,
            "null_deviation": self.null.deviation,
            "null_p": self.null.p_value,
            "null_permutations": self.null.n_permutations,
            "null_corrected": self.corrected,
            "null_corrected_interval": None if corrected is None else corrected.as_json(),
        }


@dataclass(frozen=True)
class PartitionInformation:
    """What one partition of the samples holds.

    Attributes
    ----------
    regions_seen : int
        Patterns with a sample.
    entropy_bits : dict of str to float or None
        By estimator; of a whole population the plug-in is exact and the corrections are None.
    entropy_interval : Interval or None
        Around Grassberger's estimate; None for a population.
    labels : LabelInformation or None
        None without labels.
    missing_mass : float
        Good-Turing's share of the distribution in regions without a sample.
    chao1 : float
        Chao's lower bound of the regions that the distribution reaches.
    samples_per_region : float
    saturated : bool
        Every sample is alone in its region: plug-in I equals H(Y) whatever the network has learnt.
    reliable : bool
        By the rule in the answer.
    """

    regions_seen: int
    entropy_bits: Estimates
    entropy_interval: Interval | None
    labels: LabelInformation | None
    missing_mass: float
    chao1: float
    samples_per_region: float
    saturated: bool
    reliable: bool

    def as_json(self) -> dict[str, Any]:
        """The fields of ``information --json``."""
        interval, labels = self.entropy_interval, self.labels
        return {
            "regions_seen": self.regions_seen,
            "entropy_bits": self.entropy_bits,
            "entropy_interval_bits": None if interval is None else interval.as_json(),
            "mi_labels_bits": None if labels is None else labels.as_json(),
            "label_entropy_given_region_bits": (
                None if labels is None else labels.label_entropy_given_region
            ),
            "missing_mass": self.missing_mass,
            "chao1": self.chao1,
            "samples_per_region": self.samples_per_region,
            "saturated": self.saturated,
            "reliable": self.reliable,
        }


def measured(
    bins: Bins, labels: Labels | None, *, population: bool, n_permutations: int, seed: int
) -> PartitionInformation:
    """Measure one partition.

    Parameters
    ----------
    bins : Bins
    labels : Labels or None
    population : bool
        Whether the samples are all there is, each as probable as the others: frequencies are
        then probabilities, and nothing is left to correct.
    n_permutations, seed : int
        Of the null.
    """
    counts = bins.counts
    saturated = len(bins) == len(bins.ids) and len(bins) > 1
    told = None
    if labels is not None:
        table = Contingency.of(bins.ids, labels.ids, len(labels.classes))
        null = permutation_null(table, n_permutations=n_permutations, seed=seed)
        told = _told(table, null, population=population, withheld=saturated and not population)
    label_entropy = 0.0 if labels is None else plugin(labels.counts)
    return PartitionInformation(
        regions_seen=len(bins),
        entropy_bits=_exact(plugin(counts)) if population else {**entropies(counts)},
        entropy_interval=None if population else entropy_interval(counts),
        labels=told,
        missing_mass=0.0 if population else missing_mass(counts),
        chao1=float(len(bins)) if population else chao1(counts),
        samples_per_region=samples_per_region(counts),
        saturated=saturated,
        reliable=population
        or RULE.holds(counts, None if told is None else told.null.mean, label_entropy),
    )


def _told(
    table: Contingency, null: PermutationNull, *, population: bool, withheld: bool
) -> LabelInformation:
    if withheld:
        return LabelInformation(
            dict.fromkeys(MUTUAL_ESTIMATORS), dict.fromkeys(ENTROPY_ESTIMATORS), null, *[None] * 3
        )
    found = informations(table)
    corrected = found["plugin"] - null.mean
    given = {
        name: estimate(table.cells) - estimate(table.rows)
        for name, estimate in ENTROPY_ESTIMATORS.items()
    }
    # Rounding alone can take it below 0.
    given["plugin"] = max(given["plugin"], 0.0)
    if population:
        exact = {**dict.fromkeys(MUTUAL_ESTIMATORS), "plugin": found["plugin"]}
        exact["exact"] = found["plugin"]
        return LabelInformation(exact, _exact(given["plugin"]), null, corrected, None, None)
    return LabelInformation(
        {**found},
        {**given},
        null,
        corrected,
        information_interval(table),
        corrected_interval(table, corrected, null),
    )


def _exact(value: float) -> Estimates:
    """Of a population: the plug-in is the truth, and corrections say nothing."""
    return {**dict.fromkeys(ENTROPY_ESTIMATORS), "plugin": value, "exact": value}
