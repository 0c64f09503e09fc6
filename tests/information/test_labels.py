"""Labels of every kind, and those that are refused."""

from __future__ import annotations

import numpy as np
import pytest

from cpwl_milp.core.errors import DataError
from cpwl_milp.information.labels import as_labels


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (np.array([3, 1, 3, 10]), ("1", "3", "10")),
        (np.array([3.0, 1.0, 3.0, 10.0]), ("1", "3", "10")),
        (np.array([[3], [1], [3], [10]]), ("1", "3", "10")),
        (np.array([[3, 1, 3, 10]]), ("1", "3", "10")),
        (np.array(["b", "a", "b", "c"]), ("a", "b", "c")),
        (np.eye(3)[[1, 0, 1, 2]], ("0", "1", "2")),
        (np.eye(3, dtype=bool)[[1, 0, 1, 2]], ("0", "1", "2")),
    ],
)
def test_accepted(values: np.ndarray, classes: tuple[str, ...]) -> None:
    found = as_labels(values, 4)
    assert found.classes == classes
    assert found.ids.tolist() == [1, 0, 1, 2]
    assert found.counts.tolist() == [1, 2, 1]


def test_one_sample_may_be_one_hot() -> None:
    assert as_labels(np.array([[0, 1, 0]]), 1).classes == ("1",)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([0.5, 1.25, 2, 3]), r"real-valued labels, e.g. 0.5 in row 0"),
        (np.array([0, np.nan, 1, np.inf]), r"NaN or infinite labels in rows 1, 3"),
        (np.array([]), "empty"),
        (np.arange(3), r"3 labels \(shape \(3,\)\) for 4 samples"),
        (np.array([[0.2, 0.8]] * 4), "row 0 of the .* is not one-hot"),
        (np.array([[0, 1], [1, 0], [1, 1], [0, 1]]), "row 2 of the .* is not one-hot"),
        (np.zeros((4, 2, 2)), "shape"),
        (np.array([1j, 2, 3, 4]), "complex"),
        (np.array([["a", "b"]] * 4), "one column"),
        (np.array([None] * 4), "object"),
    ],
)
def test_refused_in_one_line(values: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        as_labels(values, 4, where="y.npy")
    assert str(caught.value).startswith("y.npy: ")
    assert "\n" not in str(caught.value)


def test_bins_of_real_valued_labels() -> None:
    found = as_labels(np.random.default_rng(0).normal(size=100), 100, bins=4)
    assert found.counts.tolist() == [25] * 4
    assert found.classes[0].startswith("(-inf, ")
    # Ties may leave fewer bins than asked for.
    assert len(as_labels(np.array([0.0, 0, 0, 0.5]), 4, bins=4).classes) == 2
    with pytest.raises(DataError, match="at least 2"):
        as_labels(np.arange(4.0), 4, bins=1)


def test_notices() -> None:
    assert "H(Y) = 0" in as_labels(np.ones(5), 5).notices[0]
    assert "are these labels classes" in as_labels(np.arange(100), 100).notices[0]
    assert as_labels(np.arange(100) % 10, 100).notices == ()
