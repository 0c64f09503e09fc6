"""Smaller networks: the same outputs on the domain; known cases to the last row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.core.affine import Affine
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import CheckFailedError, InputError
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.onnx_io import TensorInfo, load_model
from cpwl_milp.onnx_io import write as writing_onnx
from cpwl_milp.onnx_io.write import write_network
from cpwl_milp.simplification import StateSettings, simplified
from cpwl_milp.simplification.writing import write_checked
from tests.cli.command import MOONS, answer, invoke, two_inputs
from tests.models.manifest import MODELS
from tests.networks import degenerate_network, mlp

QUICK = StateSettings(solver=False)


def _rows(network: Network) -> list[int]:
    return [layer.affine.n_out for layer in network.layers]


def _require_equal(first: Network, second: Network, box: Box) -> None:
    x = box.sample(2000, np.random.default_rng(1))
    expected = first(x)
    assert np.abs(expected - second(x)).max() <= 1e-9 * (1.0 + np.abs(expected).max())


@settings(max_examples=80, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_outputs_stay_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 5))
    widths = [int(k) for k in rng.integers(1, 8, int(rng.integers(0, 5)))]
    network = degenerate_network(rng, d, widths, int(rng.integers(1, 4)))
    if network.layers and rng.random() < 0.4:
        layer = network.layers[0]
        slope = np.where(rng.random(len(layer.slope)) < 0.3, 1.0, layer.slope)
        network = Network((Layer(layer.affine, slope), *network.layers[1:]), network.output)
    side = float(rng.choice([0.1, 0.5, 2.0]))
    box = Box.uniform(-side, side, d)
    found = simplified(network, box, QUICK)
    _require_equal(network, found.network, box)
    n_before, n_after = sum(_rows(network)), sum(_rows(found.network))
    assert n_after == n_before - len(found.removed) + found.added
    assert found.network.n_inputs == network.n_inputs
    # A second time there is hardly anything to do, and it does no harm.
    again = simplified(found.network, box, QUICK)
    assert sum(_rows(again.network)) <= n_after
    _require_equal(network, again.network, box)


def test_units_that_are_off_constant_or_unused_go() -> None:
    network = mlp(
        ([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [0.0, 1.0]], [0.0, -5.0, 2.0, 0.0]),
        ([[1.0, 1.0, 1.0, 0.0], [-1.0, 3.0, 0.0, 0.0]], [0.0, 0.5]),
        ([[1.0, 1.0]], [0.0]),
    )
    found = simplified(network, Box.uniform(-1, 1, 2), QUICK)
    # Unit 1 is off, 2 is the constant 2, 3 feeds nothing.
    # What they add to unit 0 of layer 2 makes it always on: it is carried on as it is.
    assert found.reasons == {"off": 1, "constant": 1, "unused": 1, "duplicate": 0, "linear": 0}
    assert {str(reason): origin for origin, reason in found.removed.items()} == {
        "off": (1, 1),
        "constant": (1, 2),
        "unused": (1, 3),
    }
    _require_equal(network, found.network, Box.uniform(-1, 1, 2))


def test_multiples_are_merged() -> None:
    network = mlp(
        ([[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0], [1.0, 2.0]], [0.25, 0.5, -0.25, 0.5]),
        ([[1.0, 1.0, 1.0, 1.0]], [0.0]),
    )
    box = Box.uniform(-1, 1, 2)
    found = simplified(network, box, QUICK)
    # Twice unit 0 goes; its opposite and one with another bias stay.
    assert found.reasons["duplicate"] == 1
    assert _rows(found.network) == [3]
    _require_equal(network, found.network, box)
    layer = Layer(network.layers[0].affine, np.full(4, -1.0))
    absolute = Network((layer,), network.output)
    found = simplified(absolute, box, QUICK)
    assert _rows(found.network) == [2]
    _require_equal(absolute, found.network, box)


def test_layers_without_a_kink_vanish() -> None:
    rng = np.random.default_rng(0)
    pairs = [
        (rng.normal(size=(4, 3)), np.full(4, 50.0)),
        (rng.normal(size=(5, 4)), np.zeros(5)),
        (rng.normal(size=(2, 5)), np.array([0.0, 1.0])),
    ]
    network = mlp(*[(w.tolist(), b.tolist()) for w, b in pairs])
    box = Box.uniform(-1, 1, 3)
    found = simplified(network, box, QUICK)
    assert not found.network.layers
    _require_equal(network, found.network, box)


def test_linear_rows_are_carried_by_fewer() -> None:
    """30 units that are always on, of two inputs, beside one with a kink."""
    rng = np.random.default_rng(0)
    weight = np.concatenate([rng.normal(size=(30, 2)), [[1.0, 1.0]]])
    bias = np.concatenate([np.full(30, 20.0), [0.0]])
    after = rng.normal(size=(8, 31))
    network = mlp(
        (weight.tolist(), bias.tolist()),
        # All kinks of the second layer pass through the middle.
        (after.tolist(), (-after @ bias).tolist()),
        (rng.normal(size=(1, 8)).tolist(), [0.0]),
    )
    box = Box.uniform(-1, 1, 2)
    found = simplified(network, box, QUICK)
    assert _rows(found.network) == [3, 8]
    assert found.added == 2
    _require_equal(network, found.network, box)


@pytest.mark.parametrize("double", [False, True])
def test_written_networks_are_read_as_they_are(tmp_path: Path, double: bool) -> None:
    rng = np.random.default_rng(4)
    kind = np.float64 if double else np.float32
    for slopes in ([0.0, 0.0], [0.25, 0.25], [1.0, 0.0], [-1.0, 0.5], [1.0, 1.0]):
        weight, bias, out = (
            rng.normal(size=s).astype(kind).astype(float) for s in ((2, 6), 2, (5, 2))
        )
        network = Network(
            (Layer(Affine(weight, bias), np.array(slopes)),), Affine(out, np.zeros(5))
        )
        path = tmp_path / "written.onnx"
        inputs = (TensorInfo("a", (1, 2, 2)), TensorInfo("b", (1, 2)))
        outputs = (TensorInfo("p", (1, 3)), TensorInfo("q", (1, 2)))
        write_network(path, network, inputs, outputs, double=double)
        model = load_model(path)
        assert model.double == double
        x = rng.normal(size=(50, 6))
        assert np.abs(model.network(x) - network(x)).max() < 1e-12
        assert np.abs(model.run(x) - network(x)).max() < (1e-12 if double else 1e-5)


@pytest.mark.parametrize(
    ("name", "box", "most"),
    [
        ("moons/moons_torch_epoch_0100.onnx", (-0.5, 0.5), [12, 5]),
        ("digits/digits_conv_epoch_0100.onnx", (0.0, 0.1), [130, 60]),
        ("public/convx1_gemmx1.onnx", (0.0, 0.1), None),
    ],
)
def test_shipped_models(
    name: str, box: tuple[float, float], most: list[int] | None, tmp_path: Path
) -> None:
    model = load_model(MODELS / name)
    domain = Box.uniform(*box, model.network.n_inputs)
    found = simplified(model.network, domain, QUICK)
    equality = write_checked(tmp_path / "smaller.onnx", found.network, model, domain)
    assert equality.max_relative <= 1e-6
    assert equality.max_network <= 1e-12
    if most is not None:
        assert all(a <= b for a, b in zip(_rows(found.network), most, strict=True))


def test_a_wrong_network_is_not_written(tmp_path: Path) -> None:
    model = load_model(MOONS)
    box = Box.uniform(-2, 3, 2)
    # Simplified where units are off that are on here.
    wrong = simplified(model.network, Box.uniform(-0.5, 0.5, 2), QUICK).network
    with pytest.raises(CheckFailedError):
        write_checked(tmp_path / "wrong.onnx", wrong, model, box)
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError):
        write_checked(Path(model.path), model.network, model, box)


def test_what_is_too_large_as_a_dense_chain_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing_onnx, "MOST_WEIGHTS", 100)
    model = load_model(MOONS)
    with pytest.raises(InputError, match="dense chain"):
        write_checked(tmp_path / "large.onnx", model.network, model, Box.uniform(-2, 3, 2))
    assert not list(tmp_path.iterdir())


def test_the_commands(tmp_path: Path) -> None:
    output = tmp_path / "new" / "smaller.onnx"
    found = answer("simplify", MOONS, "--box", "-0.5,0.5", "-o", output)
    assert (
        sum(found["rows_after"])
        == sum(found["rows_before"]) - sum(found["removed"].values()) + found["added"]
    )
    assert found["weights_after"] < found["weights_before"]
    assert found["equality"]["max_relative"] < 1e-6
    for box in ("-0.5,0.5", "-0.25,0.25"):
        before = answer("count", MOONS, "--box", box, "--linear-regions")
        after = answer("count", output, "--box", box, "--linear-regions")
        assert before["regions"] == after["regions"]
    units = answer("units", MOONS, "--box", "-0.5,0.5", "--list")
    assert [layer["always_off"] for layer in units["layers"]] == [3, 6]
    assert len(units["units"]) == 19
    assert units["removable"] == found["removed"]
    assert invoke("simplify", MOONS, "--box", "-0.5,0.5", "-o", MOONS).exit_code == 1
    assert invoke("simplify", MOONS, "--box", "-0.5,0.5").exit_code == 2


def test_models_with_several_inputs_and_outputs(tmp_path: Path) -> None:
    model, output = two_inputs(tmp_path), tmp_path / "smaller.onnx"
    found = answer("simplify", model, "--output", "y", "--box", "-0.1,0.1", "-o", output)
    assert found["equality"]["max_relative"] < 1e-6
    assert [tensor.name for tensor in load_model(output).inputs] == ["a", "b"]
