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


def chao1(counts: Counts) -> float:
    """Regions that samples of this distribution can fall into, at least (Chao 1984).

    ``K + f1^2 / (2 f2)``, or ``K + f1 (f1 - 1) / 2`` where no region has two samples.
    """
    singles, pairs = (float(np.count_nonzero(counts == size)) for size in (1, 2))
    seen = float(np.count_nonzero(counts))
    if pairs:
        return seen + singles**2 / (2.0 * pairs)
    return seen + singles * (singles - 1.0) / 2.0
