"""Archives written piece by piece: what numpy reads back, and what a failure leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cpwl_milp.core.errors import InputError
from cpwl_milp.storage.npz_files import write_npz


def test_pieces_are_joined(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    wide, flags = rng.normal(size=(10, 3, 4)), rng.integers(0, 2, 10).astype(np.uint8)
    pieces = [slice(0, 4), slice(4, 4), slice(4, 10)]
    file = tmp_path / "new" / "arrays.npz"
    # Also what is no contiguous piece of memory.
    batches = ({"wide": np.asfortranarray(wide[p]), "flags": flags[p]} for p in pieces)
    write_npz(file, batches, {"whole": np.arange(3)})
    with np.load(file, allow_pickle=False) as found:
        assert sorted(found) == ["flags", "whole", "wide"]
        np.testing.assert_array_equal(found["wide"], wide)
        np.testing.assert_array_equal(found["flags"], flags)
        np.testing.assert_array_equal(found["whole"], np.arange(3))
    assert [place.name for place in file.parent.iterdir()] == ["arrays.npz"]


def test_a_failing_source_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "arrays.npz"
    write_npz(file, [{"a": np.zeros(2)}])

    def source() -> Iterator[dict[str, np.ndarray]]:
        yield {"a": np.ones(2)}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_npz(file, source())
    with np.load(file) as found:
        np.testing.assert_array_equal(found["a"], np.zeros(2))
    assert list(tmp_path.iterdir()) == [file]


def test_rows_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rows of"):
        write_npz(tmp_path / "a.npz", [{"a": np.zeros((1, 2))}, {"a": np.zeros((1, 3))}])


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="writable file"):
        write_npz(tmp_path / "file" / "a.npz", [{"a": np.zeros(1)}])
