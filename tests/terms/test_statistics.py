"""Statistics of terms against what is worked out by hand or by brute force."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.core.errors import DataError, InputError
from cpwl_milp.core.pattern import packed_size
from cpwl_milp.onnx_io import load_model
from cpwl_milp.terms.checks import TropicalChecks
from cpwl_milp.terms.codes import code_rows
from cpwl_milp.terms.extracted import extract
from cpwl_milp.terms.gathered import gathered
from cpwl_milp.terms.pairs import Summary, angles, compare_pairs, correlations
from cpwl_milp.terms.rays import on_grid, random_directions, walk
from cpwl_milp.terms.shifts import require_image, shifted
from cpwl_milp.terms.statistics import geometric_mean, same_bits
from tests.cli.command import MOONS, answer, invoke
from tests.models.manifest import MODELS
from tests.networks import mlp
from tests.terms.networks import mixed_network

DIGITS = MODELS / "digits"
SETS = (
    "--data",
    DIGITS / "digits_train_x.npy",
    "--labels",
    DIGITS / "digits_train_y.npy",
    "--test",
    DIGITS / "digits_test_x.npy",
    "--test-labels",
    DIGITS / "digits_test_y.npy",
)
ONE_OUTPUT = MODELS / "public" / "convx1_gemmx1.onnx"
DENSE = DIGITS / "digits_dense_epoch_0100.onnx"


def test_angles_by_hand() -> None:
    first = np.array([[1.0, 0], [1, 0], [1, 0], [0, 0], [1, 1e-9], [2, 2]])
    second = np.array([[5.0, 0], [0, 3], [-2, 0], [1, 0], [1, 0], [1, 0]])
    found = angles(first, second)
    np.testing.assert_allclose(found[[0, 1, 2, 5]], [0, 90, 180, 45], atol=1e-12)
    assert np.isnan(found[3])
    np.testing.assert_allclose(found[4], np.degrees(1e-9), rtol=1e-6)


def test_correlations_are_numpys_and_undefined_for_constants() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(30, 4)), rng.normal(size=(30, 4))
    first[:, 2] = 0.1
    found = correlations(first, second)
    for k in (0, 1, 3):
        np.testing.assert_allclose(found[k], np.corrcoef(first[:, k], second[:, k])[0, 1])
    assert np.isnan(found[2])
    assert compare_pairs(first, second).correlation.n == 3
    assert compare_pairs(first[:0], second[:0]).angle.n == 0
    assert np.isnan(Summary.of(np.array([np.nan, np.inf])).mean)


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_rays_against_fine_steps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = mixed_network(rng, 3, [5, 5], 3, sparse=False)
    x, v = rng.normal(size=(4, 3)), random_directions(4, 3, rng)
    exact, grid = walk(network, x, v, farthest=3.0), on_grid(network, x, v, np.linspace(0.01, 3))
    assert not exact.unfinished.any()
    assert np.all(exact.pattern <= grid.pattern + 1e-12)
    assert np.all(exact.label <= grid.label + 1e-12)
    for k in range(4):
        end = min(exact.pattern[k], 3.0)
        inside = x[k] + np.linspace(0, end * (1 - 1e-9), 50)[:, None] * v[k]
        assert np.all(network.bits(inside) == network.bits(x[k : k + 1]))
        if exact.pattern[k] < 2.999:
            beyond = x[k] + (end + 1e-7) * v[k]
            assert np.any(network.bits(beyond[None]) != network.bits(x[k : k + 1]))
        end = min(exact.label[k], 3.0)
        inside = x[k] + np.linspace(0, end * (1 - 1e-9), 50)[:, None] * v[k]
        assert len(set(network(inside).argmax(axis=1).tolist())) == 1
        if exact.label[k] < 2.999:
            beyond = network(x[k] + (end + 1e-7) * v[k][None])
            assert beyond.argmax() != network(x[k : k + 1]).argmax()


def test_rays_from_a_boundary_and_through_a_corner() -> None:
    # Units x, -x, y: along (1, 0) from 0 the unit x turns on at once.
    network = mlp(
        ([[1.0, 0], [-1, 0], [0, 1]], [0.0, 0, 0]), ([[1.0, 0, 0], [0, 1, 1]], [0.0, 0.5])
    )
    found = walk(network, np.array([[0.0, -1.0], [-1.0, -1.0]]), np.array([[1.0, 0], [1, 1]]))
    np.testing.assert_allclose(found.pattern, [0.0, 1.0])
    # f = (x+, x- + y+ + .5): from (0, -1) equal at x = .5, from (-1, -1) never.
    np.testing.assert_allclose(found.label, [0.5, np.inf])
    # Both boundaries meet at (0, 0): one cell is passed into, not two.
    assert found.cells.tolist() == [0, 1]


def test_rays_that_are_given_up_say_so() -> None:
    rng = np.random.default_rng(1)
    network = mixed_network(rng, 3, [30, 30], 2, sparse=False)
    x, v = rng.normal(size=(20, 3)), random_directions(20, 3, rng)
    short, long = walk(network, x, v, most_cells=2), walk(network, x, v)
    assert short.unfinished.any()
    assert not long.unfinished.any()
    np.testing.assert_array_equal(short.pattern, long.pattern)
    done = ~short.unfinished
    np.testing.assert_array_equal(short.label[done], long.label[done])
    assert np.all(long.cells[short.unfinished] >= 2)


def test_geometric_mean() -> None:
    np.testing.assert_allclose(geometric_mean(np.array([1.0, 100.0, np.inf, 0.0])), 10.0)
    assert np.isnan(geometric_mean(np.array([np.inf])))


def test_shifts_move_pixels() -> None:
    image = np.arange(12.0).reshape(1, 12)
    found = shifted(image, (2, 2, 3), 1, -1).reshape(2, 2, 3)
    np.testing.assert_array_equal(found[0], [[0, 0, 0], [1, 2, 0]])
    np.testing.assert_array_equal(found[1], [[0, 0, 0], [7, 8, 0]])
    np.testing.assert_array_equal(shifted(image, (2, 2, 3), 0, 0), image)
    with pytest.raises(DataError, match="2 x 2 x 3 = 12 values"):
        require_image((2, 2, 3), 13, [1])
    with pytest.raises(DataError, match="less than 2"):
        require_image((2, 2, 3), 12, [1, 2])


def test_same_bits_by_layer() -> None:
    rng = np.random.default_rng(2)
    network = mixed_network(rng, 3, [7, 9], 2, sparse=False)
    first, second = rng.normal(size=(20, 3)), rng.normal(size=(20, 3))
    terms = gathered(network, first), gathered(network, second)
    shares, identical = same_bits(network, terms[0].patterns, terms[1].patterns)
    equal = network.bits(first) == network.bits(second)
    for k in range(2):
        part = equal[:, network.layer_bits(k)]
        np.testing.assert_allclose(shares[:, k], part.mean(axis=1))
        np.testing.assert_array_equal(identical[:, k], part.all(axis=1))


def test_codes_of_a_partition_that_is_the_classes() -> None:
    pytest.importorskip("sklearn")
    network = load_model(DENSE).network
    rng = np.random.default_rng(0)
    classes = np.arange(3).repeat([10, 20, 30])
    codes = rng.integers(0, 2, (3, network.n_units), dtype=np.uint8)
    packed = np.packbits(codes, axis=1, bitorder="little")
    rows = code_rows(network, packed[classes], classes, packed[classes], classes)
    assert [row.layer for row in rows] == [1, 2, None]
    for row in rows:
        assert row.distinct == 3
        assert row.redundancy == 57 / 60
        assert row.seen == row.neighbours == row.logistic == row.clusters == 1.0


def test_codes_of_one_class_are_refused() -> None:
    pytest.importorskip("sklearn")
    network = load_model(DENSE).network
    packed = np.zeros((5, packed_size(network.n_units)), dtype=np.uint8)
    classes = np.zeros(5, dtype=np.int64)
    with pytest.raises(InputError, match="training points of one class"):
        code_rows(network, packed, classes, packed, classes)


def test_training_points_of_one_class_give_one_class() -> None:
    network = load_model(DENSE).network
    x = np.load(DIGITS / "digits_train_x.npy").astype(np.float64)
    labels = gathered(network, x).labels
    checks = TropicalChecks()
    training = gathered(network, x[labels == 3], None, checks)
    found = extract(training, x, 10)
    assert set(found.labels.tolist()) == {3}
    checks.take_extraction(found, gathered(network, x), training=False)


def test_the_command(tmp_path: Path) -> None:
    found = answer(
        "terms", DENSE, *SETS, "--statistics", "--rays", 20, "--image", "8,8", "--folder", tmp_path,
        "--against", DIGITS / "digits_dense_epoch_0010.onnx", "--against", DENSE, "--shares", 2,
        "-o", tmp_path / "terms.npz",
    )  # fmt: skip
    statistics = found["statistics"]
    groups = {row["group"]: row for row in statistics["winners"]}
    assert groups["agree"]["pairs"] + groups["disagree"]["pairs"] == 500
    agree, disagree = groups["agree"]["angle"], groups["disagree"]["angle"]
    assert agree["median"] < groups["same class"]["angle"]["median"] < disagree["median"]
    earlier, itself = statistics["networks"]
    assert itself["same_label"] == 1
    assert itself["angle"]["largest"] < 1e-5
    assert [row["mean"] for row in itself["same_bits"]] == [1, 1]
    assert earlier["angle"]["median"] > 5
    assert len(statistics["shifts"]) == 8
    rays = statistics["rays"]
    assert rays["exact"]["pattern"]["median"] <= rays["grid"]["pattern"]["median"]
    assert sum(row["points"] for row in statistics["coefficients"]) == 500
    files = {Path(file).name for file in found["files"]}
    assert files == {"statistics.json", "coefficients.npz", "pairs.svg", "growth.svg", "rays.svg"}
    assert all((tmp_path / name).stat().st_size for name in files)
    with np.load(tmp_path / "coefficients.npz") as tables:
        assert tables["mean"].shape == (10, 64)
        assert np.all(tables["least"] <= tables["median"])
    assert not found["codes"]


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "sklearn":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    result = invoke("terms", DENSE, *SETS, "--codes")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: --codes: scikit-learn is not installed")
    assert "cpwl-milp[codes]" in line


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((DENSE, *SETS[:4], "--statistics"), 2, "need --test"),
        ((DENSE, *SETS[:2], *SETS[4:6], "--codes"), 2, "needs --labels and --test-labels"),
        ((DENSE, *SETS, "--image", "8,8"), 2, "need --statistics"),
        ((DENSE, *SETS), 2, "--test needs --tropical"),
        ((DENSE, *SETS, "--statistics", "--image", "8"), 2, "is not H,W or C,H,W"),
        ((DENSE, *SETS, "--statistics", "--image", "8,9"), 1, "1 x 8 x 9 = 72 values"),
        ((DENSE, *SETS, "--statistics", "--shifts", "0"), 2, "whole numbers above 0"),
        (
            (DENSE, *SETS, "--statistics", "--against", MOONS),
            1,
            "2 inputs and 2 outputs; expected 64 and 10",
        ),
        (
            (ONE_OUTPUT, "--data", "x.npy", "--tropical", "--test", "x.npy"),
            1,
            "one output, which has no classes",
        ),
    ],
)  # fmt: skip
def test_what_does_not_go_together(
    arguments: tuple[object, ...],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.zeros((2, 49)))
    result = invoke("terms", *arguments)
    assert result.exit_code == code, result.output
    assert message in " ".join(result.stderr.split())


def test_one_output_has_terms_but_no_classifier(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(4, 49)))
    result = invoke("terms", ONE_OUTPUT, "--data", tmp_path / "x.npy", "--tropical")
    assert result.exit_code == 0
    assert "one output has no classes" in result.stderr
    assert "checked at 4 points: F - G = f" in result.stdout
