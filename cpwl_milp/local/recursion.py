"""From the units that may cut a ball to the number of regions in it.

The recursion by dimensions of images (`counting.histogram`; Serra, Tjandraatmadja, Ramalingam 2018,
Theorem 1, over the unstable units only), with one thing more: a bound of the number of cells
of the first layer, however it was found, cuts its histogram off. The histogram is meant by tail
sums, most cells lose few dimensions, so what goes is the cells of the lowest dimension.
"""

from __future__ import annotations

from collections.abc import Sequence

from cpwl_milp.counting.binomial import zaslavsky_work
from cpwl_milp.counting.histogram import Histogram, Work, push, start
from cpwl_milp.counting.shape import LayerShape

# Word operations one sum of binomials may cost: about a second.
_LONGEST_SUM = 2e8


def regions_bound(
    shapes: Sequence[LayerShape], n_inputs: int, first_layer: int | None = None
) -> int:
    """Bound the regions of a network by the shapes of its layers.

    Parameters
    ----------
    shapes : sequence of LayerShape
        On the domain.
    n_inputs : int
    first_layer : int, optional
        At most so many regions of the first layer meet the domain.

    Returns
    -------
    int
    """
    histogram, work = start(n_inputs), Work()
    for index, shape in enumerate(shapes):
        rank = min(max(histogram.counts), shape.cut_rank)
        if zaslavsky_work(shape.cutting, rank) > _LONGEST_SUM:
            histogram = _any_pattern(histogram, shape)
        else:
            histogram = push(histogram, shape, work, sharp=True)
        if index == 0 and first_layer is not None:
            histogram = cut_off(histogram, first_layer)
    return histogram.total


def cut_off(histogram: Histogram, most: int) -> Histogram:
    """The same with at most `most` regions, those of the highest dimensions."""
    if histogram.exponent or histogram.total <= most:
        return histogram
    counts: dict[int, int] = {}
    for dimension in sorted(histogram.counts, reverse=True):
        kept = min(most, histogram.counts[dimension])
        if kept:
            counts[dimension] = kept
        most -= kept
    return Histogram(counts, 0, histogram.dropped_terms)


def _any_pattern(histogram: Histogram, shape: LayerShape) -> Histogram:
    """Where even the sum of binomials is too long: every pattern, no dimension lost."""
    top = min(max(histogram.counts), shape.image_rank, shape.alive)
    total = sum(histogram.counts.values()) << shape.cutting
    return Histogram({top: total}, histogram.exponent, dropped_terms=True)
