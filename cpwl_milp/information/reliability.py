"""When an estimate says something about the network, and when only about the sample size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpwl_milp.information.coverage import missing_mass
from cpwl_milp.information.entropy import Counts


@dataclass(frozen=True)
class ReliabilityRule:
    """Limits an estimate must keep to be called reliable.

    Attributes
    ----------
    max_missing_mass : float
        Of Good-Turing's f1 / N.
    max_regions_per_sample : float
        Occupied regions over samples.
    max_null_share : float
        Of H(Y): what the plug-in I(R; Y) reaches on permuted labels.
    """

    max_missing_mass: float = 0.1
    max_regions_per_sample: float = 0.3
    max_null_share: float = 0.1

    def holds(
        self, counts: Counts, null_mean: float | None = None, label_entropy: float = 0.0
    ) -> bool:
        """Whether the estimates on `counts` (and labels, where given) are reliable."""
        if missing_mass(counts) > self.max_missing_mass:
            return False
        if np.count_nonzero(counts) > self.max_regions_per_sample * counts.sum():
            return False
        return null_mean is None or null_mean <= self.max_null_share * label_entropy

    @property
    def text(self) -> str:
        """The rule in words, for the output."""
        return (
            f"reliable: missing mass <= {self.max_missing_mass:g}, "
            f"regions seen <= {self.max_regions_per_sample:g} x samples, and with labels "
            f"null mean <= {self.max_null_share:g} x H(Y)"
        )


RULE = ReliabilityRule()
