"""`verify` against brute force, at ties, under limits, and on public properties."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp import load_model, read_vnnlib_property
from cpwl_milp.core.affine import Affine
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import DomainError, InputError
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.property import Case, LinearRows, Property
from cpwl_milp.verification import METHODS, Verification, VerifySettings, verify
from tests.networks import degenerate_network, mlp, random_network
from tests.oracles import OracleDoubtError
from tests.verification.oracle import least_excess, random_property

# What a linear program of the oracle may err by, and what a loosened program gives away.
_TIE = 1e-5


def check(network: Network, prop: Property, answer: Verification) -> None:
    """A counterexample is one, in rational arithmetic that shares nothing with the package."""
    found = answer.counterexample
    assert (found is not None) == (answer.status == "violated")
    if found is None:
        return
    case = prop.cases[found.case]
    assert np.all(found.x >= case.box.lower)
    assert np.all(found.x <= case.box.upper)
    y = rational_outputs(network, found.x)
    for k in range(len(case.rows)):
        left = sum(Fraction(c) * v for c, v in zip(case.rows.on_outputs[k], y, strict=True))
        left += sum(
            Fraction(c) * Fraction(v) for c, v in zip(case.rows.on_inputs[k], found.x, strict=True)
        )
        limit = Fraction(case.rows.limit[k])
        assert left < limit if case.rows.strict[k] else left <= limit


def rational_outputs(network: Network, x: np.ndarray) -> list[Fraction]:
    a = [Fraction(v) for v in x]

    def mapped(affine: Affine, values: list[Fraction]) -> list[Fraction]:
        return [
            sum((Fraction(w) * v for w, v in zip(row, values, strict=True)), Fraction(b))
            for row, b in zip(affine.dense(), affine.bias, strict=True)
        ]

    for layer in network.layers:
        z = mapped(layer.affine, a)
        a = [v if v > 0 else Fraction(s) * v for v, s in zip(z, layer.slope, strict=True)]
    return mapped(network.output, a)


@pytest.mark.parametrize("seed", range(10))
def test_against_brute_force(seed: int) -> None:
    rng = np.random.default_rng([seed, 3])
    network = random_network(rng, int(rng.integers(1, 4)), (5, 4), 2)
    prop = random_property(rng, network)
    truth = least_excess(network, prop)
    for method in METHODS:
        answer = verify(network, prop, VerifySettings(method, max_seconds=20))
        check(network, prop, answer)
        if abs(truth) > _TIE:
            assert answer.status == ("violated" if truth < 0 else "holds")
            if answer.status == "holds":
                assert answer.proof == ("solver" if answer.method == "milp" else "rounding-safe")


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_degenerate_networks_against_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = degenerate_network(rng, int(rng.integers(1, 3)), (4, 3), 2)
    prop = random_property(rng, network)
    try:
        truth = least_excess(network, prop)
    except OracleDoubtError:
        return
    method = METHODS[seed % len(METHODS)]
    answer = verify(network, prop, VerifySettings(method, max_seconds=1))
    check(network, prop, answer)
    if truth < -_TIE:
        assert answer.status in ("violated", "unknown")
    if truth > _TIE:
        assert answer.status in ("holds", "unknown")


def hat() -> Network:
    """max(0, 1 - |x|) at 1 input: exactly 1 at 0."""
    return mlp(([[1.0], [1.0], [1.0]], [1.0, 0.0, -1.0]), ([[1.0, -2.0, 1.0]], [0.0]))


def asks(network: Network, limit: float, *, strict: bool = False, low: float = -2.0) -> Property:
    """Violated where ``y >= limit`` (or ``>``) for an x in [low, 2]."""
    rows = LinearRows(
        np.array([[-1.0]]),
        np.zeros((1, 1)),
        np.array([-limit]),
        np.array([-limit]),
        np.array([strict]),
    )
    box = Box(np.array([low]), np.array([2.0]), "a tie")
    return Property((Case(box, rows),), 1, 1, "a tie")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("low", [-2.0, -1.7])
def test_a_maximum_that_is_just_reached(method: str, low: float) -> None:
    network = hat()
    settings_ = VerifySettings(method, max_seconds=2)
    reached = verify(network, asks(network, 1.0, low=low), settings_)
    check(network, asks(network, 1.0, low=low), reached)
    assert reached.status in ("violated", "unknown")
    above = verify(network, asks(network, np.nextafter(1.0, 2.0), low=low), settings_)
    assert above.status in ("holds", "unknown")
    below = verify(network, asks(network, 1.0 - 1e-6, low=low), settings_)
    assert below.status == "violated"


@pytest.mark.parametrize("method", METHODS)
def test_a_maximum_that_is_reached_is_not_exceeded(method: str) -> None:
    network = hat()
    prop = asks(network, 1.0, strict=True)
    assert verify(network, prop, VerifySettings(method, max_seconds=1)).status != "violated"


def test_the_last_float_of_a_box_counts() -> None:
    # y = x - 1 is at least 0 at the upper end alone.
    network = mlp(([[1.0]], [0.0]), ([[1.0]], [-1.0]))
    rows = LinearRows.closed(np.array([[-1.0]]), np.array([0.0]), np.zeros((1, 1)))
    for upper, status in ((1.0, "violated"), (np.nextafter(1.0, 0.0), "holds")):
        box = Box(np.array([-1.0]), np.array([upper]), "an end")
        prop = Property((Case(box, rows),), 1, 1, "an end")
        answer = verify(network, prop, VerifySettings(max_seconds=5))
        check(network, prop, answer)
        # Bounds charge some units in the last place: they may not tell, but must not err.
        assert answer.status in (status, "unknown")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("hidden", [False, True])
def test_networks_without_kinks(method: str, hidden: bool) -> None:
    output = Affine(np.array([[1.0, 2.0]]), np.zeros(1))
    passed_on = Layer(Affine(np.eye(2), np.zeros(2)), np.ones(2))
    network = Network((passed_on,) if hidden else (), output)

    def answered(*rows: tuple[float, float, bool]) -> str:
        """Of ``c y <= limit`` for each row."""
        limits = np.array([limit for _, limit, _ in rows])
        found = LinearRows(
            np.array([[c] for c, _, _ in rows]),
            np.zeros((len(rows), 2)),
            limits,
            limits,
            np.array([strict for _, _, strict in rows]),
        )
        prop = Property((Case(Box.uniform(-1, 1, 2), found),), 2, 1, "lines")
        answer = verify(network, prop, VerifySettings(method, max_seconds=0.5))
        check(network, prop, answer)
        return answer.status

    assert answered((1.0, -3.0, False)) == "violated"
    assert answered((1.0, -3.1, False)) == "holds"
    assert answered((1.0, 0.0, False), (-1.0, -0.1, False)) == "holds"
    # y < 0.3 <= y: nothing does, but bounds that touch cannot tell.
    assert answered((1.0, 0.3, True), (-1.0, -0.3, False)) != "violated"


def test_a_limit_ends_with_unknown() -> None:
    rng = np.random.default_rng(5)
    network = random_network(rng, 12, (60, 60), 2)
    rows = LinearRows.closed(np.array([[1.0, 0.0]]), np.array([-5.0]), np.zeros((1, 12)))
    prop = Property((Case(Box.uniform(-1, 1, 12), rows),), 12, 2, "a limit")
    answer = verify(network, prop, VerifySettings(max_seconds=0.05))
    assert (answer.status, answer.reason, answer.cases_open) == ("unknown", "max-seconds", 1)
    assert answer.seconds < 5


def test_seeds_repeat_an_answer() -> None:
    rng = np.random.default_rng(1)
    network = random_network(rng, 3, (8, 8), 2)
    prop = random_property(rng, network)
    one, two = (verify(network, prop, VerifySettings(seed=4)) for _ in range(2))
    assert one.status == two.status
    if one.counterexample is not None and two.counterexample is not None:
        assert np.array_equal(one.counterexample.x, two.counterexample.x)


def test_bad_settings_and_properties_are_refused() -> None:
    with pytest.raises(InputError, match="method 'magic'"):
        VerifySettings("magic")
    with pytest.raises(InputError, match="above 0"):
        VerifySettings(max_seconds=float("nan"))
    network = hat()
    other = mlp(([[1.0, 1.0]], [0.0]), ([[1.0]], [0.0]))
    with pytest.raises(DomainError, match="1 inputs and 1 outputs"):
        verify(other, asks(network, 1.0))


# model, property, expected: some seconds in all
PUBLIC = [
    ("acasxu/ACASXU_run2a_1_2_batch_2000.onnx", "acasxu/vnnlib/prop_2.vnnlib", "violated"),
    ("acasxu/ACASXU_run2a_1_3_batch_2000.onnx", "acasxu/vnnlib/prop_1.vnnlib", "holds"),
    ("acasxu/ACASXU_run2a_1_9_batch_2000.onnx", "acasxu/vnnlib/prop_7.vnnlib", "violated"),
    ("reach/vdp.onnx", "reach/vnnlib/vdp_8.vnnlib", "violated"),
    ("reach/gcas.onnx", "reach/vnnlib/gcas_3.vnnlib", "holds"),
    ("rl/dubinsrejoin.onnx", "rl/vnnlib/dubinsrejoin_case_unsafe_84.vnnlib", "violated"),
    ("nn4sys/lindex.onnx", "nn4sys/vnnlib/lindex_200.vnnlib", "holds"),
    ("vnncomp_test/test_small.onnx", "vnncomp_test/vnnlib/test_small.vnnlib", "holds"),
]


@pytest.mark.parametrize(("model", "file", "expected"), PUBLIC, ids=lambda value: Path(value).stem)
def test_published_answers(model: str, file: str, expected: str, shared_models: Path) -> None:
    imported = load_model(shared_models / "small" / model)
    network = imported.network
    prop = read_vnnlib_property(shared_models / "small" / file, network.n_inputs, network.n_outputs)
    answer = verify(network, prop, VerifySettings(max_seconds=60))
    assert answer.status == expected
    found = answer.counterexample
    if found is not None:
        assert prop.cases[found.case].box.contains(found.x[None])[0]
        assert found.single
        theirs = imported.run(found.x[None])
        assert np.all(prop.cases[found.case].rows.excess(found.x[None], theirs) <= 1e-6)
