"""Binning: the values of each unit cut into intervals, a layer's value being the tuple of bins.

As in Shwartz-Ziv and Tishby (2017) and Saxe et al. (2018). A deterministic network and distinct
inputs give I(X; Bin(T)) = H(Bin(T)): what is measured is how values cluster (Goldfeld et al.
2019), and it depends on the bins, so their rule is part of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.errors import DataError
from cpwl_milp.core.pattern import as_keys
from cpwl_milp.partition.samples import Bins


@dataclass(frozen=True)
class BinRule:
    """How values are cut.

    Attributes
    ----------
    width : float or None
        Bins ``floor(t / width)``, one grid for all layers.
    count : int or None
        This many bins of equal width between `low` and `high`.
    low, high : float or None
        None: the least and largest value of the layer (adaptive). Values beyond given limits go
        to the first or last bin, never to the other end.

    Raises
    ------
    DataError
        If not exactly one of width and count is given, or a value makes no bins.
    """

    width: float | None = None
    count: int | None = None
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if (self.width is None) == (self.count is None):
            raise DataError("bins", "both or neither of width and count", "one of them")
        if self.width is not None and not (np.isfinite(self.width) and self.width > 0):
            raise DataError("bins", f"width {self.width}", "a width above 0")
        if self.count is not None and self.count < 1:
            raise DataError("bins", f"{self.count} bins", "at least 1")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise DataError("bins", f"a range from {self.low} to {self.high}", "low < high")

    def places(self, values: Dense) -> NDArray[np.int64]:
        """The bin of each entry.

        Raises
        ------
        DataError
            If a value is NaN or infinite.
        """
        if not np.isfinite(values).all():
            bad = int(np.argmin(np.isfinite(values).all(axis=1)))
            raise DataError("values of a layer", f"NaN or infinite in row {bad}", "finite values")
        if self.width is not None:
            return np.floor(values / self.width).astype(np.int64)
        assert self.count is not None
        low = float(values.min()) if self.low is None else self.low
        high = float(values.max()) if self.high is None else self.high
        if high <= low:
            # A constant layer: one bin.
            return np.zeros(values.shape, dtype=np.int64)
        places = np.floor((values - low) / (high - low) * self.count).astype(np.int64)
        return np.clip(places, 0, self.count - 1)


def binned(values: Dense, rule: BinRule) -> Bins:
    """The partition of samples by the tuple of their units' bins.

    Parameters
    ----------
    values : ndarray, shape (n_samples, n_units)
    rule : BinRule
    """
    # A layer without units is a constant.
    places = rule.places(values if values.shape[1] else np.zeros((len(values), 1)))
    rows = np.ascontiguousarray(places).view(np.uint8).reshape(len(places), -1)
    _, ids, counts = np.unique(as_keys(rows), return_inverse=True, return_counts=True)
    return Bins(ids.ravel().astype(np.int64), counts)
