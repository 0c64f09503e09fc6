"""Boundary pieces: by halves of regions, and by one linear program a region."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from cpwl_milp.census import CountSettings
from cpwl_milp.conditions import Condition
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import pack, unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.choice import EngineSettings
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.listing import list_regions
from cpwl_milp.questions import boundary_pieces
from tests.cli.command import MOONS, answer, invoke
from tests.conditions.oracle import DoubtError, output_map
from tests.networks import degenerate_network, mlp, random_network
from tests.oracles import region_rows

_ZERO, _CLEAR = 1e-9, 1e-6


def _room(network: Network, box: Box, bits: np.ndarray, outputs: tuple[int, ...]) -> float:
    """How far inside its region, and how clearly leading, a point of the boundary can be."""
    n = box.dim
    P, q = output_map(network, bits)
    i, j = outputs if len(outputs) == 2 else (outputs[0], None)
    gradient = P[i] - (P[j] if j is not None else 0.0)
    value = q[i] - (q[j] if j is not None else 0.0)
    scale = 1.0 + np.abs(P).sum() + np.abs(q).sum()
    if np.linalg.norm(gradient) <= _ZERO * scale:
        return -1.0
    A, b = region_rows(network, bits)
    rows = [A, np.eye(n), -np.eye(n)]
    sides = [b, box.upper, -box.lower]
    for k in range(len(P)):
        if k not in outputs:
            a, c = P[k] - P[i], q[i] - q[k]
            norm = np.linalg.norm(a)
            if norm > _ZERO * scale:
                rows.append(a[None, :] / norm)
                sides.append(np.array([c / norm]))
            elif abs(c) < _ZERO * scale or c < 0:
                return -1.0
    matrix = np.concatenate(rows)
    found = linprog(
        np.r_[np.zeros(n), -1.0],
        A_ub=np.c_[matrix, np.ones(len(matrix))],
        b_ub=np.concatenate(sides),
        A_eq=np.r_[gradient, 0.0][None, :] / np.linalg.norm(gradient),
        b_eq=[-value / np.linalg.norm(gradient)],
        bounds=[(None, None)] * n + [(-10.0, None)],
    )
    return float(-found.fun) if found.status == 0 else -1.0


def pieces_by_programs(network: Network, box: Box, outputs: tuple[int, ...]) -> set[bytes]:
    """Packed patterns of the regions with a piece of the boundary between some outputs."""
    regions, outcome = list_regions(Problem.of(network, box))
    assert outcome.complete
    found = set()
    for bits in unpack(regions.patterns, network.n_units):
        room = _room(network, box, bits, outputs)
        if _ZERO < room < _CLEAR:
            raise DoubtError
        if room >= _CLEAR:
            found.add(bytes(pack(bits[None, :])[0]))
    return found


@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_pieces_are_those_of_linear_programs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d, n_outputs = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    widths = [int(k) for k in rng.integers(1, 5, int(rng.integers(0, 3)))]
    network = degenerate_network(rng, d, widths, n_outputs)
    box = Box(-np.ones(d), np.ones(d) * rng.integers(1, 3))
    parts = list(itertools.combinations(range(n_outputs), 2)) or [(0,)]
    try:
        expected = {part: pieces_by_programs(network, box, part) for part in parts}
    except DoubtError:
        assume(False)
    for engine in ("cells", "tree", "milp"):
        found = boundary_pieces(network, box, settings=CountSettings(EngineSettings(engine)))
        assert found.complete
        for part in found.parts:
            assert {bytes(row) for row in part.patterns} == expected[part.outputs]
            assert part.pieces.lower == part.pieces.upper == len(expected[part.outputs])
        assert found.pieces.lower == sum(map(len, expected.values()))


def test_a_tie_on_a_whole_region_is_no_piece() -> None:
    network = mlp(([[1.0], [-1.0]], [0.0, 0.0]), ([[1.0, 0.0], [0.0, 0.0]], [0.0, 0.0]))
    assert boundary_pieces(network, Box.uniform(-1, 1, 1)).pieces.upper == 0


def test_a_level_set_and_a_condition() -> None:
    # |x| + |y| = 1 has one piece in each quadrant.
    network = mlp(
        ([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], [0.0] * 4), ([[1.0] * 4], [0.0])
    )
    box = Box.uniform(-2, 2, 2)
    assert boundary_pieces(network, box, level=1.0).pieces.lower == 4
    half = Condition.of("x0 > 0.25")
    assert boundary_pieces(network, box, level=1.0, condition=half).pieces.lower == 2
    assert boundary_pieces(network, box, level=5.0).pieces.upper == 0


def test_limits_leave_a_bracket() -> None:
    network, box = random_network(np.random.default_rng(7), 2, (8, 8), 3), Box.uniform(-1, 1, 2)
    whole = boundary_pieces(network, box)
    cut = boundary_pieces(network, box, settings=CountSettings(limits=Limits(max_regions=3)))
    assert cut.reason == "max-regions"
    assert cut.pieces.lower <= whole.pieces.lower <= (cut.pieces.upper or 0)


def test_what_does_not_fit_is_refused() -> None:
    three, one = (random_network(np.random.default_rng(0), 2, (3,), k) for k in (3, 1))
    box = Box.uniform(-1, 1, 2)
    for call in (
        lambda: boundary_pieces(three, box, [(0, 3)]),
        lambda: boundary_pieces(three, box, [(1, 1)]),
        lambda: boundary_pieces(three, box, level=1.0),
        lambda: boundary_pieces(one, box, [(0, 1)]),
    ):
        with pytest.raises(InputError):
            call()


def test_the_command() -> None:
    found = answer("boundary", MOONS, "--box", "-2,3")
    regions = [answer("count", MOONS, "--box", "-2,3", "--class", k)["regions"] for k in (0, 1)]
    # No region of this network is on neither side: those of both are divided.
    assert found["pieces"] == found["upper"] == sum(regions) - 333
    assert found["parts"][0]["outputs"] == [0, 1]
    part = answer("boundary", MOONS, "--box", "-2,3", "--where", "x0 > 0", "--pair", "1,0")
    assert 0 < part["pieces"] < found["pieces"]
    assert invoke("boundary", MOONS, "--box", "-2,3", "--class", 0).exit_code == 2
    assert invoke("boundary", MOONS, "--box", "-2,3", "--pair", "0,7").exit_code == 1
    assert invoke("boundary", MOONS, "--box", "-2,3", "--pair", "0;1").exit_code == 2
    assert invoke("boundary", MOONS, "--box", "-2,3", "--max-regions", 2).exit_code == 3
