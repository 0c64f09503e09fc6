"""The folder models/ holds what its manifest says, no more and no less."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from tests.models.manifest import MODELS, entries

EVERY_ENTRY = [*entries("model"), *entries("data")]


def test_the_manifest_and_the_folder_list_the_same_files() -> None:
    listed = [entry["file"] for entry in EVERY_ENTRY]
    present = {
        path.relative_to(MODELS).as_posix()
        for path in MODELS.rglob("*")
        if path.is_file() and path.parent not in (MODELS, MODELS / "LICENSES")
    }
    assert len(listed) == len(set(listed))
    assert set(listed) == present


@pytest.mark.parametrize("entry", EVERY_ENTRY, ids=lambda entry: entry["file"])
def test_each_file_is_the_one_described(entry: dict) -> None:
    content = (MODELS / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert entry["origin"]
    assert entry["licence"]
    if "notice" in entry:
        assert (MODELS / entry["notice"]).is_file()
    else:
        assert entry["licence"] == "MIT", "what others made needs its licence text beside it"


def test_every_licence_text_belongs_to_a_file() -> None:
    named = {entry["notice"].partition("/")[2] for entry in EVERY_ENTRY if "notice" in entry}
    texts = {path.name for path in (MODELS / "LICENSES").iterdir()}
    assert texts == {*named, "Apache-2.0.txt"}


def test_the_folder_stays_small() -> None:
    assert sum((MODELS / entry["file"]).stat().st_size for entry in EVERY_ENTRY) < 3_000_000


@pytest.mark.parametrize(
    "entry", [e for e in entries("data") if "shape" in e], ids=lambda entry: entry["file"]
)
def test_arrays_have_the_listed_form(entry: dict) -> None:
    array = np.load(MODELS / entry["file"], allow_pickle=False)
    assert list(array.shape) == entry["shape"]
    assert str(array.dtype) == entry["dtype"]
    assert np.isfinite(array).all()


@pytest.mark.parametrize(
    "entry", [e for e in entries("model") if "data" in e], ids=lambda entry: entry["file"]
)
def test_data_and_labels_fit_the_model(entry: dict) -> None:
    data, labels = (np.load(MODELS / entry[key]) for key in ("data", "labels"))
    assert data.shape == (len(labels), entry["inputs"])
