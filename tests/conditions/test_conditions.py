"""Regions that meet a condition: by every engine, and by one linear program a region."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.census import CountSettings
from cpwl_milp.conditions import Condition, ConditionedEngine, ConditionedProblem, Inequality
from cpwl_milp.conditions.condition import Literal
from cpwl_milp.conditions.implied import sharpened
from cpwl_milp.conditions.parsing import parsed_inequality, parsed_pattern
from cpwl_milp.core.cube import ROOT, Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Ball, WholeSpace
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import unpack
from cpwl_milp.domains import polytope
from cpwl_milp.engines.choice import EngineSettings
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.questions import count_regions_where, list_regions_where
from tests.conditions.oracle import DoubtError, meeting
from tests.engines.listing import listed
from tests.networks import degenerate_network, mlp, random_network

NUMBERS = st.floats(-100, 100, allow_nan=False).map(lambda v: v + 0.0)
TERMS = st.dictionaries(
    st.integers(0, 30), NUMBERS.filter(lambda v: v != 0), min_size=1, max_size=4
).map(lambda terms: tuple(sorted(terms.items())))


@settings(deadline=None)
@given(inputs=TERMS, outputs=TERMS, threshold=NUMBERS, above=st.booleans())
def test_an_inequality_is_read_as_it_is_written(
    inputs: tuple[tuple[int, float], ...],
    outputs: tuple[tuple[int, float], ...],
    threshold: float,
    above: bool,
) -> None:
    written = Inequality(inputs, outputs, threshold, above)
    assert parsed_inequality(str(written)) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("y0 - y1 > 0.5", "y0 - y1 > 0.5"),
        ("0.5 < y0 - y1", "y0 - y1 > 0.5"),
        ("2*x0+3 y1<=4-x0", "3.0*x0 + 3.0*y1 <= 4.0"),
        ("y0 >= y1", "- y0 + y1 <= 0.0"),
        (" -x1 + 1e-3 < .5 ", "x1 > -0.499"),
    ],
)
def test_inequalities(text: str, written: str) -> None:
    assert str(parsed_inequality(text)) == written


@pytest.mark.parametrize(
    "text",
    ["", "y0", "y0 = 1", "0 > y0 > 1", "y0 y1 > 0", "*y0 > 1", "y0 * 2 > 1", "1 > 2", "y0 > ",
     "y0 - y0 > 1", "y0 > 1e999", "y0 > nan", "z0 > 1", "y > 0", "y-1 > 0", "y0 > 1; y1 > 2"],
)  # fmt: skip
def test_what_is_no_inequality_is_refused_in_a_line(text: str) -> None:
    with pytest.raises(InputError) as error:
        parsed_inequality(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "1.3", "1.3=2", "1=1", "1.3=1,", "-1.3=1", "1.3=1 2.0=0"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parsed_pattern(text)


def test_what_the_network_has_not_is_refused() -> None:
    network = random_network(np.random.default_rng(0), 2, (3, 2), 2)
    for condition in (
        Condition((parsed_inequality("x2 > 0"),)),
        Condition((parsed_inequality("y2 > 0"),)),
        Condition((), parsed_pattern("3.0=1")),
        Condition((), parsed_pattern("0.0=1")),
        Condition((), parsed_pattern("2.2=1")),
    ):
        with pytest.raises(InputError):
            ConditionedProblem.of(network, Box.uniform(-1, 1, 2), condition)
    with pytest.raises(InputError):
        Condition.of_class(2, 2)
    with pytest.raises(InputError):
        Condition.of_class(0, 1)


def _question(seed: int) -> tuple[Network, Box, Condition]:
    """A small network, degenerate in many ways, with a condition of any kind."""
    rng = np.random.default_rng(seed)
    d, n_outputs = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    widths = [int(k) for k in rng.integers(1, 5, int(rng.integers(0, 3)))]
    network = degenerate_network(rng, d, widths, n_outputs)
    condition = Condition()
    if n_outputs > 1 and rng.random() < 0.4:
        condition = Condition.of_class(int(rng.integers(n_outputs)), n_outputs)
    for _ in range(int(rng.integers(0, 3))):
        kind = int(rng.integers(3))
        inputs = [(k, float(rng.integers(-2, 3))) for k in range(d)] if kind != 1 else []
        outputs = [(k, float(rng.integers(-2, 3))) for k in range(n_outputs)] if kind else []
        terms = [tuple((k, c) for k, c in group if c) for group in (inputs, outputs)]
        if any(terms):
            threshold = float(rng.integers(-2, 3)) / 4
            above = bool(rng.random() < 0.5)
            condition = condition & Condition((Inequality(*terms, threshold, above),))
    for layer, width in enumerate(network.widths, start=1):
        if width and rng.random() < 0.3:
            literal = Literal(layer, int(rng.integers(width)), bool(rng.random() < 0.5))
            condition = condition & Condition((), (literal,))
    return network, Box(-np.ones(d), np.ones(d) * rng.integers(1, 3)), condition


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
@example(seed=0)
def test_engines_list_what_linear_programs_say(seed: int) -> None:
    network, box, condition = _question(seed)
    try:
        expected = meeting(network, box, condition)
    except DoubtError:
        assume(False)
    for engine in ("cells", "tree", "milp"):
        regions, outcome = list_regions_where(
            network, box, condition, EngineSettings(engine, with_points=engine != "milp")
        )
        assert outcome.complete
        assert {bytes(row) for row in regions.patterns} == expected
        assert len(regions) == len(expected)
        if len(regions.points):
            _require_points_meet(network, condition, regions.points)
    assert Condition.from_json(condition.to_json()) == condition


def _require_points_meet(network: Network, condition: Condition, x: np.ndarray) -> None:
    """Each point of a region lies in its part that meets the condition, up to rounding."""
    y = network(x)
    for inequality in condition.inequalities:
        total = np.full(len(x), -inequality.threshold)
        for k, coefficient in inequality.inputs:
            total += coefficient * x[:, k]
        for k, coefficient in inequality.outputs:
            total += coefficient * y[:, k]
        assert np.all(total > -1e-9 if inequality.above else total < 1e-9)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9), step=st.integers(1, 7))
def test_cubes_are_worked_on_in_steps_of_any_size(seed: int, step: int) -> None:
    network, box, condition = _question(seed)
    posed = ConditionedProblem.of(network, box, condition)
    bounds = pre_activation_bounds(posed.extended.network, posed.extended.domain)
    engine = ConditionedEngine(posed, bounds, EngineSettings("tree"))
    whole = listed(engine)
    if not len(whole.regions):
        return
    found, todo = [], [ROOT]
    while todo:
        advance = engine.advance(todo.pop(), Budget(step, time.monotonic() + 600))
        found += [bytes(row) for row in advance.regions.patterns]
        todo.extend(reversed(advance.open))
        assert all(abs(k) <= network.n_units for cube in advance.open for k in cube.literals)
    assert sorted(found) == sorted(whole.patterns)


def test_cubes_that_repeat_or_contradict_the_condition() -> None:
    network, box = random_network(np.random.default_rng(3), 2, (4, 3)), Box.uniform(-1, 1, 2)
    condition = Condition((parsed_inequality("x0 > 0.1"),), parsed_pattern("1.2=1"))
    posed = ConditionedProblem.of(network, box, condition)
    bounds = pre_activation_bounds(posed.extended.network, box)
    engine = ConditionedEngine(posed, bounds, EngineSettings("tree"))
    whole = listed(engine).patterns
    assert whole
    assert listed(engine, (Cube((3,)),)).patterns == whole
    assert not listed(engine, (Cube((-3,)),)).patterns


@pytest.mark.parametrize(
    "domain",
    [
        Ball(np.zeros(2), 0.9, "2", "test"),
        Ball(np.zeros(2), 0.9, "1", "test"),
        polytope(
            np.array([[1.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]),
            np.array([1.0, 0.8, 0.8]),
            origin="test",
        ),
        WholeSpace(2, "test"),
    ],
)
def test_other_domains(domain: object) -> None:
    """What samples of the domain show is listed; what is listed meets the condition."""
    network = random_network(np.random.default_rng(5), 2, (5, 4), 2)
    condition = Condition((parsed_inequality("x0 > -0.2"), parsed_inequality("y0 > y1")))
    engine = EngineSettings(with_points=True)
    regions, outcome = list_regions_where(network, domain, condition, engine)  # type: ignore[arg-type]
    assert outcome.complete
    x = np.random.default_rng(0).uniform(-0.9, 0.9, (20000, 2))
    inside = domain.contains(x)  # type: ignore[attr-defined]
    y = network(x)
    x = x[inside & (x[:, 0] > -0.2) & (y[:, 0] > y[:, 1])]
    seen = {tuple(row) for row in network.bits(x).tolist()}
    found = {tuple(row) for row in unpack(regions.patterns, network.n_units).tolist()}
    assert seen
    assert seen <= found


def test_layers_count_what_is_listed() -> None:
    network, box = random_network(np.random.default_rng(7), 2, (6, 5), 3), Box.uniform(-1, 1, 2)
    condition = Condition.of_class(2, 3)
    expected = unpack(list_regions_where(network, box, condition)[0].patterns, network.n_units)
    for name in ("cells", "tree", "milp"):
        posed = ConditionedProblem.of(network, box, condition)
        count = count_regions_where(posed, CountSettings(EngineSettings(name)))
        assert count.complete
        assert count.regions.lower == len(expected)
        for layer, (begin, end) in zip(count.layers, ((0, 6), (6, 11)), strict=True):
            assert (
                layer.own.lower == layer.own.upper == len(np.unique(expected[:, begin:end], axis=0))
            )
            assert (
                layer.prefix.lower
                == layer.prefix.upper
                == len(np.unique(expected[:, :end], axis=0))
            )


def test_limits_leave_a_bracket() -> None:
    network, box = random_network(np.random.default_rng(7), 2, (6, 5), 3), Box.uniform(-1, 1, 2)
    condition = Condition.of_class(2, 3)
    whole = len(list_regions_where(network, box, condition)[0])
    count = count_regions_where(
        ConditionedProblem.of(network, box, condition),
        CountSettings(limits=Limits(max_regions=whole // 2)),
    )
    assert count.reason == "max-regions"
    assert count.regions.lower == whole // 2
    assert count.regions.upper >= whole
    seen = count_regions_where(
        ConditionedProblem.of(network, box, condition),
        CountSettings(EngineSettings("sampling"), Limits(max_seconds=0.2)),
    )
    assert not seen.complete
    assert 0 < seen.regions.lower <= whole


def test_outputs_that_tie_on_a_whole_region() -> None:
    """``>`` does not hold where both sides are equal, ``>=`` does."""
    # Both outputs are 0 left of 0; right of it the first is larger.
    network = mlp(([[1.0], [-1.0]], [0.0, 0.0]), ([[1.0, 0.0], [0.0, 0.0]], [0.0, 0.0]))
    box = Box.uniform(-1, 1, 1)
    counts = {
        text: len(list_regions_where(network, box, Condition((parsed_inequality(text),)))[0])
        for text in ("y0 > y1", "y0 >= y1", "y0 < y1", "y0 <= y1")
    }
    assert counts == {"y0 > y1": 1, "y0 >= y1": 2, "y0 < y1": 0, "y0 <= y1": 1}
    assert len(list_regions_where(network, box, Condition.of_class(0, 2))[0]) == 1


def test_half_spaces_hold_wherever_the_condition_does() -> None:
    added = ruled_out = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        network, box = random_network(rng, 4, (6, 5), 3), Box.uniform(-0.5, 0.5, 4)
        level = float(np.quantile(network(box.sample(500, rng))[:, 0], 0.9))
        condition = Condition.of(f"y0 > {level!r}", f"2*x0 + y1 <= {level!r}")
        posed = ConditionedProblem.of(network, box, condition)
        bounds = pre_activation_bounds(posed.extended.network, box)
        sharper, wider = sharpened(posed, bounds)
        x = box.sample(4000, rng)
        z = sharper.extended.network.pre_activations(x)
        for low, values, high in zip(wider.lower, z, wider.upper, strict=True):
            assert np.all((values >= low - 1e-9) & (values <= high + 1e-9))
        y = network(x)
        meets = (y[:, 0] > level) & (2 * x[:, 0] + y[:, 1] <= level)
        half_spaces = z[0][:, posed.n_first : sharper.n_first]
        added += half_spaces.shape[1]
        assert np.all(half_spaces[meets] <= 1e-12)
        ruled_out += int((half_spaces > 0).any(axis=1).sum())
    assert added > 20
    assert ruled_out > 4000


def test_what_bounds_rule_out_is_not_searched() -> None:
    network, box = random_network(np.random.default_rng(0), 3, (6, 5), 2), Box.uniform(-1, 1, 3)
    outcome = list_regions_where(network, box, Condition.of("y0 > 1e6"))[1]
    assert outcome.complete
    assert not outcome.tally.decisions
