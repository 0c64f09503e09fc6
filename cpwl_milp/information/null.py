"""The label-permutation null of the plug-in mutual information.

Permuting the labels keeps both margins of the contingency table, so a permutation is a draw of
a random table with given margins; only ``sum n_iy log n_iy`` changes. Three kinds of rows, so
that a thousand permutations of 10^6 samples take seconds:

- a region with one sample contributes 1 log 1 = 0 whatever its label: it is never drawn;
- a region with many samples is drawn at once, class by class, from the hypergeometric
  distribution of what the rows before it have left, all permutations in one call;
- the samples of the regions between get shuffled labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from cpwl_milp.information.entropy import Counts, plugin
from cpwl_milp.information.mutual import Contingency, plugin_information

# Measured: a hypergeometric draw costs about 100 ns, a shuffled and counted label about 16 ns.
_DRAW_IN_LABELS = 6
# Labels to shuffle in all, or draws of that cost: some 5 s. What would take more is given fewer
# permutations, which it needs less: the null of a sum over many regions is narrow.
_MAX_WORK = 3e8
_FEWEST = 100


@dataclass(frozen=True)
class PermutationNull:
    """What the plug-in estimate gives when regions and labels are independent.

    Attributes
    ----------
    mean, deviation : float
        Over the permutations, in bits.
    p_value : float
        ``(1 + #{permuted I >= I}) / (1 + permutations)``, never 0 (Phipson and Smyth 2010).
    n_permutations : int
        Permutations drawn: fewer than asked for where a thousand would take long.
    """

    mean: float
    deviation: float
    p_value: float
    n_permutations: int


def permutation_null(
    table: Contingency, *, n_permutations: int = 1000, seed: int = 0
) -> PermutationNull:
    """Draw the null distribution of the plug-in I(R; Y) of `table`.

    Parameters
    ----------
    table : Contingency
    n_permutations : int
        At most this many; never fewer than 100 unless asked for (see `PermutationNull`).
    seed : int
    """
    columns = table.columns[table.columns > 0]
    total = int(columns.sum())
    rows = table.rows[table.rows > 1]
    if len(columns) < 2 or np.count_nonzero(table.rows) < 2 or len(rows) == 0:
        # One class, one region, or a region for each sample: all permutations give one value.
        return PermutationNull(plugin_information(table), 0.0, 1.0, n_permutations)
    large = rows > _DRAW_IN_LABELS * (len(columns) - 1)
    work = rows[~large].sum() + _DRAW_IN_LABELS * (len(columns) - 1) * np.count_nonzero(large)
    affordable = max(_FEWEST, int(_MAX_WORK / work))
    n_permutations = min(n_permutations, affordable)
    sums = _permuted_sums(
        rows[large], rows[~large], columns, n_permutations, np.random.default_rng(seed)
    )
    observed = float(xlogy(table.cells, table.cells).sum())
    # Equal tables must count as equal whatever the order of their sums.
    reached = int(np.count_nonzero(sums >= observed * (1 - 1e-12) - 1e-12))
    margins = plugin(table.rows) + plugin(columns) - float(np.log2(total))
    values = np.maximum(margins + sums / (total * np.log(2.0)), 0.0)
    return PermutationNull(
        mean=float(values.mean()),
        deviation=float(values.std()),
        p_value=(1 + reached) / (1 + n_permutations),
        n_permutations=n_permutations,
    )


def _permuted_sums(
    large: Counts,
    small: Counts,
    columns: Counts,
    n_permutations: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """``sum n_iy ln n_iy`` over rows of random tables with these columns, one a permutation."""
    left = np.tile(columns, (n_permutations, 1))
    sums = np.zeros(n_permutations)
    for row in large:
        drawn = _draw(left, int(row), rng)
        left -= drawn
        sums += xlogy(drawn, drawn).sum(axis=1)
    if len(small):
        sums += _shuffled_sums(small, _draw(left, int(small.sum()), rng), rng)
    return sums


def _draw(left: Counts, size: int, rng: np.random.Generator) -> Counts:
    """`size` labels without replacement from each row of counts, shape (permutations, classes)."""
    drawn = np.zeros_like(left)
    behind = left.sum(axis=1)
    wanted = np.full(len(left), size)
    for k in range(left.shape[1] - 1):
        behind = behind - left[:, k]
        drawn[:, k] = rng.hypergeometric(left[:, k], behind, wanted)
        wanted = wanted - drawn[:, k]
    drawn[:, -1] = wanted
    return drawn


def _shuffled_sums(
    rows: Counts, composition: Counts, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The same sum over `rows`, their labels shuffled, one a row of `composition`."""
    n_classes = composition.shape[1]
    classes = np.arange(n_classes, dtype=np.min_scalar_type(n_classes))
    first_cell = np.repeat(np.arange(len(rows)) * n_classes, rows)
    sizes = np.arange(int(rows.max()) + 1)
    term = xlogy(sizes, sizes)
    sums = np.empty(len(composition))
    for k, counts in enumerate(composition):
        labels = np.repeat(classes, counts)
        rng.shuffle(labels)
        sums[k] = term[np.bincount(first_cell + labels)].sum()
    return sums
