from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.bounding.relaxation import unit_lines
from cpwl_milp.core.affine import Affine
from cpwl_milp.core.network import Layer

ENDS = st.builds(lambda m, e: float(np.ldexp(m, e)), st.floats(-1, 1), st.integers(-40, 40))
SLOPES = st.one_of(st.sampled_from([0.0, 1.0, -1.0, 0.01, 1.5, 4.0]), st.floats(-3, 3))


@settings(max_examples=400, deadline=None)
@given(SLOPES, ENDS, ENDS)
def test_lines_hold_exactly(slope: float, a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    layer = Layer(Affine.identity(1), np.array([slope]))
    lines = unit_lines(layer, np.array([low]), np.array([high]))
    below = (Fraction(float(lines.lower_slope[0])), Fraction(float(lines.lower_offset[0])))
    above = (Fraction(float(lines.upper_slope[0])), Fraction(float(lines.upper_offset[0])))
    # Lines around a two-piece function hold on an interval iff they hold at its ends and kink.
    for z in [low, high] + [0.0] * (low <= 0 <= high):
        exact = Fraction(z)
        value = exact if z > 0 else Fraction(slope) * exact
        assert below[0] * exact + below[1] <= value
        assert value <= above[0] * exact + above[1]


@settings(max_examples=200, deadline=None)
@given(SLOPES, st.floats(-9, -0.01), st.floats(0.01, 9))
def test_chord_and_support_are_tight(slope: float, low: float, high: float) -> None:
    layer = Layer(Affine.identity(1), np.array([slope]))
    lines = unit_lines(layer, np.array([low]), np.array([high]))
    chord = [lines.upper_slope, lines.upper_offset]
    support = [lines.lower_slope, lines.lower_offset]
    if slope > 1:
        chord, support = support, chord
    assert abs(chord[0][0] * low + chord[1][0] - slope * low) < 1e-13
    assert abs(chord[0][0] * high + chord[1][0] - high) < 1e-13
    assert support[1][0] == 0
    assert support[0][0] in (slope, 1.0)
    assert lines.kinked[0] == (slope != 1)
