"""Regions by the dimension of their image, pushed from layer to layer.

The frame of Hinz and van de Geer (A framework for the construction of upper bounds on the number
of affine linear regions of ReLU feed-forward neural networks, 2019). On a region whose image has
dimension d, let ``T_d(j)`` bound how many of the cells a layer cuts it into have at most j
inactive units. A cell with j inactive units has an image of dimension at most
``min(d, alive - j)`` (`counting.shape`). With R(d), non-decreasing in d, the bound for the
layers that follow, Abel summation gives::

    regions <= sum_j (T_d(j) - T_d(j - 1)) R(min(d, alive - j)),

which is non-decreasing in d when T is. Applied layer after layer it is a matrix product on
histograms ``H[d]``, "at most H[d] regions of dimension d", read in the sense of tail sums. Every
prefix of the network is bounded along the way, by the sum of its histogram.

**Tails.** Let r be the rank of the n cutting hyperplanes, all of units of slope 0. A cell is one
subset of inactive units, and there are at most ``sum_{i <= r} C(n, i)`` cells (Zaslavsky 1975):

    T(j) = sum_{i <= min(j, r)} C(n, i).

This gives Serra, Tjandraatmadja and Ramalingam (Bounding and counting linear regions of deep
neural networks, 2018), Theorem 1, with r their rank version. With k more units that keep their
value when inactive, each of these cells meets at most ``Z = sum_{i <= r} C(k, i)`` cells of
theirs, and ``T(j) = min(sum_{i <= r} C(n + k, i), T_n(j) Z)``, j counting units of slope 0 only.

**Sharper tails for rank 1 and 2** (the histograms of Hinz, Using activation histograms to bound
the number of affine regions in ReLU feed-forward neural networks, 2021)::

    rank 1: T(j) = min(1 + 2 j, n + 1)        rank 2: T(j) = min(1 + n j, 1 + n + C(n, 2))

Both are proved in docs/explanation/counting_proof.md, with all that is used here.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field

from cpwl_milp.counting.binomial import (
    binomial_row,
    log2_binomial,
    zaslavsky,
)
from cpwl_milp.counting.shape import LayerShape

# Bits a number keeps once the exact numbers of a network grow too large to multiply.
_KEPT_BITS = 4096
# Digits (30 bits each) of a row of binomials that may be held in memory: about 80 MB.
_LONGEST_ROW = 2e7


@dataclass
class Histogram:
    """At most ``counts[d] * 2^exponent`` regions whose image has dimension d.

    Attributes
    ----------
    counts : dict of int to int
    exponent : int
        0 while all numbers are exact; numbers are rounded up when it grows.
    dropped_terms : bool
        Whether a layer was taken to lose no dimension because its sum is too long.
    """

    counts: dict[int, int]
    exponent: int = 0
    dropped_terms: bool = False

    @property
    def remarks(self) -> str:
        """What was simplified on the way, always upward."""
        remarks = []
        if self.exponent:
            remarks.append(f"rounded up after {_KEPT_BITS} binary digits")
        if self.dropped_terms:
            remarks.append("dimensions that inactive units lose left out where the sum is long")
        return "; ".join(remarks)

    @property
    def total(self) -> int:
        """Upper bound of the number of regions."""
        return sum(self.counts.values()) << self.exponent

    @property
    def bits(self) -> int:
        """Length of the longest count."""
        return max(count.bit_length() for count in self.counts.values())

    def rounded(self) -> Histogram:
        """The same with counts of at most `_KEPT_BITS` bits, rounded up."""
        shift = self.bits - _KEPT_BITS
        if shift <= 0:
            return self
        counts = {d: (count >> shift) + 1 for d, count in self.counts.items()}
        return Histogram(counts, self.exponent + shift, self.dropped_terms)


@dataclass
class Work:
    """A ceiling on big-integer arithmetic, in products of 30-bit digits.

    Attributes
    ----------
    exact : float
        Left for exact numbers; beyond it they are rounded up.
    left : float
        Left in all; beyond it the sum over inactive units is given up.
    """

    exact: float = 1e8
    left: float = 5e8


@dataclass
class _Family:
    """One sequence of tails and the ranges of it that regions ask for."""

    tails: Sequence[int]
    starts: dict[int, int] = field(default_factory=dict)

    def add(self, first: int, last: int, weight: int) -> None:
        """Ask for the steps from `first` to `last`, `weight` times."""
        if first <= last:
            self.starts[first] = self.starts.get(first, 0) + weight
            self.starts[last + 1] = self.starts.get(last + 1, 0) - weight

    def collect(self, alive: int, counts: dict[int, int]) -> None:
        """Add what was asked for to the histogram `counts`."""
        if not self.starts:
            return
        running = 0
        for j in range(min(self.starts), max(self.starts)):
            running += self.starts.get(j, 0)
            if running:
                step = self.tails[j] - (self.tails[j - 1] if j else 0)
                counts[alive - j] = counts.get(alive - j, 0) + step * running


def start(n_inputs: int) -> Histogram:
    """The whole domain: one region of full dimension."""
    return Histogram({n_inputs: 1})


def push(histogram: Histogram, layer: LayerShape, work: Work, *, sharp: bool) -> Histogram:
    """Bound the regions after one more layer.

    Parameters
    ----------
    histogram : Histogram
    layer : LayerShape
    work : Work
        Reduced by what the layer cost.
    sharp : bool
        Use the sharper tails for rank 1 and 2; Serra's otherwise.
    """
    rounded = histogram if histogram.exponent == 0 else histogram.rounded()
    price = _price(rounded, layer)
    if rounded.exponent == 0 and price > work.exact:
        work.exact = 0.0
        rounded = histogram.rounded()
        price = _price(rounded, layer)
    if price > work.left or _row_digits(rounded, layer) > _LONGEST_ROW:
        return _coarse(rounded, layer)
    work.left -= price
    if rounded.exponent == 0:
        work.exact -= price
    return _pushed(rounded, layer, sharp=sharp)


def _row_digits(histogram: Histogram, layer: LayerShape) -> float:
    """Digits of the longest row of binomials that `_pushed` holds at a time."""
    if len(histogram.counts) == 1 and layer.alive >= 2 * max(histogram.counts):
        return 0.0
    last = min(max(histogram.counts), layer.cut_rank, layer.cutting)
    return last * (1 + log2_binomial(layer.cutting, min(last, layer.cutting // 2)) / 30)


def _price(histogram: Histogram, layer: LayerShape) -> float:
    """Rough price of `_pushed` in products of digits: the rows, and rows by histogram."""
    rank = min(max(histogram.counts), layer.cut_rank)
    last = min(rank, layer.cutting)
    length = 1 + log2_binomial(layer.cutting, min(last, layer.cutting // 2)) / 30
    digits = 1 + histogram.bits / 30
    lossy = min(last, max(0, 2 * rank - layer.alive)) if layer.vanishing else 0
    products = len(histogram.counts) + lossy
    return 8 * last * length + products * digits * length


def _last_inactive(rank: int, n: int, sharp: bool) -> int:
    """The number of inactive units beyond which the tails no longer grow."""
    if sharp and rank == 2:
        return min(n, n // 2 + 1)
    if sharp and rank == 1:
        return (n + 1) // 2
    return min(rank, n)


def _coarse(histogram: Histogram, layer: LayerShape) -> Histogram:
    """As if every region had the largest dimension and no cell lost any (Montufar 2017)."""
    largest = max(histogram.counts)
    top = min(largest, layer.image_rank, layer.alive)
    total = sum(histogram.counts.values()) * zaslavsky(layer.cutting, min(largest, layer.cut_rank))
    return Histogram({top: total}, histogram.exponent, dropped_terms=True)


def _pushed(histogram: Histogram, layer: LayerShape, *, sharp: bool) -> Histogram:
    """Group the dimensions by whether a cell of theirs can lose any."""
    safe: dict[int, int] = {}
    lossy: dict[int, int] = {}
    for d, count in histogram.counts.items():
        spare = layer.alive - min(d, layer.image_rank, layer.alive)
        last = _last_inactive(min(d, layer.cut_rank), layer.vanishing, sharp)
        (safe if last <= spare else lossy)[d] = count
    counts: dict[int, int] = {}
    _without_loss(safe, layer, counts)
    _with_loss(lossy, layer, counts, sharp=sharp)
    return Histogram(counts, histogram.exponent, histogram.dropped_terms)


def _without_loss(given: dict[int, int], layer: LayerShape, counts: dict[int, int]) -> None:
    """All cells of a region keep the dimension ``min(d, image_rank, alive)``."""
    n = layer.cutting
    ranks = {min(d, layer.cut_rank) for d in given}
    if len(ranks) > 1:
        sums = _sums(binomial_row(n, max(ranks)))
        cells = {r: sums[min(r, n)] for r in ranks}
    else:
        cells = {r: zaslavsky(n, r) for r in ranks}
    for d, count in given.items():
        top = min(d, layer.image_rank, layer.alive)
        counts[top] = counts.get(top, 0) + count * cells[min(d, layer.cut_rank)]


def _with_loss(
    given: dict[int, int], layer: LayerShape, counts: dict[int, int], *, sharp: bool
) -> None:
    """Cells with many inactive units have an image of lower dimension."""
    if not given:
        return
    n, k, alive = layer.vanishing, layer.keeping, layer.alive
    highest = min(max(given), layer.cut_rank)
    binomials = _Family(_sums(binomial_row(n, highest)))
    families = {2: _Family(_plane_tails(n)), 1: _Family(_line_tails(n))} if sharp else {}
    kept_sums = _sums(binomial_row(k, highest))
    all_sums = _sums(binomial_row(n + k, highest)) if k else binomials.tails
    for d, count in given.items():
        r = min(d, layer.cut_rank)
        family = families.get(r, binomials)
        factor = kept_sums[min(r, k)]
        cap = all_sums[min(r, n + k)]
        last = _last_inactive(r, n, sharp)
        if k:
            tails = family.tails
            last = bisect.bisect_right(range(last + 1), cap, key=lambda j: tails[j] * factor) - 1
        rest = cap - family.tails[last] * factor
        top = min(d, layer.image_rank, alive)
        spare = alive - top
        if spare > last:
            stay = cap
        else:
            stay = family.tails[spare] * factor
            family.add(spare + 1, last, factor * count)
            if rest:
                lost = alive - last - 1
                counts[lost] = counts.get(lost, 0) + rest * count
        counts[top] = counts.get(top, 0) + stay * count
    for family in (binomials, *families.values()):
        family.collect(alive, counts)


def _sums(row: Sequence[int]) -> list[int]:
    total = 0
    sums = []
    for entry in row:
        total += entry
        sums.append(total)
    return sums


def _line_tails(n: int) -> list[int]:
    """Most cells with at most j inactive units, n points on a line, j = 0, 1, ..."""
    return [min(1 + 2 * j, n + 1) for j in range(_last_inactive(1, n, True) + 1)]


def _plane_tails(n: int) -> list[int]:
    """Most cells with at most j inactive units, n lines in the plane, j = 0, 1, ..."""
    return [min(1 + n * j, 1 + n + n * (n - 1) // 2) for j in range(_last_inactive(2, n, True) + 1)]
