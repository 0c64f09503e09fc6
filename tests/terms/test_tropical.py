"""The tropical form: signs, values, convexity, and the classifier that is extracted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.network import Network
from cpwl_milp.onnx_io import load_model
from cpwl_milp.terms.checks import ROUNDING, TropicalChecks
from cpwl_milp.terms.convex import with_convex_units
from cpwl_milp.terms.extracted import TermSet, extract, extract_growing
from cpwl_milp.terms.extraction_report import ExtractionReport, report_extraction
from cpwl_milp.terms.gathered import gathered
from cpwl_milp.terms.linear import linear_terms
from cpwl_milp.terms.tropical import Tropical
from tests.models.manifest import MODELS
from tests.networks import mlp
from tests.terms.networks import mixed_network
from tests.terms.test_linear import PUBLIC, SHIPPED

DIGITS = MODELS / "digits"


@given(st.integers(0, 10**6), st.booleans(), st.integers(0, 4))
@settings(max_examples=40, deadline=None)
def test_convex_units_compute_the_same(seed: int, sparse: bool, depth: int) -> None:
    rng = np.random.default_rng(seed)
    network = mixed_network(rng, 4, rng.integers(1, 9, depth).tolist(), 3, sparse=sparse)
    convex = with_convex_units(network)
    x = rng.normal(size=(20, 4))
    np.testing.assert_allclose(convex(x), network(x), rtol=1e-9, atol=1e-9)
    for layer in convex.layers:
        assert layer.slope.min() >= 0
        assert layer.slope.max() <= 1


@given(st.integers(0, 10**6), st.booleans(), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_f_is_the_difference_of_two_maxima_of_all_terms(
    seed: int, sparse: bool, depth: int
) -> None:
    rng = np.random.default_rng(seed)
    network = mixed_network(rng, 3, rng.integers(1, 8, depth).tolist(), 3, sparse=sparse)
    x = 3 * rng.normal(size=(40, 3))
    terms = Tropical.of(network).terms(linear_terms(network, x), x)
    above, below = terms.positive_at(x), terms.negative_at(x)
    size = np.abs(above).max() + 1.0
    np.testing.assert_allclose(above - below[:, None], network(x), atol=1e-12 * size)
    assert terms.positive.min(initial=0.0) >= 0
    assert terms.negative.min(initial=0.0) >= 0
    assert terms.least.min() > -ROUNDING
    # The own term is the largest of all: what makes F and G maxima, and so convex.
    for k in range(3):
        others = x @ terms.positive[:, k].T + terms.positive_bias[:, k]
        assert np.all(others <= above[:, [k]] + 1e-11 * size)
    others = x @ terms.negative.T + terms.negative_bias
    assert np.all(others <= below[:, None] + 1e-11 * size)


def test_a_form_worked_out_by_hand() -> None:
    # x = relu(x) - relu(-x): A- = (0, 1), Bmax = (1, 1), K = 1; F = max(2x, x), G = max(x, 0).
    network = mlp(([[1.0], [-1.0]], [0.0, 0.0]), ([[1.0, -1.0]], [0.0]))
    x = np.array([[3.0], [-3.0]])
    tropical = Tropical.of(network)
    np.testing.assert_array_equal(tropical.first, [0.0, 1.0])
    np.testing.assert_array_equal(tropical.offsets[0], [1.0])
    terms = tropical.terms(linear_terms(network, x), x)
    np.testing.assert_array_equal(terms.positive.ravel(), [2.0, 1.0])
    np.testing.assert_array_equal(terms.negative.ravel(), [1.0, 0.0])


def _report(
    network: Network, x: Dense, checks: TropicalChecks, test: Dense | None = None
) -> ExtractionReport:
    training = gathered(network, x, None, checks)
    name, known, points = "training", training, x
    if test is not None:
        name, known, points = "test", gathered(network, test, None, checks), test
    return report_extraction(
        name, training, known, points, None, checks, n_shares=4, n_repeats=2, seed=0
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_checks_hold_on_shipped_networks(name: str) -> None:
    _checks_hold(MODELS / name)


@pytest.mark.parametrize("name", PUBLIC)
def test_checks_hold_on_public_networks(name: str, shared_models: Path) -> None:
    _checks_hold(shared_models / name)


def _checks_hold(path: Path) -> None:
    network = load_model(path).network
    rng = np.random.default_rng(1)
    # Inputs of both signs cancel in F, which leaves more of its rounding.
    for x in (rng.random((12, network.n_inputs)), 3 * rng.normal(size=(12, network.n_inputs))):
        checks = TropicalChecks()
        assert _report(network, x, checks).agreement == 1
        assert _report(network, x, checks, 1 - x).found.values.shape == (12, network.n_outputs)
        assert [check.n for check in checks.passed] == [36, 36, 24, 12]
        assert checks.difference.largest < 0.2 * checks.difference.tolerance


@pytest.mark.parametrize("name", ["digits_dense", "digits_conv"])
def test_extraction_on_digits(name: str) -> None:
    network = load_model(DIGITS / f"{name}_epoch_0100.onnx").network
    x = np.load(DIGITS / "digits_train_x.npy").astype(np.float64)
    test = np.load(DIGITS / "digits_test_x.npy").astype(np.float64)
    checks = TropicalChecks()
    report = _report(network, x, checks, test)
    assert 0.95 < report.agreement < 1
    shares = [row.agreement for row in report.growth]
    assert shares[-1] == report.agreement
    assert report.growth[-1].least_agreement == report.growth[-1].most_agreement
    assert shares[0] < shares[-1]
    assert [row.terms for row in report.growth] == [75, 150, 225, 300]


def test_winners_are_where_the_largest_terms_come_from() -> None:
    rng = np.random.default_rng(0)
    network = mixed_network(rng, 3, [8, 8], 3, sparse=False)
    x, test = rng.normal(size=(60, 3)), rng.normal(size=(25, 3))
    training = gathered(network, x)
    found = extract(training, test, 3)
    values = test @ training.positive[:, 1:].T + training.positive[:, 0]
    for k in range(3):
        here = training.labels == k
        if not here.any():
            assert np.all(found.values[:, k] == -np.inf)
            assert np.all(found.winners[:, k] == -1)
            continue
        np.testing.assert_allclose(found.values[:, k], values[:, here].max(axis=1), rtol=1e-12)
        assert np.all(training.labels[found.winners[:, k]] == k)
    below = test @ training.negative[:, 1:].T + training.negative[:, 0]
    np.testing.assert_array_equal(found.negative_winners, below.argmax(axis=1))
    np.testing.assert_array_equal(found.straight, found.winner == below.argmax(axis=1))
    # More points only ever raise it.
    fewer = extract(gathered(network, x[:30]), test, 3)
    assert np.all(fewer.values <= found.values + 1e-9)
    growth = extract_growing(training, test, 3, n_shares=5, n_repeats=3, seed=1)
    np.testing.assert_array_equal(growth.labels[:, -1], [found.labels] * 3)


def test_constant_outputs_tie_and_still_agree() -> None:
    network = mlp(([[0.0, 0.0]], [1.0]), ([[1.0], [1.0]], [0.5, 0.5]))
    checks = TropicalChecks()
    report = _report(network, np.random.default_rng(0).normal(size=(9, 2)), checks)
    assert report.agreement == 1
    np.testing.assert_array_equal(report.found.labels, 0)


def test_a_wrong_offset_is_found() -> None:
    rng = np.random.default_rng(0)
    network = mixed_network(rng, 3, [8, 8], 3, sparse=False)
    right = Tropical.of(network)
    none = tuple(0 * offset for offset in right.offsets)
    wrong = Tropical(right.network, right.first, right.first_bias, none, right.largest)
    with pytest.raises(CheckFailedError, match="coefficients of F and G >= 0"):
        gathered(network, rng.normal(size=(30, 3)), wrong)


def test_a_classifier_that_is_too_large_or_disagrees_is_found() -> None:
    rng = np.random.default_rng(0)
    network = mixed_network(rng, 3, [8, 8], 3, sparse=False)
    x = rng.normal(size=(30, 3))
    known = gathered(network, x)
    found = extract(known, x, 3)
    found.values[4, 1] += np.abs(found.values).max()
    with pytest.raises(CheckFailedError, match="Fhat <= F`, point 4"):
        TropicalChecks().take_extraction(found, known, training=True)
    moved = TermSet(
        known.linear,
        known.negative,
        known.outputs,
        known.upper + 100,
        known.size,
        (known.labels + 1) % 3,
        known.patterns,
    )
    with pytest.raises(CheckFailedError, match="Fhat agrees"):
        TropicalChecks().take_extraction(extract(known, x, 3), moved, training=True)
