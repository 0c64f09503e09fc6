"""Data files: what is read, and what is refused with one line."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cpwl_milp.core.errors import DataError
from cpwl_milp.storage.arrays import ArraySpec, as_samples, read_array, read_samples

X = np.arange(12.0).reshape(4, 3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "one.npz", data=X)
    np.savez(tmp_path / "two.npz", X=X, y=np.arange(4))
    (tmp_path / "x.csv").write_text("0,1,2\n3,4,5\n6,7,8\n9,10,11\n")
    return tmp_path


@pytest.mark.parametrize("spec", ["x.npy", "one.npz", "one.npz:data", "two.npz:X", "x.csv"])
def test_reads(folder: Path, spec: str) -> None:
    assert np.array_equal(read_array(str(folder / spec)), X)
    assert np.array_equal(read_samples(str(folder / spec), 3), X)


def test_npy_is_mapped_not_loaded(folder: Path) -> None:
    assert isinstance(read_array(str(folder / "x.npy")), np.memmap)


@pytest.mark.parametrize("name", ["x.npy", "one.npz", "two.npz:X", "x.csv"])
def test_rows(folder: Path, name: str) -> None:
    assert np.array_equal(read_array(f"{folder / name}:2"), X[[2]])
    assert np.array_equal(read_array(f"{folder / name}:3,0,3"), X[[3, 0, 3]])
    for rows in ("4", "-1", "0,7"):
        with pytest.raises(DataError, match="rows 0 to 3"):
            read_array(f"{folder / name}:{rows}")


def test_specs() -> None:
    assert ArraySpec.parse("a/b.npz:X:3,17") == ArraySpec(Path("a/b.npz"), "X", (3, 17))
    assert ArraySpec.parse("C:/b.npy:17") == ArraySpec(Path("C:/b.npy"), None, (17,))
    assert ArraySpec.parse("b.npy", key="k") == ArraySpec(Path("b.npy"), "k")


@pytest.mark.parametrize(
    "text",
    [
        "a,b,c\n0,1,2\n3,4,5\n6,7,8\n9,10,11\n",
        "0;1;2\n3;4;5\n6;7;8\n9;10;11\n",
        "0\t1\t2\r\n3\t4\t5\r\n\r\n6\t7\t8\r\n9\t10\t11",
        "\ufeff0,1,2\n3,4,5\n6,7,8\n9,10,1.1e1\n",
        '"0","1","2"\n3, 4, 5\n6,7,8\n9,10,11\n',
        "\n\na,b,1\n0,1,2\n3,4,5\n6,7,8\n9,10,11\n\n",
    ],
)
def test_csv_dialects(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    assert np.array_equal(read_array(str(path)), X)


def test_csv_words(tmp_path: Path) -> None:
    path = tmp_path / "y.csv"
    for text in ("label\ncat\ndog\n", "cat\ndog\n"):
        path.write_text(text)
        assert read_array(str(path), text=True).ravel().tolist() == ["cat", "dog"]
    path.write_text("label\n3\n4\n")
    assert read_array(str(path), text=True).ravel().tolist() == [3, 4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3,4\n5\n", r"x.csv:3: 1 fields; expected 2"),
        ("a,b\n1,2\n3,4,5\n", r"x.csv:3: 3 fields; expected 2"),
        ("1,2\n3,\n", r"x.csv:2: ''; expected a number"),
        ("1,2\n3,x\n", r"x.csv:2: 'x'; expected a number"),
        ("a,b\n", "a header and no rows"),
        ("\n\n", "no rows"),
        ("", "an empty file"),
        ("1,nan\n2,inf\n", "NaN or infinite values in rows 0, 1"),
        ("caf\xe9,1\n1,2\n", "not UTF-8"),
    ],
)
def test_bad_csv(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=message) as caught:
        read_samples(str(path), 2)
    assert "\n" not in str(caught.value)


def test_bad_files(folder: Path) -> None:
    cases = {
        "missing.npy": "no such file",
        "data.mat": "an .npy, .npz or .csv file",
        "two.npz": "holds 2 arrays: X, y",
        "two.npz:z": "no array 'z'; expected one of X, y",
        "pickle.npy": "holds Python objects",
        "pickle.npz": "holds Python objects",
        "short.npy": "damaged",
        "noise.npy": "damaged",
        "noise.npz": "damaged",
        "lfs.npy": "Git-LFS pointer",
        "huge.npy": "damaged",
        "huge.npz": "more than it holds",
    }
    objects = np.array([{"a": 1}], dtype=object)
    np.save(folder / "pickle.npy", objects, allow_pickle=True)
    np.savez(folder / "pickle.npz", a=objects)
    (folder / "data.mat").write_bytes(b"x")
    whole = (folder / "x.npy").read_bytes()
    (folder / "short.npy").write_bytes(whole[:-8])
    (folder / "noise.npy").write_bytes(b"\x00\x01garbage" * 9)
    (folder / "noise.npz").write_bytes(b"PK garbage" * 9)
    (folder / "lfs.npy").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid x\n")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**3)}
    )
    (folder / "huge.npy").write_bytes(header.getvalue() + b"\0" * 64)
    with zipfile.ZipFile(folder / "huge.npz", "w") as archive:
        archive.writestr("a.npy", header.getvalue() + b"\0" * 64)
    for name, message in cases.items():
        with pytest.raises(DataError, match=message) as caught:
            read_array(str(folder / name))
        assert "\n" not in str(caught.value)
    (folder / "d.npy").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        read_array(str(folder / "d.npy"))
    with pytest.raises(DataError, match="no array named"):
        read_array(str(folder / "x.npy"), key="X")


def test_samples_of_any_shape() -> None:
    images = np.arange(2 * 3 * 4.0).reshape(2, 1, 3, 4).astype(np.float32)
    found = as_samples(images, 12, input_shape=(1, 3, 4))
    assert found.shape == (2, 12)
    assert found.dtype == np.float32
    assert np.array_equal(found[1], np.arange(12, 24))
    assert as_samples(images[:, 0], 12, input_shape=(1, 3, 4)).shape == (2, 12)
    assert as_samples(np.arange(3), 3).shape == (1, 3)
    assert as_samples(np.arange(3), 1).shape == (3, 1)
    # The same number of values in another order of axes would mix up pixels.
    with pytest.raises(DataError, match="transpose"):
        as_samples(np.zeros((2, 4, 4, 3)), 48, input_shape=(3, 4, 4))
    assert as_samples(np.zeros((2, 48)), 48, input_shape=(3, 4, 4)).shape == (2, 48)
    assert as_samples(np.zeros((2, 4, 4)), 16, input_shape=(16,)).shape == (2, 16)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((4, 2)), r"samples of shape \(2,\), 2 features each; expected 3"),
        (np.zeros(5), "5 features"),
        (np.zeros((0, 3)), "empty"),
        (np.array([["a", "b", "c"]]), "samples of type"),
        (np.zeros((2, 3), dtype=complex), "complex128"),
        (np.where(np.eye(8)[:, :3] > 0, np.nan, 1.0), "in rows 0, 1, 2; expected finite"),
        (np.full((9, 3), np.inf, dtype=np.float32), r"in rows 0, 1, 2, 3, 4, \.\.\.;"),
    ],
)
def test_bad_samples(values: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        as_samples(values, 3, where="x.npy")
    assert str(caught.value).startswith("x.npy: ")
