from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.bounding.rounding import above, below, gamma, is_power_of_two

WIDE = st.builds(lambda m, e: float(np.ldexp(m, e)), st.floats(-1, 1), st.integers(-40, 40))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(WIDE, WIDE), min_size=1, max_size=40))
def test_gamma_covers_the_error_of_a_dot_product(pairs: list[tuple[float, float]]) -> None:
    w, a = np.array(pairs).T
    exact = sum((Fraction(float(x)) * Fraction(float(y)) for x, y in pairs), Fraction(0))
    size = float(np.abs(w) @ np.abs(a))
    margin = np.array([gamma(2.0 * len(pairs)) * size + 1e-300])
    value = np.array([float(w @ a)])
    assert float(below(value, margin)[0]) <= exact <= float(above(value, margin)[0])


def test_no_margin_changes_nothing() -> None:
    value = np.array([0.0, 1.0, -np.inf])
    assert np.array_equal(below(value, np.zeros(3)), value)
    assert np.array_equal(above(value, np.zeros(3)), value)
    assert gamma(0.0) == 0


def test_nothing_is_known_beyond_overflow() -> None:
    assert below(np.array([np.inf]), np.array([np.inf]))[0] == -np.inf
    assert above(np.array([-np.inf]), np.array([np.inf]))[0] == np.inf


def test_powers_of_two() -> None:
    values = np.array([0.0, 1.0, -2.0, 0.5, 3.0, 0.1, 5e-324, 2.0**1000])
    expected = [True, True, True, True, False, False, True, True]
    assert is_power_of_two(values).tolist() == expected
