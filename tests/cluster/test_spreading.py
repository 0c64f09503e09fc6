"""Cubes over a cluster: rows, order, limits, ends and errors are those of one worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.loopback import Loopback
from cpwl_milp import Box, EngineSettings, Problem, pre_activation_bounds
from cpwl_milp.cluster.connection import Cluster
from cpwl_milp.core.cube import ROOT, Cube
from cpwl_milp.core.domains import Ball
from cpwl_milp.core.exploration import Advance, Budget, Engine
from cpwl_milp.engines.choice import make_engine
from cpwl_milp.enumeration.limits import Limits, Pace
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.outcome import Outcome
from cpwl_milp.enumeration.own_patterns import OwnPatterns
from cpwl_milp.enumeration.recording import RunRecorder, finish_run
from cpwl_milp.enumeration.resume import restart
from cpwl_milp.enumeration.schedule import Schedule
from cpwl_milp.enumeration.spreading import ClusterWorkers, Cubes
from cpwl_milp.enumeration.work import Work, advanced
from cpwl_milp.enumeration.workers import Jobs
from cpwl_milp.storage.question import Layout, Question
from cpwl_milp.storage.run_folder import RunFolder
from tests.cluster.away import Failing, Slow
from tests.enumeration.test_jobs import Interrupting, Rows, assert_same, later
from tests.enumeration.toy import ToyEngine
from tests.networks import degenerate_network, random_network

WIDTHS = (5, 4, 4)
SMALL = Pace(regions=40)


def listed(
    engine: Engine, jobs: Jobs, *, pace: Pace = SMALL, limits: Limits | None = None
) -> tuple[Outcome, Rows]:
    rows = Rows()
    n_layers = len(getattr(engine, "widths", WIDTHS))
    outcome = enumerate_regions(engine, n_layers, sinks=[rows], jobs=jobs, pace=pace, limits=limits)
    return outcome, rows


@pytest.fixture
def workers(cluster: Cluster) -> ClusterWorkers:
    return ClusterWorkers(cluster)


@pytest.mark.parametrize("name", ["cells", "tree", "ball"])
def test_engines_give_the_same_rows_in_the_same_order(workers: ClusterWorkers, name: str) -> None:
    rng = np.random.default_rng(3)
    network = (degenerate_network if name == "tree" else random_network)(rng, 3, [6, 5, 4])
    domain = Ball(np.zeros(3), 1.0, "2", "test") if name == "ball" else Box.uniform(-1, 1, 3)
    problem = Problem.of(network, domain)
    bounds = pre_activation_bounds(network, problem.domain)
    engine = make_engine(problem, bounds, EngineSettings(name, with_points=True))
    one, rows = listed(engine, 1)
    several, same = listed(engine, workers)
    assert one.complete
    assert len(rows.patterns) > 50
    assert same.patterns == rows.patterns
    points = [np.frombuffer(b"".join(each.points)) for each in (rows, same)]
    assert np.allclose(*points, rtol=0, atol=1e-9)
    assert_same(one, several)


def test_limits_cut_at_the_same_place(workers: ClusterWorkers) -> None:
    engine = ToyEngine(WIDTHS, 3)
    n = len(engine.expected())
    for limits in (
        Limits(max_regions=n // 2),
        Limits(max_regions=n),
        Limits(max_per_layer=n // 3),
        Limits(max_per_layer=2),
    ):
        one, rows = listed(engine, 1, limits=limits)
        several, same = listed(engine, workers, limits=limits)
        assert same.patterns == rows.patterns
        assert_same(one, several)


def test_time_runs_out_for_all_workers(workers: ClusterWorkers) -> None:
    engine = Slow((6, 6, 6), 3, delay=0.001)
    outcome, rows = listed(engine, workers, limits=Limits(max_seconds=0.5), pace=Pace(0.1, 9))
    assert outcome.reason == "max-seconds"
    assert 0 < outcome.closed < 1
    assert outcome.tally.seconds < 2
    assert rows.patterns == sorted(rows.patterns, key=canonical(engine).index)


def canonical(engine: ToyEngine) -> list[bytes]:
    return listed(ToyEngine(engine.widths, engine.seed), 1)[1].patterns


def test_interrupted_anywhere_and_taken_up_here_and_there(workers: ClusterWorkers) -> None:
    engine = ToyEngine(WIDTHS, 7)
    outcome: Outcome | None = None
    patterns: list[bytes] = []
    for turn in range(1000):
        sink = Interrupting(2 + turn % 5)
        begin = {} if outcome is None else later(outcome)
        jobs: Jobs = workers if turn % 3 else 2
        outcome = enumerate_regions(
            engine, len(WIDTHS), sinks=[sink], jobs=jobs, pace=SMALL, **begin
        )  # type: ignore[arg-type]
        patterns += sink.patterns
        if outcome.complete:
            break
        assert outcome.reason == "interrupted"
    assert turn > 2
    assert patterns == canonical(engine)


def test_a_worker_that_fails_is_heard_when_its_turn_has_come(workers: ClusterWorkers) -> None:
    engine = Failing(WIDTHS, 3)
    expected = canonical(engine)
    engine.fatal = expected[len(expected) // 3]
    rows = Rows()
    with pytest.raises(MemoryError, match="no more of it"):
        enumerate_regions(engine, 3, sinks=[rows], jobs=workers, pace=Pace(regions=10))
    assert rows.patterns == expected[: len(rows.patterns)]
    assert len(expected) // 3 - 10 <= len(rows.patterns) <= len(expected) // 3


def test_own_patterns_are_found_by_the_workers(workers: ClusterWorkers) -> None:
    engine = ToyEngine((7, 0, 70), 5)
    here, there = (OwnPatterns(engine.widths) for _ in range(2))
    for own, jobs in ((here, 1), (there, workers)):
        limits = Limits(max_regions=3000)
        enumerate_regions(engine, 3, sinks=[own], jobs=jobs, limits=limits, pace=Pace(regions=200))  # type: ignore[arg-type]
    for layer in range(3):
        np.testing.assert_array_equal(here.patterns(layer), there.patterns(layer))
    assert here.counts[2] == 3000


class Killing(Rows):
    """Does something when so many advances were accepted."""

    def __init__(self, after: int, deed: Callable[[], None]) -> None:
        super().__init__()
        self._after = after
        self._deed = deed

    def accept(self, advance: Advance) -> None:
        super().accept(advance)
        if self.accepted == self._after:
            self._deed()


def test_a_worker_that_is_killed_loses_nothing(loopback: Loopback, workers: ClusterWorkers) -> None:
    engine = Slow((5, 6, 6), 11)
    expected = canonical(engine)
    assert len(expected) > 1000
    rows = Killing(20, loopback.kill_worker)
    outcome = enumerate_regions(engine, 3, sinks=[rows], jobs=workers, pace=SMALL)
    assert rows.accepted > 50
    assert outcome.complete
    assert outcome.closed == 1
    assert rows.patterns == expected
    assert outcome.tally.prefix_counts == engine.expected_prefixes()
    loopback.add_worker()
    loopback.wait(3)


def test_with_nobody_left_the_loop_goes_on_alone(own: Loopback) -> None:
    engine = Slow((5, 5, 5), 11)
    expected = canonical(engine)
    with Cluster.at(own.address) as cluster:
        workers = ClusterWorkers(cluster, patience=0.5)
        rows = Killing(15, own.kill_worker)
        assert enumerate_regions(engine, 3, sinks=[rows], jobs=workers, pace=SMALL).complete
        assert rows.patterns == expected
        # Nobody from the beginning, then somebody.
        rows = Killing(20, own.add_worker)
        assert enumerate_regions(engine, 3, sinks=[rows], jobs=workers, pace=SMALL).complete
        assert rows.patterns == expected
        own.wait(1)
        rows = Killing(15, own.scheduler.kill)
        assert enumerate_regions(engine, 3, sinks=[rows], jobs=workers, pace=SMALL).complete
        assert rows.patterns == expected


def test_a_run_folder_filled_by_a_cluster(workers: ClusterWorkers, tmp_path: Path) -> None:
    engine = ToyEngine(WIDTHS, 3)
    question = Question("toy", "0" * 64, {}, "toy", Layout(engine.widths, 2))
    path = tmp_path / "run"
    RunFolder.create(path, question, {}).close()
    for jobs, limit in ((workers, 100), (1, 150), (workers, None)):
        with RunFolder.resume(path, question) as run:
            begin = restart(run)
            with RunRecorder(run, max_regions=30) as recorder:
                outcome = enumerate_regions(
                    engine,
                    3,
                    roots=begin.roots,
                    before=begin.tally,
                    closed=begin.closed,
                    limits=Limits(max_regions=limit),
                    sinks=[recorder],
                    jobs=jobs,  # type: ignore[arg-type]
                    pace=SMALL,
                )
            finish_run(run, outcome)
    assert outcome.complete
    with RunFolder.read(path) as run:
        assert [row.tobytes() for batch in run.patterns() for row in batch] == canonical(engine)


def test_an_order_takes_light_cubes_together_and_leaves_the_heavy_ones() -> None:
    path = list(range(1, 21))
    siblings = [Cube.of([*path[:k], -path[k]]) for k in reversed(range(20))]
    schedule = Schedule(siblings[::-1])
    (first,) = schedule.earliest_waiting()
    assert first.cube == siblings[0]
    order = schedule.earliest_waiting(64, 4)
    assert [slot.cube for slot in order] == siblings[:17]
    assert len(schedule.earliest_waiting(5, 4)) == 5
    for slot in order:
        schedule.begin(slot)
    # Of three that are left each may want one.
    assert [slot.cube for slot in schedule.earliest_waiting(64, 4)] == [siblings[17]]
    # Equal ones are shared out evenly.
    even = Schedule([Cube.of([k]) for k in range(1, 41)])
    assert len(even.earliest_waiting(64, 4)) == 10
    assert Schedule([]).earliest_waiting(64, 4) == []


def test_cubes_as_arrays() -> None:
    cubes = (Cube.of([3, -1, 7], 1), ROOT, Cube.of([-2]))
    assert Cubes.of(cubes).each() == cubes
    assert Cubes.of(()).each() == ()


def test_an_order_of_several_cubes_keeps_within_one_budget() -> None:
    engine = ToyEngine(WIDTHS, 3)
    first = engine.advance(ROOT, Budget(1, float("inf")))
    assert len(first.open) > 3
    whole = Budget(10**6, float("inf"))
    sizes = [len(engine.advance(cube, whole).regions) for cube in first.open]
    n = sizes[0] + sizes[1] + 1
    assert sizes[2] > 1
    found = [advance for advance, _ in advanced(engine, first.open, Budget(n, 1e9))]
    assert [len(advance.regions) for advance in found] == [sizes[0], sizes[1], 1]
    # One that leaves something open is the last.
    assert found[-1].open
    room = engine.advance(first.open[0], whole).prefix_counts.tolist()
    limited = Budget(10**6, 1e9, tuple(room))
    found = [advance for advance, _ in advanced(engine, first.open, limited)]
    assert not found[0].parked
    assert all(advance.parked for advance in found[1:])
    assert len(Work(engine)(first.open, Budget(10**6, 1e9))) == len(first.open)
