"""Every exact engine against the table of known answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import ROOT
from cpwl_milp.core.exploration import Budget, Engine
from cpwl_milp.core.pattern import unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.cells import CellsEngine
from cpwl_milp.engines.milp.engine import MilpEngine
from cpwl_milp.engines.tree import TreeEngine
from tests.known_answers import KNOWN_ANSWERS, KnownAnswer


class ExactEngine(NamedTuple):
    name: str
    build: Callable[[Problem, Bounds], Engine]
    # Above this many regions the engine is too slow for a test.
    most: int


def exact_engines() -> tuple[ExactEngine, ...]:
    return (
        ExactEngine("cells", lambda problem, bounds: CellsEngine(problem, bounds), 10**6),
        ExactEngine("tree", lambda problem, bounds: TreeEngine(problem, bounds), 10**6),
        ExactEngine("milp", lambda problem, bounds: MilpEngine(problem, bounds), 30),
    )


CASES = [
    pytest.param(engine, answer, id=f"{engine.name}-{answer.name}")
    for engine in exact_engines()
    for answer in KNOWN_ANSWERS
    if answer.regions <= engine.most
]


def _patterns(engine: Engine, n_units: int) -> np.ndarray:
    """All patterns that the engine lists until nothing is open."""
    todo, found = [ROOT], []
    deadline = time.monotonic() + 120
    while todo:
        advance = engine.advance(todo.pop(), Budget(10**6, deadline))
        assert not advance.unresolved
        assert not advance.parked
        assert time.monotonic() < deadline, "the engine did not come to an end"
        found.append(unpack(advance.regions.patterns, n_units))
        todo.extend(advance.open)
    return np.concatenate(found)


@pytest.mark.parametrize(("engine", "answer"), CASES)
def test_known_answer(engine: ExactEngine, answer: KnownAnswer) -> None:
    problem = Problem.of(answer.network, answer.box)
    network = problem.network
    bounds = pre_activation_bounds(network, problem.domain)
    patterns = _patterns(engine.build(problem, bounds), network.n_units)
    assert len(np.unique(patterns, axis=0)) == len(patterns) == answer.regions
    for layer in range(len(network.layers)):
        if answer.prefix is not None:
            prefix = np.unique(patterns[:, : network.offsets[layer + 1]], axis=0)
            assert len(prefix) == answer.prefix[layer]
        if answer.own is not None:
            own = np.unique(patterns[:, network.layer_bits(layer)], axis=0)
            assert len(own) == answer.own[layer]
