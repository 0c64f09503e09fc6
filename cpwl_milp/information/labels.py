"""Labels of samples: from whatever a file holds to class ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.errors import DataError


@dataclass(frozen=True, eq=False)
class Labels:
    """A class for each sample.

    Attributes
    ----------
    ids : ndarray of int64, shape (n_samples,)
        From 0, in the order of `classes`.
    classes : tuple of str
        Names of the classes that occur, sorted (numbers by value).
    notices : tuple of str
        What the user should know of them.
    """

    ids: NDArray[np.int64]
    classes: tuple[str, ...]
    notices: tuple[str, ...] = ()

    @property
    def counts(self) -> NDArray[np.int64]:
        """Samples of each class."""
        return np.bincount(self.ids, minlength=len(self.classes))


def as_labels(
    values: NDArray[Any], n_samples: int, *, bins: int | None = None, where: str = "labels"
) -> Labels:
    """Read class labels from an array.

    Accepts integers, booleans, strings and whole numbers stored as floats, of shape (n,), (n, 1)
    or (1, n), and exact one-hot rows of shape (n, classes).

    Parameters
    ----------
    values : ndarray
    n_samples : int
        How many there must be.
    bins : int, optional
        Cut real-valued labels into this many classes of equal counts (as equal as ties allow).
    where : str
        What to call them in messages, e.g. the file.

    Raises
    ------
    DataError
        If they are empty, of another number, NaN or infinite, soft probabilities, or real-valued
        without `bins`.
    """
    flat = _one_column(np.asarray(values), n_samples, where)
    if flat.dtype.kind in "US":
        names, ids = np.unique(flat, return_inverse=True)
        return _labels(ids, [str(name) for name in names])
    if flat.dtype.kind not in "buif":
        raise DataError(where, f"labels of type {flat.dtype}", "numbers or strings")
    _check_finite(flat, where)
    if bins is not None:
        return _binned(flat, bins, where)
    if flat.dtype.kind == "f" and np.any(flat != np.floor(flat)):
        bad = int(np.argmax(flat != np.floor(flat)))
        raise DataError(
            where,
            f"real-valued labels, e.g. {flat[bad]:g} in row {bad}",
            "classes: integers, whole numbers or strings",
            "cut them into classes first: --label-bins K of `information` does",
        )
    names, ids = np.unique(flat, return_inverse=True)
    return _labels(ids, [str(int(name)) for name in names])


def _labels(ids: NDArray[np.intp], names: list[str]) -> Labels:
    notices: tuple[str, ...] = ()
    if len(names) == 1:
        notices = (f"all labels are {names[0]}: H(Y) = 0, so no region can tell of them",)
    elif len(names) > 0.5 * len(ids) and len(ids) > 2:
        notices = (f"{len(names)} classes for {len(ids)} samples: are these labels classes?",)
    return Labels(ids.ravel().astype(np.int64), tuple(names), notices)


def _one_column(values: NDArray[Any], n_samples: int, where: str) -> NDArray[Any]:
    if values.size == 0:
        raise DataError(where, f"empty, shape {values.shape}", f"{n_samples} labels")
    # A row vector is a column for n > 1 samples, and one-hot for a single one.
    wide = values.ndim == 2 and values.shape[1] > 1 and (len(values) > 1 or n_samples == 1)
    flat = values if wide else values.ravel()
    if values.ndim > 2 and max(values.shape) != values.size:
        raise DataError(where, f"an array of shape {values.shape}", f"({n_samples},)")
    if len(flat) != n_samples:
        raise DataError(
            where,
            f"{len(flat)} labels (shape {values.shape}) for {n_samples} samples",
            "one label a sample",
        )
    return _from_one_hot(values, where) if wide else flat


def _from_one_hot(values: NDArray[Any], where: str) -> NDArray[np.intp]:
    if values.dtype.kind not in "buif":
        raise DataError(where, f"a table of {values.dtype}, shape {values.shape}", "one column")
    _check_finite(values, where)
    exact = ((values == 0) | (values == 1)).all(axis=1) & (values.sum(axis=1) == 1)
    if not exact.all():
        bad = int(np.argmin(exact))
        raise DataError(
            where,
            f"row {bad} of the {values.shape} table is not one-hot",
            "one 1 and zeros in each row, or one column of classes",
            "take the argmax of soft probabilities first",
        )
    return np.asarray(values.argmax(axis=1))


def _check_finite(values: NDArray[Any], where: str) -> None:
    bad = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
    if bad.size:
        rows = ", ".join(str(k) for k in bad[:5]) + (", ..." if bad.size > 5 else "")
        raise DataError(where, f"NaN or infinite labels in rows {rows}", "finite labels")


def _binned(values: NDArray[Any], bins: int, where: str) -> Labels:
    if bins < 2:
        raise DataError(where, f"{bins} label bins", "at least 2")
    edges = np.unique(np.quantile(values.astype(np.float64), np.arange(1, bins) / bins))
    place = np.searchsorted(edges, values, side="left")
    occupied, ids = np.unique(place, return_inverse=True)
    limits = [-np.inf, *edges.tolist(), np.inf]
    names = [f"({limits[k]:g}, {limits[k + 1]:g}]" for k in occupied]
    return _labels(ids, names)
