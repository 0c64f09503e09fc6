"""The published formulas by name, each for every prefix of a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cpwl_milp.counting.binomial import zaslavsky, zaslavsky_work
from cpwl_milp.counting.histogram import Work, push, start
from cpwl_milp.counting.shape import LayerShape

# Word operations one sum of binomials may cost: about a second.
_LONGEST_SUM = 2e8


@dataclass(frozen=True)
class Series:
    """A formula's bounds for the prefixes 1..L, or why there are none.

    Attributes
    ----------
    values : tuple of int
        One a layer; empty where the formula does not apply.
    reason : str
        Why it does not apply, or what was simplified.
    """

    values: tuple[int, ...]
    reason: str = ""


class Sums:
    """Zaslavsky sums, each computed once for the layers that share it."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], int] = {}

    def __call__(self, n: int, d: int) -> int:
        """``sum_{j <= d} C(n, j)``."""
        d = min(n, d)
        if (n, d) not in self._known:
            self._known[n, d] = zaslavsky(n, d)
        return self._known[n, d]


def trivial(shapes: Sequence[LayerShape]) -> Series:
    """``2^(units)``: a region is told by its pattern (Montufar et al. 2014)."""
    values, units = [], 0
    for shape in shapes:
        units += shape.n_units
        values.append(1 << units)
    return Series(tuple(values))


def raghu(shapes: Sequence[LayerShape], n_inputs: int, sums: Sums) -> Series:
    """``prod_l zas(n_l, n_0)`` (Raghu et al. 2017, in explicit form).

    Inside a region of the layers before, the n_l units of layer l are hyperplanes of the input
    space, so at most ``zas(n_l, n_0)`` cells arise. Slopes and passed-on values play no part.
    """
    return _product(shapes, sums, lambda _: n_inputs)


def montufar_2017(shapes: Sequence[LayerShape], n_inputs: int, sums: Sums) -> Series:
    """``prod_l zas(n_l, min(n_0, ..., n_l))`` (Montufar 2017, Notes on the number of regions).

    The hyperplanes of layer l have rank at most the dimension of what enters, hence at most any
    width below, where a width counts all values of the layer, passed-on ones included.
    """
    narrowest = [n_inputs]
    for shape in shapes:
        narrowest.append(min(narrowest[-1], shape.alive))
    entering = iter(narrowest)
    return _product(shapes, sums, lambda _: next(entering))


def _product(
    shapes: Sequence[LayerShape], sums: Sums, dimension: Callable[[LayerShape], int]
) -> Series:
    values, product = [], 1
    for shape in shapes:
        d = dimension(shape)
        if zaslavsky_work(shape.n_units, d) > _LONGEST_SUM:
            return Series((), f"the sum of {d} binomials C({shape.n_units}, j) is too long")
        product *= sums(shape.n_units, d)
        values.append(product)
    return Series(tuple(values))


def pushed(
    shapes: Sequence[LayerShape], n_inputs: int, *, sharp: bool, may_be_coarse: bool
) -> Series:
    """The bounds by dimension of the image (`counting.histogram`).

    Parameters
    ----------
    shapes : sequence of LayerShape
    n_inputs : int
    sharp : bool
        Hinz's histograms for rank 1 and 2 (proved there), Serra's elsewhere; or Serra's alone.
    may_be_coarse : bool
        Whether a layer whose sum is too long may count as losing no dimension; otherwise the
        formula has no value then.
    """
    histogram, work = start(n_inputs), Work()
    values = []
    for index, shape in enumerate(shapes):
        if zaslavsky_work(shape.cutting, min(max(histogram.counts), shape.cut_rank)) > _LONGEST_SUM:
            return Series((), f"the sum over inactive units of layer {index + 1} is too long")
        histogram = push(histogram, shape, work, sharp=sharp)
        if histogram.dropped_terms and not may_be_coarse:
            return Series((), f"the sum over inactive units of layer {index + 1} is too long")
        values.append(histogram.total)
    return Series(tuple(values), histogram.remarks)


def montufar_2014(shapes: Sequence[LayerShape], n_inputs: int) -> Series:
    """``prod_{l<L} floor(n_l / n_0)^n_0 zas(n_L, n_0)`` (Montufar et al. 2014).

    Some choice of weights reaches it: all widths at least n_0, every unit of slope 0.
    """
    return _construction(shapes, n_inputs, lambda n: n // n_inputs, 1)


def serra_2018_lower(shapes: Sequence[LayerShape], n_inputs: int) -> Series:
    """``prod_{l<L} (floor(n_l / n_0) + 1)^n_0 zas(n_L, n_0)`` (Serra et al. 2018, Theorem 6).

    Some choice of weights reaches it: all widths at least 3 n_0, every unit of slope 0.
    """
    return _construction(shapes, n_inputs, lambda n: n // n_inputs + 1, 3)


def _construction(
    shapes: Sequence[LayerShape], n_inputs: int, folds: Callable[[int], int], least: int
) -> Series:
    if not shapes:
        return Series((), "the network has no hidden layer")
    if any(shape.keeping or shape.alive != shape.vanishing for shape in shapes):
        return Series((), "the construction is for layers of ReLU units only")
    narrow = [n for n in (shape.n_units for shape in shapes) if n < least * n_inputs]
    if narrow:
        return Series((), f"needs widths of at least {least * n_inputs}, found {min(narrow)}")
    last = shapes[-1].n_units
    if zaslavsky_work(last, n_inputs) > _LONGEST_SUM:
        return Series((), f"the sum of {n_inputs} binomials C({last}, j) is too long")
    value = zaslavsky(last, n_inputs)
    for shape in shapes[:-1]:
        value *= folds(shape.n_units) ** n_inputs
    return Series((value,))
