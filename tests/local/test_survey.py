"""Balls around points: what is found from below never exceeds what bounds it from above."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domains import Ball
from cpwl_milp.core.errors import CheckFailedError, InputError
from cpwl_milp.core.exploration import Engine
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.choice import EngineSettings, make_engine
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.listing import list_regions
from cpwl_milp.local import exact
from cpwl_milp.local.ball_bound import BallBounder, global_bound
from cpwl_milp.local.measures import MEASURES, Tables
from cpwl_milp.local.point_sets import PointSet, chosen, drawn
from cpwl_milp.local.statistics import Paired
from cpwl_milp.local.survey import LocalSettings, Survey, survey
from cpwl_milp.onnx_io import load_model
from tests.known_answers import KNOWN_ANSWERS, UNIT
from tests.local.balls import NORMS, random_question
from tests.models.manifest import MODELS
from tests.networks import one_layer, random_network


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seeds", [range(k, k + 25) for k in range(0, 100, 25)], ids=str)
def test_lower_exact_ball_bound_product(seeds: range, norm: str) -> None:
    for seed in seeds:
        network, ball = random_question(seed, norm)
        points = PointSet("data", ball.centre[None], np.zeros(1, dtype=np.int64))
        settings = LocalSettings((ball.radius,), norm, n_samples=100)
        (one,) = survey([network], [points], settings).found
        below = survey([network], [points], replace(settings, limits=None)).found[0]
        everywhere = global_bound(network)
        assert one.count.complete, one.count.reason
        assert one.product is not None
        assert everywhere is not None
        assert below.count.lower <= one.count.lower <= one.upper <= one.product
        assert one.upper <= everywhere
        assert one.count.crossing is not None
        if norm != "1":
            # The directions have Euclidean length r: their ends lie in these two balls only.
            assert one.sign_changes <= sum(one.count.crossing)
        assert (one.count.lower == 1) == (one.distance >= ball.radius)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", range(12))
def test_bounds_hold_at_points_of_the_ball(seed: int, norm: str) -> None:
    network, ball = random_question(seed, norm)
    random = np.random.default_rng(seed)
    inside = np.concatenate([ball.sample(300, random), ball.centre[None]])
    for method in ("interval", "crown", "lp"):
        bounds = BallBounder(network, norm, method=method).at(ball).bounds
        for z, low, high in zip(
            network.pre_activations(inside), bounds.lower, bounds.upper, strict=True
        ):
            assert (z >= low - 1e-12 * (1 + abs(z))).all()
            assert (z <= high + 1e-12 * (1 + abs(z))).all()


@pytest.mark.parametrize("seed", range(6))
def test_methods_only_tighten(seed: int) -> None:
    network, ball = random_question(seed, "2")
    uppers = [
        BallBounder(network, "2", method=method).at(ball).upper
        for method in ("interval", "crown", "lp")
    ]
    assert uppers == sorted(uppers, reverse=True)


@pytest.mark.parametrize("seed", range(10))
def test_balls_between_boxes(seed: int) -> None:
    # box r / sqrt(n) <= ball r <= box r.
    network, ball = random_question(seed, "2")
    inner = Ball(ball.centre, ball.radius / math.sqrt(ball.dim), "inf")
    outer = Ball(ball.centre, ball.radius, "inf")
    small, middle, large = (
        len(list_regions(Problem.of(network, b), EngineSettings())[0]) for b in (inner, ball, outer)
    )
    assert small <= middle <= large


def test_the_known_maximum_in_a_ball() -> None:
    # A ball that holds the whole interval of a network whose count there is known.
    answers = [answer for answer in KNOWN_ANSWERS if answer.box is UNIT]
    assert len(answers) > 3
    for answer in answers:
        points = PointSet("data", np.array([[0.5]]), np.zeros(1, dtype=np.int64))
        (one,) = survey([answer.network], [points], LocalSettings((0.5,), "2")).found
        assert one.regions == answer.regions


def test_ball_bound_of_a_wide_network_takes_well_under_a_second_a_point() -> None:
    import time

    network = random_network(np.random.default_rng(0), 784, [256] * 4, 10)
    bounder = BallBounder(network, "2")
    begin = time.process_time()
    bounds = [
        bounder.at(Ball(np.random.default_rng(k).uniform(size=784), 0.05, "2")) for k in range(3)
    ]
    assert time.process_time() - begin < 10
    everywhere = global_bound(network)
    assert everywhere is not None
    for bound in bounds:
        assert bound.product is not None
        assert bound.upper <= bound.product < everywhere


def test_contradictions_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    network, ball = random_question(4, "inf")
    bound = BallBounder(network, "inf").at(ball)
    arguments = {"limits": Limits(), "n_samples": 200, "seed": 0}
    count = exact.count_in_ball(network, ball, bound, **arguments)
    assert count.lower > 3
    with pytest.raises(CheckFailedError, match="at most 3"):
        exact.count_in_ball(network, ball, replace(bound, upper=3), **arguments)
    # A list that lacks regions which samples show.
    part = Problem.of(network, Ball(ball.centre, ball.radius / 100, "inf"))

    def of_a_part(problem: Problem, bounds: Bounds, settings: EngineSettings) -> Engine:
        return make_engine(part, bounds, settings)

    monkeypatch.setattr(exact, "make_engine", of_a_part)
    with pytest.raises(CheckFailedError, match="not listed"):
        exact.count_in_ball(network, ball, bound, **arguments)


def test_limits_leave_a_bracket() -> None:
    network, ball = random_question(4, "inf")
    points = PointSet("data", ball.centre[None], np.zeros(1, dtype=np.int64))
    settings = LocalSettings((ball.radius,), "inf", limits=Limits(max_regions=2), n_samples=0)
    (one,) = survey([network], [points], settings).found
    assert one.regions is None
    assert one.count.reason == "max-regions"
    assert one.count.crossing is None
    assert 2 <= one.count.lower < one.upper


def test_brackets_that_overlap_are_ties() -> None:
    network = random_network(np.random.default_rng(0), 3, [8, 8])
    rows = np.random.default_rng(1).normal(size=(12, 3))
    sets = [PointSet(name, x, np.arange(12)) for name, x in (("data", rows), ("far", rows + 2))]

    def row(limit: int) -> Paired:
        settings = LocalSettings((0.7,), "inf", limits=Limits(max_regions=limit), n_samples=0)
        tables = Tables(survey([network], sets, settings))
        return next(r.paired for r in tables.comparisons("data") if r.measure == "lower")

    exact, cut = row(100_000), row(5)
    assert exact.higher + exact.lower > 8
    assert 0 < cut.higher + cut.lower < exact.higher + exact.lower
    assert cut.higher <= exact.higher
    assert cut.lower <= exact.lower


def test_bounds_that_meet_settle_the_count_unlisted() -> None:
    network = one_layer([[1.0, 0.0], [0.0, 1.0]], [0.0, 9.0])
    points = PointSet("data", np.array([[0.1, 0.0]]), np.zeros(1, dtype=np.int64))
    (one,) = survey([network], [points], LocalSettings((0.5,), limits=None, n_samples=0)).found
    assert one.regions == one.upper == 2
    assert one.crossing == (1,)
    assert one.nearest == (0, 0)


def test_unknown_methods_are_refused() -> None:
    with pytest.raises(InputError, match="interval, crown, lp"):
        BallBounder(one_layer([[1.0]], [0.0]), "2", method="guess")


def test_tables_pair_points_and_checkpoints() -> None:
    early, late = (
        load_model(MODELS / "moons" / f"moons_torch_epoch_{k}.onnx").network
        for k in ("0000", "0100")
    )
    rows = np.load(MODELS / "moons" / "moons_test_x.npy")
    labels = np.load(MODELS / "moons" / "moons_test_y.npy").astype(np.int64)
    data = chosen("data", rows, 12, 0, labels)
    sets = [data, drawn("uniform", data, 0)]
    found = survey([early, late], sets, LocalSettings((0.1, 0.3), "inf", n_samples=50))
    tables = Tables(found)
    assert len(found.found) == 2 * 2 * 2 * 12
    assert not found.interrupted
    regions = tables.values(1, "data", 0.3, "regions")
    (row,) = (
        r
        for r in tables.comparisons("data")
        if (r.model, r.radius, r.measure) == (1, 0.3, "regions")
    )
    other = tables.values(1, "uniform", 0.3, "regions")
    assert row.paired.higher == np.sum(regions > other)
    assert row.paired.n == 12
    course = [r for r in tables.course() if r.measure == "boundary_distance" and r.radius == 0.1]
    assert {(r.model, r.against_model, r.points) for r in course} == {
        (1, 0, "data"),
        (1, 0, "uniform"),
    }
    summaries = tables.summaries()
    assert {row.label for row in summaries if row.points == "data"} == {None, 0, 1}
    whole = [r for r in summaries if r.label is None]
    assert len(whole) == 8 * len(MEASURES)
    assert Tables(Survey(found.found[:30], True, 0.0)).comparisons("data")


def test_bounds_at_the_centre_are_pre_activations() -> None:
    network, ball = random_question(8, "2")
    bounds: Bounds = BallBounder(network, "2").at(ball).bounds
    for z, low, high in zip(
        network.pre_activations(ball.centre[None]), bounds.lower, bounds.upper, strict=True
    ):
        assert (low <= z[0] + 1e-12).all()
        assert (z[0] - 1e-12 <= high).all()
