"""Mutual information of regions and labels from their contingency table, in bits.

The table is held by its occupied cells only: samples in 10^5 regions and 10 classes fill at most
one cell a sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.information.entropy import (
    Counts,
    EntropyEstimator,
    chao_shen,
    chao_wang_jost,
    grassberger,
    miller_madow,
    plugin,
)


@dataclass(frozen=True, eq=False)
class Contingency:
    """How samples fall on regions and classes.

    Attributes
    ----------
    rows, columns : ndarray of int64
        Samples of each region and of each class.
    cells : ndarray of int64
        Counts of the occupied cells.
    places : ndarray of int64, shape (n_cells, 2)
        Row and column of each.
    """

    rows: Counts
    columns: Counts
    cells: Counts
    places: NDArray[np.int64]

    @staticmethod
    def of(regions: NDArray[np.int64], labels: NDArray[np.int64], n_classes: int) -> Contingency:
        """The table of two id vectors of one length, ids from 0."""
        pairs, cells = np.unique(regions * n_classes + labels, return_counts=True)
        places = np.stack(np.divmod(pairs, n_classes), axis=1)
        columns = np.bincount(labels, minlength=n_classes)
        return Contingency(np.bincount(regions), columns, cells, places)


MutualEstimator: TypeAlias = Callable[[Contingency], float]


def plugin_information(table: Contingency) -> float:
    """``H(R) + H(Y) - H(R, Y)`` of the observed frequencies.

    Biased high by about (K_R - 1)(K_Y - 1) / (2 N ln 2) bits on independent data; where every
    sample has a region of its own it equals H(Y), whatever the network has learnt.
    """
    if min(np.count_nonzero(table.rows), np.count_nonzero(table.columns)) < 2:
        return 0.0
    information = plugin(table.rows) + plugin(table.columns) - plugin(table.cells)
    # Rounding alone can take it below 0 (concavity of the logarithm).
    return max(information, 0.0)


def miller_madow_cells(table: Contingency) -> float:
    """Each of the three entropies corrected by its own occupied cells (Miller 1955).

    ``I + [(K_R - 1) + (K_Y - 1) - (J - 1)] / (2 N ln 2)``, J the occupied cells of the table.
    """
    return miller_madow(table.rows) + miller_madow(table.columns) - miller_madow(table.cells)


def miller_madow_table(table: Contingency) -> float:
    """Corrected by all cells, occupied or not: ``I - (K_R - 1)(K_Y - 1) / (2 N ln 2)``.

    Over-corrects, down to negative values, once regions hold few samples.
    """
    k_rows, k_columns = np.count_nonzero(table.rows), np.count_nonzero(table.columns)
    bias = (k_rows - 1) * (k_columns - 1) / (2.0 * table.cells.sum() * np.log(2.0))
    return plugin_information(table) - float(bias)


def from_entropies(entropy: EntropyEstimator) -> MutualEstimator:
    """``H(R) + H(Y) - H(R, Y)``, each term by one entropy estimator; may come out below 0."""

    def estimate(table: Contingency) -> float:
        return entropy(table.rows) + entropy(table.columns) - entropy(table.cells)

    return estimate


MUTUAL_ESTIMATORS: Mapping[str, MutualEstimator] = MappingProxyType(
    {
        "plugin": plugin_information,
        # The one that goes with the Miller-Madow entropies: I = H(R) + H(Y) - H(R, Y).
        "miller_madow": miller_madow_cells,
        "miller_madow_table": miller_madow_table,
        "grassberger": from_entropies(grassberger),
        "chao_shen": from_entropies(chao_shen),
        "chao_wang_jost": from_entropies(chao_wang_jost),
    }
)


def informations(table: Contingency) -> dict[str, float]:
    """Every registered estimate of I(R; Y), in bits."""
    return {name: estimate(table) for name, estimate in MUTUAL_ESTIMATORS.items()}
