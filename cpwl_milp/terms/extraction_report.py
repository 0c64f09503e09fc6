"""How well an extracted classifier stands for its network, on training and on other points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.terms.checks import TropicalChecks
from cpwl_milp.terms.extracted import Extraction, TermSet, extract, extract_growing


@dataclass(frozen=True)
class GrowthRow:
    """Classifiers extracted from one share of the training points; over random parts.

    Attributes
    ----------
    share : float
    terms : int
        Training points in it.
    agreement, least_agreement, most_agreement : float
        Mean and range over the parts.
    accuracy : float or None
        Mean.
    """

    share: float
    terms: int
    agreement: float
    least_agreement: float
    most_agreement: float
    accuracy: float | None


@dataclass(frozen=True, eq=False)
class ExtractionReport:
    """One set of points.

    Attributes
    ----------
    name : str
        ``training`` or ``test``.
    known : TermSet
        The network's own terms there.
    found : Extraction
    classes : ndarray of int64, or None
        The points' labels.
    growth : tuple of GrowthRow
    """

    name: str
    known: TermSet
    found: Extraction
    classes: NDArray[np.int64] | None
    growth: tuple[GrowthRow, ...]

    @property
    def agreeing(self) -> NDArray[np.bool_]:
        """Where the extracted class is the network's; on training points to rounding."""
        if self.name == "training":
            return self.found.agrees(self.known)
        return np.asarray(self.found.labels == self.known.labels)

    @property
    def agreement(self) -> float:
        """Share of points where both say the same."""
        return float(self.agreeing.mean())

    def agreement_on(self, chosen: NDArray[np.bool_]) -> float | None:
        """The same among some of the points; None among none."""
        return float(self.agreeing[chosen].mean()) if chosen.any() else None

    @property
    def accuracy(self) -> float | None:
        """Share of points that the extracted classifier gives their label."""
        return None if self.classes is None else float((self.found.labels == self.classes).mean())

    @property
    def network_accuracy(self) -> float | None:
        """The same of the network."""
        return None if self.classes is None else float((self.known.labels == self.classes).mean())


def report_extraction(
    name: str,
    training: TermSet,
    known: TermSet,
    points: NDArray[np.generic],
    classes: NDArray[np.int64] | None,
    checks: TropicalChecks,
    *,
    n_shares: int,
    n_repeats: int,
    seed: int,
) -> ExtractionReport:
    """Extract a classifier from training points, apply it to points, and check it there.

    Raises
    ------
    CheckFailedError
    """
    n_outputs = known.outputs.shape[1]
    found = extract(training, points, n_outputs)
    checks.take_extraction(found, known, training=name == "training")
    growth = extract_growing(
        training, points, n_outputs, n_shares=n_shares, n_repeats=n_repeats, seed=seed
    )
    rows = []
    for k, share in enumerate(growth.shares.tolist()):
        agreement = (growth.labels[:, k] == known.labels).mean(axis=1)
        right = None
        if classes is not None:
            right = float((growth.labels[:, k] == classes).mean())
        terms = int(np.count_nonzero(np.arange(len(training)) * n_shares // len(training) <= k))
        rows.append(
            GrowthRow(
                share,
                terms,
                float(agreement.mean()),
                float(agreement.min()),
                float(agreement.max()),
                right,
            )
        )
    return ExtractionReport(name, known, found, classes, tuple(rows))
