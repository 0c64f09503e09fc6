"""The big-M program against forward passes, definitions and a second solver."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import numpy as np
import pyomo.environ as pyo
import pyscipopt
import pytest

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.affine import Affine
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.encoding.big_m import UNSTABLE, Encoding, encode
from cpwl_milp.encoding.compile import Compiled, compile_encoding, forward_values
from cpwl_milp.encoding.export import export_program
from cpwl_milp.encoding.pattern_search import HighsSearch, PyomoSearch
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.program import SolveStatus
from tests import definitions
from tests.networks import degenerate_network, mlp, random_network


def encoded(
    network: Network, domain: Domain, *, margin: float = 1e-6, outputs: bool = True
) -> tuple[Encoding, Compiled]:
    bounds = pre_activation_bounds(network, domain)
    encoding = encode(network, domain, bounds, margin=margin, outputs=outputs)
    return encoding, compile_encoding(encoding)


def with_skips(rng: np.random.Generator) -> Network:
    """A network whose layers hold units that pass on, as residual ones do."""
    sizes = [3, 6, 5, 2]
    maps = [
        Affine(rng.normal(size=(n, m)), rng.normal(size=n)) for m, n in itertools.pairwise(sizes)
    ]
    slopes = [np.array([0, 1, 1, 0.1, -1, 0.0]), np.array([1.0, 2.0, 0, 0, 1])]
    return Network(tuple(Layer(m, s) for m, s in zip(maps, slopes, strict=False)), maps[-1])


@pytest.mark.parametrize("seed", range(25))
def test_forward_pass_satisfies_every_row(seed: int) -> None:
    rng = np.random.default_rng(seed)
    make = (random_network, degenerate_network)[seed % 2]
    network = make(rng, 3, [5, 4, 3], 2) if seed % 5 else with_skips(rng)
    box = Box.uniform(-1, 1, 3)
    encoding, compiled = encoded(network, box, margin=0.0)
    points = np.concatenate([box.sample(30, rng), [box.centre, box.lower, box.upper]])
    for x in points:
        values = forward_values(encoding, x)
        solution = np.array([values[name] for name in compiled.names])
        assert compiled.program.violation(solution) < 1e-12
        np.testing.assert_array_equal(compiled.bits(solution), network.bits(x[None])[0])
        used = compiled.x_columns >= 0
        np.testing.assert_array_equal(compiled.inputs(solution)[used], x[used])


def test_only_the_margin_cuts_a_forward_pass() -> None:
    network = mlp(([[1.0]], [0.0]), ([[1.0]], [0.0]))
    encoding, compiled = encoded(network, Box.uniform(-1, 1, 1), margin=1e-2, outputs=False)
    for x, allowed in ((-1.0, True), (0.0, True), (0.005, False), (0.011, True)):
        values = forward_values(encoding, np.array([x]))
        solution = np.array([values[name] for name in compiled.names])
        assert (compiled.program.violation(solution) < 1e-12) == allowed


def test_stable_units_get_no_binary() -> None:
    network = mlp(([[1.0], [1.0], [1.0], [-1.0]], [2.0, -2.0, 0.5, 3.0]), ([[1.0] * 4], [0.0]))
    encoding, compiled = encoded(network, Box.uniform(-1, 1, 1))
    np.testing.assert_array_equal(encoding.stable_bits, [1, 0, UNSTABLE, 1])
    assert compiled.program.integer.sum() == 1
    np.testing.assert_array_equal(compiled.on_columns >= 0, [False, False, True, False])
    assert "on[1,2]" in compiled.names
    assert "value[1,0]" in compiled.names
    assert not any("1,1]" in name for name in compiled.names)


def test_equilibrated_program_has_the_same_points() -> None:
    rng = np.random.default_rng(0)
    network = random_network(rng, 3, [6, 6], 1)
    box = Box(np.array([-1e-3, 100.0, 0.0]), np.array([1e-3, 5000.0, 1.0]))
    encoding, compiled = encoded(network, box, margin=0.0)
    program, scale = compiled.program.equilibrated()
    for x in box.sample(20, rng):
        values = forward_values(encoding, x)
        solution = np.array([values[name] for name in compiled.names])
        assert program.violation(solution / scale) < 1e-12
    assert np.abs(program.matrix.data).max() < 3


def test_dense_layer_of_mnist_size_is_encoded_in_seconds() -> None:
    rng = np.random.default_rng(0)
    network = random_network(rng, 784, [256], 1)
    box = Box.uniform(0, 1, 784)
    bounds = pre_activation_bounds(network, box)
    start = time.process_time()
    compiled = compile_encoding(encode(network, box, bounds, outputs=True))
    assert time.process_time() - start < 5
    assert compiled.program.n_columns > 784 + 256


def count_patterns(network: Network, box: Box, margin: float) -> int:
    encoding, _ = encoded(network, box, margin=margin, outputs=False)
    search = HighsSearch(encoding)
    units = np.flatnonzero(encoding.stable_bits == UNSTABLE)
    for count in range(1000):
        proposal = search.propose(20)
        if proposal.status is SolveStatus.INFEASIBLE:
            return count
        assert proposal.bits is not None
        search.cut(units, proposal.bits[units])
    raise AssertionError("no end")


@pytest.mark.parametrize("case", definitions.CASES[:8], ids=lambda case: case.name)
def test_definitions_table_of_encodings(case: definitions.Case) -> None:
    box = Box.uniform(-2, 2, case.network.n_inputs)
    assert count_patterns(case.network, box, 1e-5) == case.active_margin
    assert count_patterns(case.network, box, 0.0) == case.closed


@pytest.mark.parametrize("suffix", [".mps", ".lp"])
def test_scip_reads_the_exported_file_to_the_same_optimum(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(4)
    network = random_network(rng, 3, [6, 5], 1)
    box = Box.uniform(-1, 1, 3)
    encoding, compiled = encoded(network, box, margin=0.0)
    session = HighsSession(compiled.program)
    session.set_objective([compiled.names.index("y[0]")], [1.0], maximise=True)
    ours = session.solve(30).objective
    assert ours >= network(box.sample(2000, rng)).max() - 1e-6
    encoding.model.objective.deactivate()
    encoding.model.best = pyo.Objective(expr=-encoding.model.y[0])
    path = tmp_path / f"m{suffix}"
    export_program(encoding, path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    scip = pyscipopt.Model()
    scip.hideOutput()
    scip.readProblem(str(path))
    scip.optimize()
    assert scip.getStatus() == "optimal"
    assert -scip.getObjVal() == pytest.approx(ours, abs=1e-5)
    names = {v.name for v in scip.getVars()}
    assert {"x(0)", "on(1_0)"} <= names


def test_export_makes_its_folder_and_refuses_what_cannot_be_written(tmp_path: Path) -> None:
    encoding, _ = encoded(definitions.OPPOSITE, Box.uniform(-1, 1, 1))
    with pytest.raises(InputError, match=r"\.mps or \.lp"):
        export_program(encoding, tmp_path / "m.txt")
    assert list(tmp_path.iterdir()) == []
    made = tmp_path / "new" / "m.mps"
    export_program(encoding, made)
    assert made.stat().st_size > 0
    with pytest.raises(InputError, match="cannot be written"):
        export_program(encoding, made / "m.mps")


@pytest.mark.parametrize("solver", ["appsi_highs", "scip_direct"])
def test_pyomo_solvers_list_the_same_patterns(solver: str) -> None:
    network = random_network(np.random.default_rng(8), 2, [4, 3], 1)
    box = Box.uniform(-1, 1, 2)
    encoding, _ = encoded(network, box, margin=1e-5, outputs=False)
    units = np.flatnonzero(encoding.stable_bits == UNSTABLE)
    found = []
    for search in (HighsSearch(encoding), PyomoSearch(encoding, solver)):
        patterns = set()
        while (proposal := search.propose(30)).bits is not None:
            assert proposal.x is not None
            assert box.contains(proposal.x[None] * (1 - 1e-9))[0]
            patterns.add(tuple(proposal.bits.tolist()))
            search.cut(units, proposal.bits[units])
        assert proposal.status is SolveStatus.INFEASIBLE
        first = next(iter(patterns))
        search.fix({int(units[0]): not first[units[0]]})
        assert search.propose(30).status is SolveStatus.INFEASIBLE
        search.fix({})
        found.append(patterns)
    assert found[0] == found[1]
    assert len(found[0]) > 5


@pytest.mark.parametrize(
    ("name", "message"), [("nosuch", "knows no solver"), ("gurobi_persistent", "not installed")]
)
def test_unknown_and_missing_solvers_are_named(name: str, message: str) -> None:
    encoding, _ = encoded(definitions.OPPOSITE, Box.uniform(-1, 1, 1))
    with pytest.raises(InputError, match=message) as caught:
        PyomoSearch(encoding, name)
    assert name in str(caught.value)
