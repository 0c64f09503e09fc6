"""All statistics of linear terms in one question: what to look at, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.network import Network
from cpwl_milp.terms.extraction_report import ExtractionReport
from cpwl_milp.terms.shifts import ShiftRow, shift_statistics
from cpwl_milp.terms.statistics import (
    CoefficientTable,
    NetworkRow,
    PatternRow,
    RayReport,
    WinnerRow,
    coefficient_tables,
    network_row,
    pattern_rows,
    ray_report,
    winner_rows,
)
from cpwl_milp.terms.tropical import Tropical


@dataclass(frozen=True)
class ComparisonSettings:
    """What to look at.

    Attributes
    ----------
    image : (channels, height, width), or None
        Without it nothing is shifted.
    pixels : tuple of int
        Shifts.
    rays, ray_cells : int
        Random rays, and boundaries after which one is given up.
    seed : int
    """

    image: tuple[int, int, int] | None
    pixels: tuple[int, ...]
    rays: int
    ray_cells: int
    seed: int


@dataclass(frozen=True, eq=False)
class TermComparison:
    """What test points show of how a network uses its linear terms.

    Attributes
    ----------
    training, test : ExtractionReport
    winners : list of WinnerRow
    patterns : list of PatternRow
    networks : list of NetworkRow
    coefficients : list of CoefficientTable
    shifts : list of ShiftRow
    rays : RayReport
    """

    training: ExtractionReport
    test: ExtractionReport
    winners: list[WinnerRow]
    patterns: list[PatternRow]
    networks: list[NetworkRow]
    coefficients: list[CoefficientTable]
    shifts: list[ShiftRow]
    rays: RayReport


def compare_terms(
    settings: ComparisonSettings,
    network: Network,
    tropical: Tropical,
    reports: Sequence[ExtractionReport],
    others: Sequence[tuple[str, Network]],
    points: NDArray[np.generic],
) -> TermComparison:
    """Compare the terms of test points with all that the settings ask for.

    Parameters
    ----------
    settings : ComparisonSettings
    network : Network
    tropical : Tropical
        Of it.
    reports : sequence of ExtractionReport
        Of the training points, and of the test points.
    others : sequence of (name, Network)
        To look at the same points in.
    points : ndarray, shape (n, n_inputs)
        The test points.
    """
    training, test = reports
    known = test.known
    winners = winner_rows(test, training.known, seed=settings.seed)
    shifts: list[ShiftRow] = []
    if settings.image is not None:
        shifts = list(
            shift_statistics(
                network,
                tropical,
                training.known,
                known,
                points,
                test.classes,
                settings.image,
                settings.pixels,
            )
        )
    return TermComparison(
        training,
        test,
        winners,
        list(pattern_rows(network, known, training.known, winners)),
        [network_row(name, network, known, other, points) for name, other in others],
        coefficient_tables(known),
        shifts,
        ray_report(
            network, points, settings.rays, most_cells=settings.ray_cells, seed=settings.seed
        ),
    )
