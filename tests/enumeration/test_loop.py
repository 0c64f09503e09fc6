from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.core.cube import ROOT, Cube
from cpwl_milp.core.errors import CheckFailedError, InputError
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.enumeration.limits import Limits, Pace
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.outcome import Bracket, Outcome, Tally
from cpwl_milp.enumeration.progress import Snapshot
from tests.enumeration.toy import ToyEngine

WIDTHS = (5, 4, 4)
toys = st.builds(
    ToyEngine,
    st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple),
    st.integers(0, 10**6),
    steps=st.integers(1, 60),
)


class Collected:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.advances: list[Advance] = []

    def accept(self, advance: Advance) -> None:
        self.advances.append(advance)

    @property
    def patterns(self) -> list[bytes]:
        return [row.tobytes() for a in self.advances for row in a.regions.patterns]


def run(
    engine: ToyEngine, limits: Limits | None = None, pace: Pace | None = None
) -> tuple[Outcome, Collected]:
    sink = Collected()
    outcome = enumerate_regions(engine, len(engine.widths), limits=limits, sinks=[sink], pace=pace)
    return outcome, sink


@given(toys)
@settings(max_examples=60, deadline=None)
def test_everything_is_listed_once_however_it_is_sliced(engine: ToyEngine) -> None:
    outcome, sink = run(engine, pace=Pace(regions=7))
    assert outcome.complete
    assert outcome.closed == 1
    assert isinstance(outcome.closed, Fraction)
    assert outcome.left == ()
    assert len(sink.patterns) == len(set(sink.patterns)) == outcome.n_regions
    assert set(sink.patterns) == engine.expected()
    assert outcome.tally.prefix_counts == engine.expected_prefixes()
    assert outcome.layers() == tuple(Bracket(n, n) for n in engine.expected_prefixes())
    assert outcome.tally.decisions["cells"] > 0


@given(toys, st.data())
@settings(max_examples=60, deadline=None)
def test_a_limit_of_regions_is_kept_exactly_and_gives_sound_brackets(
    engine: ToyEngine, data: st.DataObject
) -> None:
    expected = engine.expected()
    limit = data.draw(st.integers(1, len(expected) + 2))
    outcome, sink = run(engine, Limits(max_regions=limit))
    assert outcome.n_regions == len(set(sink.patterns)) == min(limit, len(expected))
    assert outcome.complete == (limit >= len(expected))
    assert outcome.reason == ("" if outcome.complete else "max-regions")
    assert (outcome.closed == 1) == outcome.complete
    check_brackets(engine, outcome)


@given(toys, st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_a_limit_per_layer_parks_cubes_and_completes_the_layers_below_it(
    engine: ToyEngine, limit: int
) -> None:
    outcome, _ = run(engine, Limits(max_per_layer=limit))
    exact = engine.expected_prefixes()
    assert outcome.complete == (max(exact) <= limit)
    assert outcome.reason == ("" if outcome.complete else "max-per-layer")
    assert max(outcome.tally.prefix_counts) <= limit
    assert not outcome.open
    assert bool(outcome.parked) == (not outcome.complete)
    for count, bracket in zip(exact, outcome.layers(), strict=True):
        if count <= limit:
            assert bracket == Bracket(count, count)
    check_brackets(engine, outcome)


def check_brackets(engine: ToyEngine, outcome: Outcome) -> None:
    exact = engine.expected_prefixes()
    for count, bracket in zip(exact, outcome.layers(), strict=True):
        assert bracket.lower <= count
        assert bracket.upper in (None, count)
    known = outcome.regions(len(engine.expected()))
    assert outcome.n_regions + len(outcome.left) <= known.upper
    assert outcome.layers(exact) == tuple(
        replace(bracket, upper=count)
        for bracket, count in zip(outcome.layers(), exact, strict=True)
    )


def test_known_brackets_of_a_cut_run() -> None:
    left = (Cube.of([1, 2], 1), Cube.of([1, -2, 6], 2), Cube.of([-1], 0))
    outcome = Outcome("max-seconds", Tally(9, 0, (2, 4, 9)), Fraction(1, 8), left, (), (), True)
    # Uncounted: one cube in layer 1, two in layer 2, all three in layer 3.
    assert outcome.layers() == (Bracket(3, None), Bracket(6, None), Bracket(12, None))
    assert outcome.regions() == Bracket(12, None)
    assert outcome.layers((3, 7, 50)) == (Bracket(3, 3), Bracket(6, 7), Bracket(12, 50))
    with pytest.raises(CheckFailedError, match="12 counted; expected at most 11"):
        outcome.regions(11)
    with pytest.raises(CheckFailedError, match="prefix 2"):
        outcome.layers((3, 5, 50))
    # Cubes that may be empty prove nothing, except that the layers are not complete.
    maybe = replace(outcome, nonempty=False)
    assert maybe.layers() == (Bracket(2, None), Bracket(4, None), Bracket(9, None))
    # Layer 1 done: complete, whatever is missing below; its count bounds the others.
    partly = replace(maybe, open=(Cube.of([1, 2], 1),), tally=Tally(1, 0, (4, 2, 1)))
    assert partly.layers() == (Bracket(4, 4), Bracket(4, None), Bracket(4, None))


def test_time_is_kept_and_what_is_left_goes_on_later() -> None:
    # All of it would take half a minute.
    engine = ToyEngine(WIDTHS, 3, delay=0.05)
    begin = time.monotonic()
    outcome, sink = run(engine, Limits(max_seconds=1.0), Pace(seconds=0.3))
    assert time.monotonic() - begin < 10.0
    assert outcome.reason == "max-seconds"
    assert 0 < outcome.closed < 1
    later = Collected()
    engine.delay = 0.0
    final = enumerate_regions(
        engine,
        3,
        roots=outcome.left,
        before=outcome.tally,
        closed=outcome.closed,
        sinks=[later],
    )
    assert final.complete
    assert final.closed == 1
    assert final.n_regions == len(engine.expected())
    assert final.tally.prefix_counts == engine.expected_prefixes()
    assert final.tally.seconds > outcome.tally.seconds
    assert sorted(sink.patterns + later.patterns) == sorted(engine.expected())


def test_a_share_of_the_whole_is_complete_in_itself() -> None:
    engine = ToyEngine(WIDTHS, 3, steps=20)
    first = engine.advance(ROOT, Budget(10**9, time.monotonic() + 60))
    shares = [Collected() for _ in first.open]
    for cube, sink in zip(first.open, shares, strict=True):
        outcome = enumerate_regions(engine, 3, roots=[cube], sinks=[sink])
        assert outcome.complete
        assert outcome.closed == 1
    listed = [row.tobytes() for row in first.regions.patterns]
    listed += [pattern for sink in shares for pattern in sink.patterns]
    assert sorted(listed) == sorted(engine.expected())


class Interrupting(Collected):
    """Presses Ctrl-C at the third advance, in the middle of a sink's work."""

    def accept(self, advance: Advance) -> None:
        if len(self.advances) == 2:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        super().accept(advance)


def test_ctrl_c_in_a_sink_ends_after_it_with_nothing_lost() -> None:
    engine = ToyEngine(WIDTHS, 3, steps=20)
    sink, after = Interrupting(), Collected()
    handler = signal.getsignal(signal.SIGINT)
    outcome = enumerate_regions(engine, 3, sinks=[sink, after])
    assert signal.getsignal(signal.SIGINT) is handler
    assert outcome.reason == "interrupted"
    assert not outcome.complete
    assert len(sink.advances) == len(after.advances) == 3
    assert outcome.n_regions == len(sink.patterns)
    final = enumerate_regions(
        engine, 3, roots=outcome.left, before=outcome.tally, closed=outcome.closed, sinks=[after]
    )
    assert final.closed == 1
    assert sorted(after.patterns) == sorted(engine.expected())


class Stubborn(ToyEngine):
    """Is interrupted in its third advance, and does not look at the clock."""

    presses = 0
    calls = 0

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        self.calls += 1
        if self.calls == 3:
            for _ in range(self.presses):
                os.kill(os.getpid(), signal.SIGINT)
        return super().advance(cube, budget)


@pytest.mark.parametrize(("presses", "kept"), [(1, 3), (2, 2)])
def test_one_ctrl_c_waits_for_the_engine_and_a_second_does_not(presses: int, kept: int) -> None:
    engine = Stubborn(WIDTHS, 3, steps=20)
    engine.presses = presses
    outcome, sink = run(engine)
    assert outcome.reason == "interrupted"
    assert len(sink.advances) == kept
    assert outcome.n_regions == len(sink.patterns)
    assert sum((c.weight for c in outcome.left), Fraction(0)) == 1 - outcome.closed


class Unresolving(ToyEngine):
    """Gives up on what lies under one decision."""

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        found = super().advance(cube, budget)
        if cube.depth >= 2 and found.open:
            return replace(found, unresolved="the pivots failed")
        return found


def test_unresolved_cubes_are_set_aside_with_the_reason() -> None:
    engine = Unresolving(WIDTHS, 3, steps=20)
    outcome, sink = run(engine)
    assert outcome.reason == "unresolved: the pivots failed"
    assert not outcome.open
    assert {why for why, _ in outcome.unresolved} == {"the pivots failed"}
    assert 0 < outcome.closed < 1
    rest = Collected()
    sound = ToyEngine(WIDTHS, 3)
    cubes = [cube for _, cube in outcome.unresolved]
    enumerate_regions(sound, 3, roots=cubes, closed=outcome.closed, sinks=[rest])
    assert sorted(sink.patterns + rest.patterns) == sorted(engine.expected())


class Broken(ToyEngine):
    """Changes each advance in a way that the contract forbids."""

    def __init__(self, how: str) -> None:
        super().__init__(WIDTHS, 3, steps=10**9 if how == "greedy" else 20)
        self.how = how

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        if self.how == "greedy":
            return super().advance(cube, replace(budget, max_regions=10**9))
        if self.how == "idle":
            return replace(super().advance(cube, budget), open=(cube,), regions=no_regions())
        found = super().advance(cube, budget)
        changed = {
            "twice": {"open": (*found.open, *found.open)},
            "elsewhere": {"open": (Cube.of([-k for k in cube.literals]),)},
            "another": {"cube": Cube.of([7, 8, 9])},
        }
        if self.how == "elsewhere" and cube.depth == 0:
            return found
        return replace(found, **changed[self.how])


def no_regions() -> RegionBatch:
    return RegionBatch.empty(sum(WIDTHS), 2)


@pytest.mark.parametrize("how", ["greedy", "idle", "twice", "elsewhere", "another"])
def test_an_engine_that_breaks_the_contract_is_found_out(how: str) -> None:
    with pytest.raises(CheckFailedError):
        run(Broken(how), Limits(max_regions=3 if how == "greedy" else 10**6))


class Slow(ToyEngine):
    """Gets anywhere only with at least 0.05 s at a time."""

    granted: tuple[float, ...] = ()

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        given = budget.seconds_left
        self.granted = (*self.granted, given)
        if given < 0.05:
            time.sleep(max(0.0, given))
            nothing = np.zeros(len(self.widths), dtype=np.int64)
            thin = np.zeros((0, 2), dtype=np.uint8)
            return Advance(cube, no_regions(), (cube,), nothing, thin)
        return super().advance(cube, budget)


def test_an_engine_that_needs_longer_slices_gets_them() -> None:
    engine = Slow(WIDTHS, 3, steps=400)
    outcome, _ = run(engine, pace=Pace(seconds=0.01))
    assert outcome.complete
    # Longer slices where it needs them, and short ones again after it got somewhere.
    assert sum(1 for seconds in engine.granted if seconds >= 0.05) > 1
    assert sum(1 for seconds in engine.granted if seconds <= 0.01) > 1


class Snapshots:
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[Snapshot] = []
        self.last: Snapshot | None = None

    def update(self, snapshot: Snapshot) -> None:
        self.seen.append(snapshot)

    def finish(self, snapshot: Snapshot) -> None:
        self.last = snapshot


def test_progress_grows_to_one() -> None:
    engine = ToyEngine(WIDTHS, 3, steps=20)
    progress = Snapshots()
    before = Tally(n_regions=1000)
    enumerate_regions(engine, 3, before=before, progress=progress)
    shares = [s.closed for s in progress.seen]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 1
    assert progress.last is not None
    assert progress.last.closed == 1.0
    assert progress.last.n_new == len(engine.expected())
    assert progress.last.n_regions == 1000 + len(engine.expected())


def test_a_network_without_units_is_one_region() -> None:
    class Affine(ToyEngine):
        def advance(self, cube: Cube, budget: Budget) -> Advance:
            one = RegionBatch(np.zeros((1, 1), dtype=np.uint8), np.zeros((1, 2)), np.ones(1))
            nothing = np.zeros((0, 1), dtype=np.uint8)
            return Advance(cube, one, (), np.zeros(0, dtype=np.int64), nothing)

    outcome, _ = run(Affine(()), Limits(max_per_layer=5))
    assert outcome.complete
    assert outcome.layers() == ()
    assert outcome.regions() == Bracket(1, 1)


def test_limits_must_leave_something() -> None:
    for limits in ({"max_regions": 0}, {"max_seconds": -1.0}, {"max_per_layer": 0}):
        with pytest.raises(InputError, match="above 0"):
            Limits(**limits)
    with pytest.raises(InputError, match="--max-seconds"):
        Limits(max_seconds=float("nan"))


def test_wide_rows_are_asked_for_in_small_batches() -> None:
    assert Pace.for_rows(100).regions == 50_000
    assert Pace.for_rows(64 << 10).regions == 1024
    assert Pace.for_rows(1 << 40).regions == 100
