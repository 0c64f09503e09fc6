"""Kills: what is lost is done again, what is listed is not."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.bounding.interval import interval_bounds
from cpwl_milp.core.cube import ROOT, Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import CheckFailedError, RunFolderError
from cpwl_milp.core.exploration import Advance, Budget, Engine
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.tree.engine import TreeEngine
from cpwl_milp.enumeration.limits import Limits, Pace
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.outcome import Outcome
from cpwl_milp.enumeration.recording import RunRecorder, finish_run
from cpwl_milp.enumeration.resume import listed_patterns, restart
from cpwl_milp.storage.journal import Step
from cpwl_milp.storage.question import Layout, Question
from cpwl_milp.storage.run_folder import RunFolder
from tests.enumeration.long_run import ENGINE
from tests.enumeration.toy import ToyEngine
from tests.networks import random_network

WIDTHS = (5, 4, 4)
SMALL = (4, 3, 3)


def question(widths: tuple[int, ...], dim: int = 2) -> Question:
    return Question("toy", "0" * 64, {"kind": "toy"}, "toy", Layout(widths, dim))


def session(
    path: Path,
    engine: Engine,
    asked: Question,
    limits: Limits | None = None,
    pace: Pace | None = None,
    step_regions: int = 20,
) -> Outcome:
    """Begin or go on, as the command line does."""
    begun = path.exists()
    folder = RunFolder.resume(path, asked) if begun else RunFolder.create(path, asked, {})
    with folder as run:
        begin = restart(run)
        with RunRecorder(run, max_regions=step_regions, min_seconds=60) as recorder:
            outcome = enumerate_regions(
                engine,
                len(asked.layout.widths),
                roots=begin.roots,
                before=begin.tally,
                closed=begin.closed,
                limits=limits,
                sinks=[recorder],
                pace=pace,
            )
        finish_run(run, outcome)
    return outcome


def stored(path: Path) -> list[bytes]:
    return [row.tobytes() for row in listed_patterns(RunFolder.read(path))]


@pytest.fixture
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without waiting for the disk: these tests do not cut the power."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


def kill_at(path: Path, where: float, leave_orphans: bool) -> None:
    """Make the folder what a kill would have left: torn journal, orphans, halves, no outcome."""
    journal = path / "journal.jsonl"
    data = journal.read_bytes()
    journal.write_bytes(data[: int(where * (len(data) + 1))])
    known = {step.part for step in RunFolder.read(path).steps()}
    orphans = [
        file
        for file in (path / "regions").glob("part-*.parquet")
        if int(file.stem.removeprefix("part-")) not in known
    ]
    for file in orphans:
        if not leave_orphans:
            half = file.with_name(f".{file.name}.tmp")
            half.write_bytes(file.read_bytes()[:-9])
            file.unlink()


@given(
    seed=st.integers(0, 10**6),
    steps=st.integers(1, 60),
    step_regions=st.integers(1, 40),
    kills=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=4),
    limits=st.lists(
        st.sampled_from([Limits(), Limits(max_regions=30), Limits(max_per_layer=8)]),
        min_size=5,
        max_size=5,
    ),
)
@settings(max_examples=25, deadline=None)
@pytest.mark.usefixtures("unsynced")
def test_killed_anywhere_a_run_ends_with_the_same_set(
    seed: int,
    steps: int,
    step_regions: int,
    kills: list[tuple[float, bool]],
    limits: list[Limits],
) -> None:
    engine = ToyEngine(SMALL, seed, steps=steps)
    asked = question(SMALL)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        for (where, orphans), limit in zip(kills, limits, strict=False):
            session(path, engine, asked, limit, step_regions=step_regions)
            found = stored(path)
            assert len(found) == len(set(found))
            kill_at(path, where, orphans)
            # A reader sees a clean part of the answer.
            assert set(stored(path)) <= engine.expected()
        outcome = session(path, engine, asked, step_regions=step_regions)
        assert outcome.complete
        assert outcome.closed == 1
        found = stored(path)
        assert len(found) == len(set(found)) == outcome.n_regions
        assert set(found) == engine.expected()
        assert outcome.tally.prefix_counts == engine.expected_prefixes()
        final = RunFolder.read(path)
        assert final.outcome is not None
        assert final.outcome["complete"] is True
        assert restart(final).roots == ()
        assert restart(final).closed == 1
        for batch in final.batches():
            bits = np.unpackbits(batch.patterns, axis=1, count=sum(SMALL), bitorder="little")
            points = [engine.point(tuple(int(b) for b in row)) for row in bits]
            assert batch.points.tolist() == [list(point) for point in points]


def test_a_complete_run_resumed_does_nothing(tmp_path: Path) -> None:
    engine = ToyEngine(WIDTHS, 1, steps=50)
    first = session(tmp_path / "run", engine, question(WIDTHS))
    journal = (tmp_path / "run" / "journal.jsonl").read_bytes()
    again = session(tmp_path / "run", engine, question(WIDTHS))
    assert again.complete
    assert again.tally.prefix_counts == first.tally.prefix_counts
    assert (tmp_path / "run" / "journal.jsonl").read_bytes() == journal


def test_a_journal_line_does_not_repeat_what_it_did_not_touch(tmp_path: Path) -> None:
    widths = (40, 40)
    engine = ToyEngine(widths, 5, steps=300)
    limits = Limits(max_regions=3000)
    session(tmp_path / "run", engine, question(widths), limits, step_regions=100)
    steps = list(RunFolder.read(tmp_path / "run").steps())
    stack = len(restart(RunFolder.read(tmp_path / "run")).roots)
    later = [len(step.encoded()) for step in steps[1:]]
    assert len(steps) > 10
    assert stack > 30
    # Each carries far fewer cubes than are open, in a few bytes each.
    assert np.mean(later) < 700


def test_a_journal_that_does_not_fit_together_is_refused(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path / "run", question(WIDTHS), {}) as run:
        run.append(Step((ROOT,), (Cube.of([1]), Cube.of([-1]))))
        run.append(Step((ROOT,), (Cube.of([1]),)))
    with pytest.raises(RunFolderError, match=r"step 2 .* \[\], which is not open"):
        restart(RunFolder.read(tmp_path / "run"))
    with RunFolder.create(tmp_path / "more", question(WIDTHS), {}) as run:
        run.append(Step((ROOT,), (Cube.of([1]), Cube.of([-1]), Cube.of([2]))))
    with pytest.raises(RunFolderError, match="more than the whole"):
        restart(RunFolder.read(tmp_path / "more"))


def test_an_advance_taken_by_half_is_not_written(tmp_path: Path) -> None:
    engine = ToyEngine(WIDTHS, 1, steps=30)
    whole = engine.advance(ROOT, Budget(10**9, time.monotonic() + 60))
    half = engine.advance(whole.open[0], Budget(10**9, time.monotonic() + 60))
    # The recorder stumbles over this after it has booked the cubes and the regions.
    object.__setattr__(half, "thin", None)
    with RunFolder.create(tmp_path / "run", question(WIDTHS), {}) as run:
        with RunRecorder(run, min_seconds=60) as recorder:
            recorder.accept(whole)
            recorder.flush()
            with pytest.raises(TypeError):
                recorder.accept(half)
        assert run.n_regions == len(whole.regions)
    assert session(tmp_path / "run", engine, question(WIDTHS)).complete
    assert sorted(stored(tmp_path / "run")) == sorted(engine.expected())


class GivesUp(ToyEngine):
    """Calls what is left of any cube but the root unresolved."""

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        found = super().advance(cube, budget)
        return replace(found, unresolved="too hard") if cube.depth else found


@pytest.mark.parametrize(
    ("engine", "limits", "reason"),
    [
        (ToyEngine(WIDTHS, 1, steps=30), Limits(max_per_layer=20), "max-per-layer"),
        (GivesUp(WIDTHS, 1, steps=30), Limits(), "unresolved: too hard"),
    ],
)
def test_what_was_set_aside_is_taken_up_again(
    tmp_path: Path, engine: ToyEngine, limits: Limits, reason: str
) -> None:
    cut = session(tmp_path / "run", engine, question(WIDTHS), limits)
    assert cut.reason == reason
    again = restart(RunFolder.read(tmp_path / "run"))
    assert set(again.roots) == set(cut.left)
    assert again.closed == cut.closed
    assert again.tally.prefix_counts == cut.tally.prefix_counts
    sound = ToyEngine(WIDTHS, 1, steps=30)
    assert session(tmp_path / "run", sound, question(WIDTHS)).complete
    assert sorted(stored(tmp_path / "run")) == sorted(sound.expected())


def test_the_folder_and_the_loop_must_agree(tmp_path: Path) -> None:
    outcome = session(tmp_path / "run", ToyEngine(WIDTHS, 1), question(WIDTHS))
    with (
        RunFolder.create(tmp_path / "other", question(WIDTHS), {}) as run,
        pytest.raises(CheckFailedError, match="0 regions stored"),
    ):
        finish_run(run, outcome)


@pytest.mark.parametrize("limits", [Limits(max_regions=400), Limits(max_per_layer=150)])
@pytest.mark.usefixtures("unsynced")
def test_the_tree_engine_cut_killed_and_resumed(tmp_path: Path, limits: Limits) -> None:
    network = random_network(np.random.default_rng(7), 2, (12, 12, 10), 1)
    problem = Problem.of(network, Box.uniform(-2, 2, 2))
    bounds = interval_bounds(network, problem.domain)
    asked = question(network.widths)
    whole = session(tmp_path / "whole", TreeEngine(problem, bounds), asked)
    assert whole.complete
    expected = set(stored(tmp_path / "whole"))
    engine = TreeEngine(problem, bounds, with_points=True)
    pace = Pace(seconds=60, regions=37)
    cut = session(tmp_path / "run", engine, asked, limits, pace)
    assert not cut.complete
    exact = whole.tally.prefix_counts
    for bracket, count in zip(cut.layers(exact), exact, strict=True):
        assert bracket.lower <= count
    assert cut.regions(exact[-1]).lower <= exact[-1]
    if limits.max_regions is not None:
        assert cut.n_regions == limits.max_regions
    else:
        assert max(cut.tally.prefix_counts) == limits.max_per_layer
        assert cut.layers()[0].complete
    for where in (0.9, 0.4):
        kill_at(tmp_path / "run", where, leave_orphans=True)
        session(tmp_path / "run", engine, asked, Limits(max_regions=600), pace)
    final = session(tmp_path / "run", engine, asked, pace=pace)
    assert final.complete
    assert final.closed == 1
    assert final.tally.prefix_counts == exact
    found = stored(tmp_path / "run")
    assert len(found) == len(expected)
    assert set(found) == expected
    for batch in RunFolder.read(tmp_path / "run").batches():
        bits = np.packbits(network.bits(batch.points), axis=1, bitorder="little")
        np.testing.assert_array_equal(bits, batch.patterns)
        assert np.all(batch.inradii > 0)


def test_killed_five_times_for_real(tmp_path: Path) -> None:
    path = tmp_path / "run"
    random_moment = random.Random(5)
    command = [sys.executable, "-m", "tests.enumeration.long_run", str(path)]
    repository = Path(__file__).resolve().parents[2]
    journal = path / "journal.jsonl"
    for _ in range(5):
        before = journal.stat().st_size if journal.exists() else 0
        process = subprocess.Popen(command, cwd=repository)
        deadline = time.monotonic() + 60
        # Anywhere in its work, but with some work done.
        while not journal.exists() or journal.stat().st_size <= before:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(random_moment.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert restart(RunFolder.read(path)).closed < 1
    subprocess.run([*command, "--quick"], cwd=repository, check=True, timeout=120)
    found = stored(path)
    assert len(found) == len(set(found))
    assert set(found) == ENGINE.expected()
    final = restart(RunFolder.read(path))
    assert final.closed == 1
    assert final.tally.prefix_counts == ENGINE.expected_prefixes()
    assert final.tally.n_regions == len(found)
