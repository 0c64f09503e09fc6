"""One count over the workers of a Dask scheduler, all processes of their own on this machine."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.loopback import Loopback, watched
from benchmarks.measurement import Finding, Job
from benchmarks.networks import chain
from benchmarks.ours import problem_of
from benchmarks.timing import Seconds, timed
from cpwl_milp import EngineSettings, Limits, pre_activation_bounds
from cpwl_milp.cluster.connection import Cluster
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.choice import make_engine
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.outcome import Outcome
from cpwl_milp.enumeration.own_patterns import OwnPatterns
from cpwl_milp.enumeration.spreading import ClusterWorkers
from cpwl_milp.enumeration.workers import Jobs, workers_of

# Loads kernels and libraries in every process before anything is timed.
_FIRST_SECONDS = 3.0


def counted(job: Job) -> Finding:
    """Count as `count` does, own patterns included, in threads of this process."""
    problem = problem_of(chain(job.network))
    _count(problem, job.jobs, _FIRST_SECONDS)
    seconds, outcome = timed(lambda: _count(problem, job.jobs, job.max_seconds))
    return Finding(seconds, outcome.n_regions, outcome.complete, {})


def by_workers(job: Job) -> Finding:
    """The same with as many worker processes of one thread, whose CPU time counts as well.

    The details tell it apart.
    """
    problem = problem_of(chain(job.network))
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Loopback(Path(folder), job.jobs) as running,
        Cluster.at(running.address) as cluster,
    ):
        workers = ClusterWorkers(cluster)
        _count(problem, workers, _FIRST_SECONDS)
        names = {f"worker {k + 1}": worker for k, worker in enumerate(running.workers)}
        with watched({"scheduler": running.scheduler, **names}) as spent:
            seconds, outcome = timed(lambda: _count(problem, workers, job.max_seconds))
    apart = {"here": seconds.cpu, **spent}
    return Finding(
        Seconds(seconds.wall, sum(apart.values())),
        outcome.n_regions,
        outcome.complete,
        {"cpu": {name: round(value, 2) for name, value in apart.items()}},
    )


def _count(problem: Problem, jobs: Jobs, max_seconds: float) -> Outcome:
    bounds = pre_activation_bounds(problem.network, problem.domain)
    own = OwnPatterns(problem.network.widths)
    return enumerate_regions(
        make_engine(problem, bounds, EngineSettings()),
        len(problem.network.layers),
        limits=Limits(max_seconds=max_seconds),
        sinks=[own],
        pace=workers_of(jobs).pace(problem.network.n_units // 8, kept=False),
        jobs=jobs,
    )
