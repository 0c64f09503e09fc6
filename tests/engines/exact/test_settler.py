"""Single decisions: by a basis, by pivots, or not at all."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.ambiguity import Basis, Doubt, Question, Sign, UnfinishedError
from cpwl_milp.engines.exact import Settler
from cpwl_milp.engines.exact.dictionary import Effort, EffortExceededError
from tests.networks import degenerate_network, one_layer, random_network
from tests.oracles_exact import exact_patterns


def _settler(weight: list[list[float]], bias: list[float], half: float = 1.0) -> Settler:
    network = one_layer(weight, bias)
    return Settler(Problem.of(network, Box.uniform(-half, half, network.n_inputs)))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_signs_are_those_of_the_regions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 4))
    network = degenerate_network(rng, d, [int(k) for k in rng.integers(1, 4, 2)])
    box = Box.uniform(-1, 1, d)
    patterns = exact_patterns(network, box)
    settler = Settler(Problem.of(network, box))
    unit = int(rng.integers(network.n_units))
    for head, group in itertools.groupby(patterns, key=lambda pattern: pattern[:unit]):
        seen = {pattern[unit] for pattern in group}
        bits = np.zeros(network.n_units, dtype=np.uint8)
        bits[:unit] = head
        literals = [u + 1 if bit else -(u + 1) for u, bit in enumerate(head)]
        verdict = settler.settle(literals, bits, Question(unit, Doubt.BOTH))
        assert verdict.sign == (Sign.CUTS if len(seen) == 2 else seen.pop())
        assert (verdict.depth > 0) == (verdict.sign is Sign.CUTS)


def test_a_basis_settles_without_pivots() -> None:
    # z3 = z1 + z2 is at least 0 where they are, and 0 where they meet.
    settler = _settler([[1.0, 0.1], [0.1, 1.0], [1.1, 1.1]], [0.0, 0.0, 0.0])
    bits = np.array([1, 1, 0], dtype=np.uint8)
    good = Question(2, Doubt.BELOW, Basis((0, 1), (), ()))
    # Without the cell's literals only the basis can tell.
    assert settler.settle([], bits, good).sign is Sign.POSITIVE
    wrong = Question(2, Doubt.BELOW, Basis((0,), (0,), ()))
    assert settler.settle([], bits, wrong).sign is Sign.CUTS
    assert settler.settle([1, 2], bits, wrong).sign is Sign.POSITIVE


@pytest.mark.parametrize("upper", [False, True])
def test_a_basis_of_faces_of_the_box(upper: bool) -> None:
    # 1.1 x + y + 2.1 is 0 at the lower corner.
    sign = -1.0 if upper else 1.0
    settler = _settler([[sign * 1.25, sign * 1.0]], [2.25])
    corner = Basis((), () if upper else (0, 1), (0, 1) if upper else ())
    bits = np.zeros(1, dtype=np.uint8)
    assert settler.settle([], bits, Question(0, Doubt.BELOW, corner)).sign is Sign.POSITIVE
    # One ulp below.
    settler = _settler([[sign * 1.25, sign * 1.0]], [np.nextafter(2.25, 0)])
    verdict = settler.settle([], bits, Question(0, Doubt.BELOW, corner))
    assert verdict.sign is Sign.CUTS
    assert verdict.depth == pytest.approx(2.0**-51 / np.hypot(1.25, 1.0))


def test_a_cell_that_does_not_exist_is_refused() -> None:
    settler = _settler([[1.0], [1.0], [2.0]], [0.0, -0.5, 0.1])
    bits = np.array([0, 1, 0], dtype=np.uint8)
    with pytest.raises(CheckFailedError, match="unit 2 has bit 1"):
        settler.settle([-1, 2], bits, Question(2, Doubt.BOTH))


def test_too_much_work() -> None:
    network = one_layer([[1.0, 0.3], [0.7, 1.0]], [0.0, 0.1])
    settler = Settler(Problem.of(network, Box.uniform(-1, 1, 2)), most_effort=3)
    bits = np.array([1, 0], dtype=np.uint8)
    assert settler.settle([1], bits, Question(1, Doubt.BOTH)).sign is None


def test_composing_rows_is_work_and_goes_on_where_it_was_left() -> None:
    """A question about the last unit of a wide network: given up often, answered at last."""
    network = random_network(np.random.default_rng(2), 6, (12, 12, 1))
    problem = Problem.of(network, Box.uniform(-1, 1, 6))
    x = np.full((1, 6), 0.1)
    z = network.pre_activations(x)
    bits = np.concatenate([row[0] > 0 for row in z]).astype(np.uint8)
    question = Question(24, Doubt.BOTH, None)
    enough = Settler(problem).settle([], bits, question)
    assert enough.settled
    frugal = Settler(problem, most_composing=50)
    tries = 0
    while True:
        tries += 1
        try:
            answer = frugal.settle([], bits, question)
        except UnfinishedError:
            continue
        break
    assert tries > 5
    assert answer.sign is enough.sign


def test_no_work_is_begun_after_the_deadline() -> None:
    with pytest.raises(EffortExceededError):
        Effort(10**9, time.monotonic() - 1).spend(1, 1)
