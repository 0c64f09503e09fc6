"""Several workers give what one gives: the same rows in the same order, limits, ends and errors."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp import Box, EngineSettings, Problem, pre_activation_bounds
from cpwl_milp.core.affine import Dense
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.errors import CheckFailedError, InputError
from cpwl_milp.core.exploration import Advance, Budget, Engine
from cpwl_milp.engines.choice import make_engine
from cpwl_milp.enumeration import workers
from cpwl_milp.enumeration.limits import MOST_AHEAD, Limits, Pace
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.outcome import Bracket, Outcome, Tally
from cpwl_milp.enumeration.recording import RunRecorder, finish_run
from cpwl_milp.enumeration.resume import restart
from cpwl_milp.storage.question import Layout, Question
from cpwl_milp.storage.run_folder import RunFolder
from tests.enumeration.toy import ToyEngine
from tests.networks import degenerate_network, random_network

WIDTHS = (5, 4, 4)


class Jittery(ToyEngine):
    """Takes its time, a different one on every cube, so that workers overtake each other."""

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        time.sleep((hash(cube) & 0xFF) * 2e-6)
        return super().advance(cube, budget)


toys = st.builds(
    Jittery,
    st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple),
    st.integers(0, 10**6),
    steps=st.integers(1, 40),
)
paces = st.sampled_from([1, 3, 20]).map(lambda n: Pace(regions=n))
jobs = st.sampled_from([2, 3, 5])


class Rows:
    """A sink that keeps the rows, and notes whether it is ever called out of turn."""

    def __init__(self) -> None:
        self.patterns: list[bytes] = []
        self.points: list[bytes] = []
        self.accepted = 0
        self._thread = threading.get_ident()

    def accept(self, advance: Advance) -> None:
        assert threading.get_ident() == self._thread
        self.accepted += 1
        self.patterns += [row.tobytes() for row in advance.regions.patterns]
        self.points += [row.tobytes() for row in advance.regions.points]


def listed(engine: Engine, n_layers: int, n: int, **how: object) -> tuple[Outcome, Rows]:
    rows = Rows()
    outcome = enumerate_regions(engine, n_layers, sinks=[rows], jobs=n, **how)  # type: ignore[arg-type]
    return outcome, rows


def assert_same(one: Outcome, several: Outcome) -> None:
    assert several.reason == one.reason
    assert several.tally.n_regions == one.tally.n_regions
    assert several.tally.prefix_counts == one.tally.prefix_counts
    assert several.closed == one.closed
    assert several.open == one.open
    assert several.parked == one.parked
    assert several.unresolved == one.unresolved


@given(toys, paces, jobs)
@settings(max_examples=40, deadline=None)
def test_the_same_rows_in_the_same_order(engine: ToyEngine, pace: Pace, n: int) -> None:
    one, rows = listed(engine, len(engine.widths), 1)
    several, same = listed(engine, len(engine.widths), n, pace=pace)
    assert set(rows.patterns) == engine.expected()
    assert same.patterns == rows.patterns
    assert same.points == rows.points
    assert several.complete
    assert several.closed == 1
    assert isinstance(several.closed, Fraction)
    assert_same(one, several)


@given(toys, paces, jobs, st.data())
@settings(max_examples=40, deadline=None)
def test_a_limit_of_regions_cuts_at_the_same_place(
    engine: ToyEngine, pace: Pace, n: int, data: st.DataObject
) -> None:
    limits = Limits(max_regions=data.draw(st.integers(1, len(engine.expected()) + 1)))
    one, rows = listed(engine, len(engine.widths), 1, limits=limits)
    several, same = listed(engine, len(engine.widths), n, limits=limits, pace=pace)
    assert same.patterns == rows.patterns
    assert_same(one, several)


@given(toys, paces, jobs, st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_a_limit_per_layer_parks_the_same_cubes(
    engine: ToyEngine, pace: Pace, n: int, limit: int
) -> None:
    limits = Limits(max_per_layer=limit)
    one, rows = listed(engine, len(engine.widths), 1, limits=limits)
    several, same = listed(engine, len(engine.widths), n, limits=limits, pace=pace)
    assert same.patterns == rows.patterns
    assert max(several.tally.prefix_counts) <= limit
    assert_same(one, several)


@pytest.mark.parametrize("name", ["cells", "tree"])
@pytest.mark.parametrize("seed", range(4))
def test_networks_give_the_same_bytes_whatever_the_number_of_threads(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    make = degenerate_network if seed % 2 else random_network
    network = make(rng, 2 + seed % 2, [6, 5, 4])
    problem = Problem.of(network, Box.uniform(-1, 1, network.n_inputs))
    bounds = pre_activation_bounds(network, problem.domain)
    # Points, too, up to rounding, where there is one way to choose them.
    engine = make_engine(problem, bounds, EngineSettings(name, with_points=name == "cells"))
    one, rows = listed(engine, 3, 1)
    assert one.complete
    for n, regions in ((1, 2), (2, 1), (3, 4), (5, 9)):
        several, same = listed(engine, 3, n, pace=Pace(regions=regions))
        assert same.patterns == rows.patterns
        assert np.allclose(points_of(same), points_of(rows), rtol=0, atol=1e-12)
        assert several.complete
        assert several.tally.prefix_counts == one.tally.prefix_counts
        assert several.tally.doubts == one.tally.doubts
        for layer, count in enumerate(one.tally.prefix_counts):
            assert several.layers()[layer] == Bracket(count, count)


def points_of(rows: Rows) -> Dense:
    return np.frombuffer(b"".join(rows.points))


class Interrupting(Rows):
    """Presses Ctrl-C when so many advances were accepted."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after

    def accept(self, advance: Advance) -> None:
        super().accept(advance)
        if self.accepted == self._after:
            os.kill(os.getpid(), signal.SIGINT)


@given(toys, st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_interrupted_anywhere_and_taken_up_by_other_numbers_of_workers(
    engine: ToyEngine, seed: int
) -> None:
    moment = random.Random(seed)
    outcome, rows = None, []
    handler = signal.getsignal(signal.SIGINT)
    for _ in range(1000):
        sink = Interrupting(moment.randint(1, 12))
        begin = {} if outcome is None else later(outcome)
        outcome = enumerate_regions(
            engine,
            len(engine.widths),
            sinks=[sink],
            jobs=moment.choice([1, 2, 3, 5]),
            pace=Pace(regions=moment.choice([1, 4])),
            **begin,  # type: ignore[arg-type]
        )
        rows += sink.patterns
        assert outcome.n_regions == len(rows)
        if outcome.complete:
            break
        assert outcome.reason == "interrupted"
    assert signal.getsignal(signal.SIGINT) is handler
    one, canonical = listed(engine, len(engine.widths), 1)
    assert rows == canonical.patterns
    assert_same(one, outcome)  # type: ignore[arg-type]


def later(outcome: Outcome) -> dict[str, object]:
    """How the loop is called to go on after an outcome."""
    return {"roots": outcome.left, "before": outcome.tally, "closed": outcome.closed}


def test_time_runs_out_for_all_workers() -> None:
    engine = ToyEngine(WIDTHS, 3, delay=0.002)
    begin = time.monotonic()
    outcome, rows = listed(engine, 3, 3, limits=Limits(max_seconds=0.4), pace=Pace(0.1, 5))
    assert time.monotonic() - begin < 2.0
    assert outcome.reason == "max-seconds"
    assert 0 < outcome.closed < 1
    engine.delay = 0.0
    final = Rows()
    end = enumerate_regions(engine, 3, sinks=[final], jobs=2, **later(outcome))  # type: ignore[arg-type]
    assert end.complete
    assert rows.patterns + final.patterns == listed(engine, 3, 1)[1].patterns


class Failing(ToyEngine):
    """Fails where one region is listed."""

    fatal = b""

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        found = super().advance(cube, budget)
        if any(row.tobytes() == self.fatal for row in found.regions.patterns):
            raise MemoryError("no more of it")
        return found


def test_a_worker_that_fails_is_heard_when_its_turn_has_come() -> None:
    engine = Failing(WIDTHS, 3)
    canonical = listed(engine, 3, 1)[1].patterns
    place = len(canonical) // 3
    engine.fatal = canonical[place]
    for n in (1, 2, 5):
        rows = Rows()
        with pytest.raises(MemoryError, match="no more of it"):
            enumerate_regions(engine, 3, sinks=[rows], jobs=n, pace=Pace(regions=1))
        assert rows.patterns == canonical[:place]
        assert threads_of_ours() == 0


def threads_of_ours() -> int:
    return sum(thread.name.startswith("cpwl-milp") for thread in threading.enumerate())


class Careless(ToyEngine):
    """Breaks the contract somewhere in the middle."""

    def __init__(self, change: Callable[[Cube, Advance], Advance]) -> None:
        super().__init__(WIDTHS, 3, steps=20)
        self._change = change

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        found = super().advance(cube, budget)
        return self._change(cube, found) if cube.depth > 3 else found


@pytest.mark.parametrize(
    "change",
    [
        lambda cube, found: replace(found, open=(*found.open, *found.open)),
        lambda cube, found: replace(found, cube=Cube.of([7, 8, 9])),
        lambda cube, found: replace(found, open=(cube,), regions=found.regions.empty(13, 2)),
    ],
    ids=["twice", "another", "idle"],
)
def test_a_broken_contract_is_found_out(change: Callable[[Cube, Advance], Advance]) -> None:
    with pytest.raises(CheckFailedError):
        listed(Careless(change), 3, 3)
    assert threads_of_ours() == 0


class Unresolving(ToyEngine):
    """Gives up on what lies under two decisions."""

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        found = super().advance(cube, budget)
        return replace(found, unresolved="too hard") if cube.depth >= 2 and found.open else found


def test_unresolved_cubes_are_set_aside() -> None:
    engine = Unresolving(WIDTHS, 3, steps=30)
    outcome, rows = listed(engine, 3, 4, pace=Pace(regions=10))
    assert outcome.reason == "unresolved: too hard"
    assert not outcome.open
    rest = Rows()
    cubes = [cube for _, cube in outcome.unresolved]
    enumerate_regions(ToyEngine(WIDTHS, 3), 3, roots=cubes, closed=outcome.closed, sinks=[rest])
    assert sorted(rows.patterns + rest.patterns) == sorted(engine.expected())


class Counted(ToyEngine):
    """Counts the regions that it listed."""

    listed = 0

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        found = super().advance(cube, budget)
        self.listed += len(found.regions)
        return found


def test_workers_do_not_run_away_from_a_slow_sink() -> None:
    engine = Counted((6, 6, 6), 3)
    pace = Pace(regions=4)
    most = 0

    class Slow(Rows):
        def accept(self, advance: Advance) -> None:
            nonlocal most
            time.sleep(0.0005)
            super().accept(advance)
            most = max(most, engine.listed - len(self.patterns))

    rows = Slow()
    assert enumerate_regions(engine, 3, sinks=[rows], pace=pace, jobs=3).complete
    assert len(rows.patterns) > 1000
    # Those ahead, and one advance that the loop is handing over.
    assert 4 <= most <= (MOST_AHEAD * 3 + 1) * 4


def test_a_first_worker_that_is_stuck_does_not_let_the_others_fill_the_memory() -> None:
    gate = threading.Event()

    class Stuck(Counted):
        def advance(self, cube: Cube, budget: Budget) -> Advance:
            if cube == self.front:
                gate.wait(5)
            found = super().advance(cube, budget)
            if not cube.depth:
                self.front = found.open[0]
            return found

        front: Cube | None = None

    engine = Stuck((6, 6, 6), 3)
    seen: list[int] = []

    def look_and_let_go() -> None:
        seen.append(engine.listed)
        gate.set()

    threading.Timer(0.3, look_and_let_go).start()
    outcome, rows = listed(engine, 3, 3, pace=Pace(regions=2))
    assert outcome.complete
    assert len(seen) == 1
    assert seen[0] <= 2 * (MOST_AHEAD * 3 + 2) < len(rows.patterns)


def test_a_second_ctrl_c_does_not_wait_for_the_workers() -> None:
    release = threading.Event()

    class Deaf(ToyEngine):
        def advance(self, cube: Cube, budget: Budget) -> Advance:
            if threading.current_thread() is not threading.main_thread():
                release.wait(10)
            return super().advance(cube, budget)

    presses = [threading.Timer(t, os.kill, (os.getpid(), signal.SIGINT)) for t in (0.1, 0.3)]
    for press in presses:
        press.start()
    begin = time.monotonic()
    outcome, rows = listed(Deaf(WIDTHS, 3), 3, 2, pace=Pace(regions=5))
    assert 0.2 < time.monotonic() - begin < 5
    release.set()
    assert outcome.reason == "interrupted"
    assert outcome.n_regions == len(rows.patterns)
    assert sum((cube.weight for cube in outcome.left), Fraction(0)) == 1 - outcome.closed


def test_no_thread_for_small_questions_and_for_engines_that_remember(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(n: int) -> None:
        raise AssertionError(f"{n} threads")

    monkeypatch.setattr(workers, "threads", refuse)
    assert listed(ToyEngine((4, 3), 3), 2, 4)[0].complete
    engine = ToyEngine(WIDTHS, 3, steps=20)
    with pytest.raises(AssertionError, match="2 threads"):
        listed(engine, 3, 2)
    engine.stateless = False
    assert listed(engine, 3, 2)[0].complete
    with pytest.raises(InputError, match="--jobs: -1"):
        listed(engine, 3, -1)


def test_sinks_prepare_in_the_workers_and_take_in_order() -> None:
    class Preparing(Rows):
        threads: ClassVar[set[int]] = set()

        def prepared(self, advance: Advance) -> Callable[[], None]:
            self.threads.add(threading.get_ident())
            time.sleep(0.001)
            return lambda: super(Preparing, self).accept(advance)

    rows = Preparing()
    engine = ToyEngine(WIDTHS, 3)
    enumerate_regions(engine, 3, sinks=[rows], jobs=3, pace=Pace(regions=2))
    assert rows.patterns == listed(engine, 3, 1)[1].patterns
    assert len(rows.threads) == 4


@given(toys, st.integers(0, 10**6))
@settings(max_examples=6, deadline=None)
def test_a_run_folder_holds_the_same_sequence_of_rows(
    tmp_path_factory: pytest.TempPathFactory, engine: ToyEngine, seed: int
) -> None:
    moment = random.Random(seed)
    path: Path = tmp_path_factory.mktemp("run") / "run"
    question = Question("toy", "0" * 64, {}, "toy", Layout(engine.widths, 2))
    RunFolder.create(path, question, {}).close()
    _, canonical = listed(engine, len(engine.widths), 1)
    complete = False
    while not complete:
        with RunFolder.resume(path, question) as run:
            begin = restart(run)
            assert begin.tally.n_regions == run.n_regions
            assert sum((cube.weight for cube in begin.roots), begin.closed) == 1
            with RunRecorder(run, max_regions=moment.choice([1, 5, 50])) as recorder:
                outcome = enumerate_regions(
                    engine,
                    len(engine.widths),
                    roots=begin.roots,
                    before=begin.tally,
                    closed=begin.closed,
                    limits=Limits(max_regions=run.n_regions + moment.randint(1, 40)),
                    sinks=[recorder],
                    jobs=moment.choice([1, 2, 3]),
                    pace=Pace(regions=moment.choice([1, 3, 9])),
                )
            finish_run(run, outcome)
            complete = outcome.complete
    with RunFolder.read(path) as run:
        stored = [row.tobytes() for batch in run.batches() for row in batch.patterns]
        points = [row.tobytes() for batch in run.batches() for row in batch.points]
    assert stored == canonical.patterns
    assert points == canonical.points
    assert Tally().plus(outcome.tally).prefix_counts == engine.expected_prefixes()
