"""How much of the distribution the samples have not seen."""

from __future__ import annotations

import numpy as np

from cpwl_milp.information.entropy import Counts


def missing_mass(counts: Counts) -> float:
    """Probability of the regions without a sample: f1 / N (Good 1953).

    f1 is the number of regions with exactly one sample.
    """
    return float(np.count_nonzero(counts == 1) / counts.sum())


def samples_per_region(counts: Counts) -> float:
    """Samples per occupied region."""
    return float(counts.sum() / np.count_nonzero(counts))
