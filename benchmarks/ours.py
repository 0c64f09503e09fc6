"""Our engines: the search alone, and the whole answer to `count`."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.measurement import Finding, Job
from benchmarks.networks import Chain, chain
from benchmarks.timing import repeated, timed
from cpwl_milp import (
    Affine,
    Box,
    CountSettings,
    EngineSettings,
    Layer,
    Limits,
    Network,
    Problem,
    count_regions,
    pre_activation_bounds,
)
from cpwl_milp.core.cube import ROOT
from cpwl_milp.core.exploration import Budget, Engine
from cpwl_milp.engines.choice import make_engine
from cpwl_milp.enumeration.limits import Pace
from cpwl_milp.enumeration.loop import enumerate_regions

# Regions of the first answer, which loads or compiles all kernels.
_FIRST = Limits(max_regions=500)
# Only what is faster than this is timed as a whole answer, too.
_WHOLE_SECONDS = 3.0
_PACE = Pace()


def problem_of(pairs: Chain) -> Problem:
    """The question how many regions a chain has on [-1, 1]^n."""
    maps = [Affine(weight, bias) for weight, bias in pairs]
    hidden = tuple(Layer(affine, 0 * affine.bias) for affine in maps[:-1])
    return Problem.of(Network(hidden, maps[-1]), Box.uniform(-1, 1, maps[0].n_in))


def by_cells(job: Job) -> Finding:
    """Search by the cells engine."""
    return _searched("cells", job)


def by_tree(job: Job) -> Finding:
    """Search by the tree engine."""
    return _searched("tree", job)


def _searched(name: str, job: Job) -> Finding:
    """Time the search alone (bounds known, engine just set up), every pattern handed over.

    The details tell what setting up takes, what the same search takes when the engine is asked
    once more, and the whole answer to `count`.
    """
    problem = problem_of(chain(job.network))
    set_up = _engine(name, problem)
    _advanced(set_up(), _FIRST)
    limits = _limits(job)
    seconds, outcome = repeated(lambda engine: _advanced(engine, limits), prepare=set_up)
    preparing, _ = repeated(lambda _: set_up(), prepare=lambda: None)
    details: dict[str, Any] = {"set_up": preparing.cpu, "decisions": outcome.decisions}
    if outcome.complete and seconds.wall < _WHOLE_SECONDS:
        settings = CountSettings(EngineSettings(name), limits)
        whole, count = repeated(lambda _: count_regions(problem, settings), prepare=lambda: None)
        engine = set_up()
        _advanced(engine, limits)
        again, _ = repeated(lambda _: _advanced(engine, limits), prepare=lambda: None)
        details |= {"again": again.cpu, "count": whole.cpu, "counted": count.regions.lower}
    return Finding(seconds, outcome.n_regions, outcome.complete, details)


def first_answer(job: Job) -> Finding:
    """Time the first answer of a process: kernels are compiled, or loaded from their cache.

    The job's network is ``engine:network``.
    """
    name, _, network = job.network.partition(":")
    set_up = _engine(name, problem_of(chain(network)))
    seconds, outcome = timed(lambda: _advanced(set_up(), _FIRST))
    return Finding(seconds, outcome.n_regions, outcome.complete)


def counted(job: Job) -> Finding:
    """Count by the engine that `auto` chooses, once, on some threads; nothing is kept."""
    problem = problem_of(chain(job.network))
    set_up = _engine("auto", problem)
    _advanced(set_up(), _FIRST)
    engine, n_layers = set_up(), len(problem.network.layers)
    # Not every version of the loop knows threads.
    threads: dict[str, Any] = {} if job.jobs == 1 else {"jobs": job.jobs}
    seconds, outcome = timed(
        lambda: enumerate_regions(engine, n_layers, limits=_limits(job), **threads)
    )
    details = {"engine": engine.name, "decisions": outcome.tally.decisions}
    return Finding(seconds, outcome.n_regions, outcome.complete, details)


def _limits(job: Job) -> Limits:
    return Limits(max_regions=job.limit, max_seconds=job.max_seconds)


def _engine(name: str, problem: Problem) -> Callable[[], Engine]:
    """How to set up an engine for a problem whose bounds are known."""
    bounds = pre_activation_bounds(problem.network, problem.domain)
    return lambda: make_engine(problem, bounds, EngineSettings(name))


@dataclass(frozen=True)
class _Outcome:
    """What a search came to."""

    n_regions: int
    complete: bool
    decisions: dict[str, int]


def _advanced(engine: Engine, limits: Limits) -> _Outcome:
    """Let an engine close all cubes, or as many as the limits allow: the loop at its barest."""
    end = time.monotonic() + (limits.max_seconds or float("inf"))
    left = limits.max_regions or sys.maxsize
    todo, found, decisions, settled = [ROOT], 0, Counter[str](), True
    while todo and found < left and time.monotonic() < end:
        deadline = min(end, time.monotonic() + _PACE.seconds)
        advance = engine.advance(todo.pop(), Budget(min(_PACE.regions, left - found), deadline))
        found += len(advance.regions)
        decisions.update(advance.decisions)
        settled &= not advance.unresolved
        if not advance.unresolved:
            todo.extend(reversed(advance.open))
    complete = settled and not todo and not decisions["doubts"]
    return _Outcome(found, complete, dict(decisions))
