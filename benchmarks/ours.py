"""Our engines: the search alone, and the whole answer to `count`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.measurement import Finding, Job
from benchmarks.networks import Chain, chain
from benchmarks.timing import Seconds, repeated, timed
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
from cpwl_milp.core.exploration import Engine
from cpwl_milp.engines.choice import make_engine
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.outcome import Outcome

# Regions of the first answer, which loads or compiles all kernels.
_FIRST = Limits(max_regions=500)
# Only what is faster than this is timed as a whole answer, too.
_WHOLE_SECONDS = 3.0


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
    """Time the search alone (bounds known, engine set up), every pattern handed over.

    The details tell what setting up takes, and the whole answer to `count`.
    """
    problem = problem_of(chain(job.network))
    set_up, search = _engine(name, problem, job.jobs)
    search(set_up(), _FIRST)
    limits = _limits(job)
    seconds, outcome = repeated(lambda engine: search(engine, limits), prepare=set_up)
    preparing, _ = repeated(lambda _: set_up(), prepare=lambda: None)
    details: dict[str, Any] = {"set_up": preparing.cpu}
    if outcome.complete and seconds.wall < _WHOLE_SECONDS and job.jobs == 1:
        settings = CountSettings(EngineSettings(name), limits)
        whole, count = repeated(lambda _: count_regions(problem, settings), prepare=lambda: None)
        details |= {"count": whole.cpu, "counted": count.regions.lower}
    return _finding(seconds, outcome, details)


def first_answer(job: Job) -> Finding:
    """Time the first answer of a process: kernels are compiled, or loaded from their cache.

    The job's network is ``engine:network``.
    """
    name, _, network = job.network.partition(":")
    problem = problem_of(chain(network))
    set_up, search = _engine(name, problem, job.jobs)
    return _finding(*timed(lambda: search(set_up(), _FIRST)))


def counted(job: Job) -> Finding:
    """Count by the engine that `auto` chooses, once; nothing is kept."""
    problem = problem_of(chain(job.network))
    set_up, search = _engine("auto", problem, job.jobs)
    search(set_up(), _FIRST)
    engine, limits = set_up(), _limits(job)
    seconds, outcome = timed(lambda: search(engine, limits))
    return _finding(seconds, outcome, {"engine": engine.name})


def _limits(job: Job) -> Limits:
    return Limits(max_regions=job.limit, max_seconds=job.max_seconds)


def _engine(
    name: str, problem: Problem, jobs: int
) -> tuple[Callable[[], Engine], Callable[[Engine, Limits], Outcome]]:
    """How to set up an engine for a problem, and how to search with it."""
    bounds = pre_activation_bounds(problem.network, problem.domain)
    n_layers = len(problem.network.layers)
    # Not every version of the loop knows threads.
    threads: dict[str, Any] = {} if jobs == 1 else {"jobs": jobs}

    def search(engine: Engine, limits: Limits) -> Outcome:
        return enumerate_regions(engine, n_layers, limits=limits, **threads)

    return lambda: make_engine(problem, bounds, EngineSettings(name)), search


def _finding(seconds: Seconds, outcome: Outcome, details: dict[str, Any] | None = None) -> Finding:
    more = {**(details or {}), "decisions": outcome.tally.decisions}
    return Finding(seconds, outcome.n_regions, outcome.complete, more)
