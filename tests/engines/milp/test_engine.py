"""The milp engine against the oracle, the table of definitions and its own contract."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.cube import ROOT, Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import SolverError
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import pack, unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.encoding.big_m import Encoding
from cpwl_milp.encoding.pattern_search import PatternSearch, Proposal
from cpwl_milp.engines.milp import engine as engine_module
from cpwl_milp.engines.milp.certificate import Kind, judge
from cpwl_milp.engines.milp.engine import MilpEngine
from cpwl_milp.engines.milp.scope import Scope
from cpwl_milp.engines.milp.settings import MilpSettings
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.onnx_io import load_model
from cpwl_milp.solvers.program import SolveStatus
from tests import definitions
from tests.networks import degenerate_network, mlp, random_network
from tests.oracles import OracleDoubtError, facet_walk_regions, own_patterns, prefix_patterns

BOX2 = Box.uniform(-1, 1, 2)
PLAIN = MilpSettings(local_search=False, close_by_facets=False)


def milp(network: Network, box: Box, **options: object) -> MilpEngine:
    problem = Problem.of(network, box)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    return MilpEngine(problem, bounds, **options)  # type: ignore[arg-type]


def budget(max_regions: int = 10**6, seconds: float = 60) -> Budget:
    return Budget(max_regions, time.monotonic() + seconds)


def all_of(network: Network, box: Box, **options: object) -> Advance:
    advance = milp(network, box, **options).advance(ROOT, budget())
    assert advance.open == ()
    assert advance.parked == ()
    assert advance.unresolved == ""
    return advance


def keys(advance: Advance) -> set[bytes]:
    found = [bytes(row) for row in advance.regions.patterns]
    assert len(found) == len(set(found))
    return set(found)


def cases(n: int, n_inputs: tuple[int, int] = (1, 4)) -> Iterator[tuple[Network, Box, set[bytes]]]:
    for seed in range(n):
        rng = np.random.default_rng(1000 + seed)
        make = degenerate_network if seed % 2 else random_network
        widths = rng.integers(1, 5, rng.integers(1, 4)).tolist()
        network = make(rng, int(rng.integers(*n_inputs)), widths)
        box = Box.uniform(-1, 1, network.n_inputs)
        try:
            expected = facet_walk_regions(network, box)
        except OracleDoubtError:
            continue
        if len(expected) <= 30:
            yield network, box, expected


@pytest.mark.parametrize("case", definitions.CASES, ids=lambda case: case.name)
def test_definitions_table(case: definitions.Case) -> None:
    box = Box.uniform(-2, 2, case.network.n_inputs)
    advance = all_of(case.network, box)
    assert len(advance.regions) == case.proper
    assert len(advance.regions) + len(advance.thin) == case.half_open
    assert "found_by_facets" not in advance.decisions


def test_whole_scope_agrees_with_the_oracle() -> None:
    n = 0
    for network, box, expected in cases(14):
        advance = all_of(network, box)
        assert keys(advance) == expected
        n += 1
        bits = unpack(advance.regions.patterns, network.n_units)
        for row, point, radius in zip(
            bits, advance.regions.points, advance.regions.inradii, strict=True
        ):
            assert judge(network, box, row).kind is Kind.PROPER
            assert radius > 0
            near = network.pre_activations(point[None])
            for layer, z in enumerate(near):
                hidden = z[0, network.layers[layer].units]
                own = row[network.layer_bits(layer)]
                assert ((hidden > 0) == own)[np.abs(hidden) > 1e-12].all()
        for n_layers in range(1, len(network.layers) + 1):
            count = len(prefix_patterns(network, expected, n_layers))
            assert advance.prefix_counts[n_layers - 1] == count
    assert n >= 8


def test_the_integer_program_alone_agrees_with_the_oracle() -> None:
    for network, box, expected in cases(6, (1, 3)):
        advance = all_of(network, box, settings=PLAIN)
        assert keys(advance) == expected
        assert advance.decisions["solves"] >= len(expected)


def test_projections_agree_with_the_oracle() -> None:
    for network, box, expected in cases(10):
        last = len(network.layers)
        own = all_of(network, box, scope=Scope.own(last), settings=PLAIN)
        wanted = own_patterns(network, expected, last - 1)
        assert keys(own) == wanted
        spent = own.decisions
        wasted = spent.get("thin", 0) + spent.get("spurious", 0)
        assert spent.get("solves", 0) + spent.get("closing_solves", 0) <= len(wanted) + 2 + wasted
        prefix = all_of(network, box, scope=Scope.prefix(1))
        assert keys(prefix) == prefix_patterns(network, expected, 1)
        assert prefix.prefix_counts[0] == len(keys(prefix))


def test_known_points_and_patterns_are_cut_first() -> None:
    network = random_network(np.random.default_rng(3), 2, [5, 4])
    expected = facet_walk_regions(network, BOX2)
    points = BOX2.sample(5000, np.random.default_rng(0))
    seen = {row.tobytes() for row in pack(network.bits(points))}
    advance = all_of(network, BOX2, known_points=points, settings=PLAIN)
    assert keys(advance) == expected
    assert advance.decisions["points"] == len(seen)
    assert advance.decisions["solves"] + advance.decisions["closing_solves"] == (
        len(expected) - len(seen) + 2
    )
    half = advance.regions.patterns[::2]
    rest = all_of(network, BOX2, known_patterns=half)
    assert keys(rest) == expected - {bytes(row) for row in half}
    none = all_of(network, BOX2, known_patterns=advance.regions.patterns)
    assert len(none.regions) == 0
    assert none.prefix_counts.sum() == 0


def test_points_on_thin_patterns_or_outside_are_not_listed() -> None:
    points = np.array([[0.0], [-3.0], [0.5]])
    advance = all_of(
        definitions.OPPOSITE, Box.uniform(-2, 2, 1), known_points=points, settings=PLAIN
    )
    assert len(advance.regions) == 2
    assert len(advance.thin) == 1
    assert advance.decisions["points"] == 1


def test_steps_and_cubes_add_up() -> None:
    network = random_network(np.random.default_rng(5), 2, [4, 3])
    expected = facet_walk_regions(network, BOX2)
    engine = milp(network, BOX2)
    todo, found, counts = [ROOT], [], np.zeros(2, dtype=np.int64)
    while todo:
        advance = engine.advance(todo.pop(), budget(max_regions=3))
        assert len(advance.regions) <= 3
        found += [bytes(row) for row in advance.regions.patterns]
        counts += advance.prefix_counts
        todo += advance.open
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert counts.tolist() == [len(prefix_patterns(network, expected, k)) for k in (1, 2)]
    engine = milp(network, BOX2)
    both = []
    for literal in (1, -1):
        advance = engine.advance(Cube.of([literal]), budget())
        assert advance.open == ()
        bits = unpack(advance.regions.patterns, network.n_units)
        assert (bits[:, 0] == (literal > 0)).all()
        both += [bytes(row) for row in advance.regions.patterns]
    assert len(both) == len(expected)
    assert set(both) == expected


def test_cubes_that_contradict_the_bounds_are_closed_at_once() -> None:
    network = mlp(([[1.0], [1.0]], [3.0, 0.0]), ([[1.0, 1.0]], [0.0]))
    engine = milp(network, Box.uniform(-1, 1, 1))
    for literals in ([-1], [2, -2]):
        advance = engine.advance(Cube.of(literals), budget())
        assert len(advance.regions) == 0
        assert advance.open == ()
    with pytest.raises(ValueError, match="beyond the layers"):
        engine.advance(Cube.of([9]), budget())


def test_a_spent_budget_leaves_the_cube_open() -> None:
    network = random_network(np.random.default_rng(0), 2, [8, 8])
    advance = milp(network, BOX2).advance(ROOT, budget(seconds=0.0))
    assert advance.open == (ROOT,)
    assert advance.unresolved == ""


def test_prefix_limits_park_the_cube() -> None:
    network = random_network(np.random.default_rng(5), 2, [4, 3])
    engine = milp(network, BOX2)
    advance = engine.advance(ROOT, Budget(10**6, time.monotonic() + 60, (3, 5)))
    assert advance.parked == (ROOT,)
    assert advance.open == ()
    assert (advance.prefix_counts <= [3, 5]).all()
    assert advance.prefix_counts.max() >= 3
    assert len(advance.regions) >= 3


def test_facets_find_what_a_coarse_margin_hides() -> None:
    """The middle unit never exceeds 1e-3 of its range: invisible to the program, not to facets."""
    network = mlp(([[1.0], [-1.0]], [0.0, 1e-4]), ([[1.0, 1.0]], [0.0]))
    box = Box.uniform(-1, 1, 1)
    coarse = {"margin": 1e-3, "closing_margin": 1e-3, "local_search": False}
    blind = all_of(network, box, settings=MilpSettings(close_by_facets=False, **coarse))
    assert len(blind.regions) == 2
    closed = all_of(network, box, settings=MilpSettings(**coarse))
    assert len(closed.regions) == 3
    assert closed.decisions["found_by_facets"] == 1
    fine = all_of(network, box, settings=PLAIN)
    assert len(fine.regions) == 3


def test_network_without_units_or_with_stable_units_only_has_one_region() -> None:
    for network in (mlp(([[1.0, 1.0]], [0.0])), mlp(([[1.0, 0.0]], [5.0]), ([[1.0]], [0.0]))):
        advance = all_of(network, BOX2)
        assert len(advance.regions) == 1


def test_another_solver_gives_the_same_regions() -> None:
    network = random_network(np.random.default_rng(8), 2, [4, 2])
    settings = MilpSettings(solver="scip_direct", margin=1e-5, local_search=False)
    advance = all_of(network, BOX2, settings=settings)
    assert keys(advance) == facet_walk_regions(network, BOX2)


def test_last_layer_of_a_network_with_ten_inputs(shared_models) -> None:  # type: ignore[no-untyped-def]
    network = load_model(shared_models / "small/sklearn/sk_3_42_0_0_relu.onnx").network
    box = Box.uniform(-1, 1, network.n_inputs)
    advance = all_of(network, box, scope=Scope.own(3))
    samples = network.bits(box.sample(50_000, np.random.default_rng(0)))
    seen = {row.tobytes() for row in pack(samples[:, network.layer_bits(2)])}
    assert seen <= keys(advance)
    assert len(keys(advance)) == 4


class _Broken:
    """A search that fails, or repeats itself, from its n-th answer on."""

    def __init__(self, search: PatternSearch, good: int, repeats: bool) -> None:
        self._search, self._good, self._repeats = search, good, repeats
        self._last: Proposal | None = None

    def fix(self, literals: dict[int, bool]) -> None:
        self._search.fix(literals)

    def cut(self, units: np.ndarray, bits: np.ndarray) -> None:
        self._search.cut(units, bits)

    def propose(self, seconds: float) -> Proposal:
        self._good -= 1
        if self._good < 0:
            if self._repeats and self._last is not None:
                return self._last
            return Proposal(SolveStatus.UNKNOWN, reason="HiGHS failed")
        self._last = self._search.propose(seconds)
        return self._last


@pytest.mark.parametrize("scope", [Scope.whole(), Scope.own(2)])
@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("good", [0, 3])
def test_a_failing_solver_leaves_a_bracket(
    monkeypatch: pytest.MonkeyPatch, scope: Scope, repeats: bool, good: int
) -> None:
    network = random_network(np.random.default_rng(5), 2, [4, 3])
    expected = facet_walk_regions(network, BOX2)
    wanted = own_patterns(network, expected, 1) if scope.is_projection else expected
    true_open = engine_module.open_search

    def open_search(encoding: Encoding, solver: str = "highs", *, seed: int = 0) -> PatternSearch:
        return _Broken(true_open(encoding, solver, seed=seed), good, repeats)

    monkeypatch.setattr(engine_module, "open_search", open_search)
    engine = milp(network, BOX2, scope=scope, settings=MilpSettings(local_search=False))
    outcome = enumerate_regions(engine, 2, limits=Limits(max_seconds=60))
    assert not outcome.complete
    assert outcome.reason.startswith("unresolved: ")
    assert outcome.n_regions <= len(wanted)
    if good and not scope.is_projection:
        # Facets lead from the regions found to all others.
        assert outcome.n_regions == len(wanted)
    elif good:
        assert outcome.n_regions >= min(good, len(wanted))


def test_a_program_that_the_solver_does_not_take_leaves_a_bracket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> PatternSearch:
        raise SolverError("HiGHS", "did not take the program as given")

    monkeypatch.setattr(engine_module, "open_search", refuse)
    network = random_network(np.random.default_rng(5), 2, [4, 3])
    points = BOX2.sample(100, np.random.default_rng(0))
    advance = milp(network, BOX2, known_points=points).advance(ROOT, budget())
    assert advance.open == (ROOT,)
    assert advance.unresolved == "HiGHS: did not take the program as given"
    assert keys(advance) == facet_walk_regions(network, BOX2)
