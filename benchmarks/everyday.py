"""What else has a target: bounds, import with its check, solves of a layer's own patterns."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measurement import Finding, Job
from benchmarks.networks import SHARED_MODELS, chain
from benchmarks.ours import problem_of
from benchmarks.timing import repeated, timed
from cpwl_milp import Box, Limits, check_agreement, load_model, pre_activation_bounds
from cpwl_milp.census.projection import projected_own_patterns
from cpwl_milp.engines.milp.settings import MilpSettings
from cpwl_milp.engines.sampling import SamplingEngine
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.outcome import Bracket
from cpwl_milp.enumeration.own_patterns import OwnPatterns

_SAMPLES = 20_000


def bounds(job: Job) -> Finding:
    """Time the pre-activation bounds (CROWN) of a public network on [0, 1]^n."""
    network = load_model(SHARED_MODELS / job.network).network
    box = Box.uniform(0, 1, network.n_inputs)
    seconds, found = repeated(
        lambda _: pre_activation_bounds(network, box, method="crown"), prepare=lambda: None
    )
    unstable = [int(layer.unstable.sum()) for layer in found.stability(network)]
    return Finding(seconds, details={"unstable": unstable})


def import_checked(job: Job) -> Finding:
    """Time reading an ONNX file and comparing it with onnxruntime, libraries loaded before."""
    path = SHARED_MODELS / job.network
    first, _ = timed(lambda: _read_and_check(path))
    seconds, difference = repeated(lambda _: _read_and_check(path), prepare=lambda: None)
    details = {
        "first": first.wall,
        "largest_relative_difference": difference,
        "megabytes": path.stat().st_size / 1e6,
    }
    return Finding(seconds, details=details)


def _read_and_check(path: Path) -> float:
    model = load_model(path)
    return float(check_agreement(model, Box.uniform(0, 1, model.network.n_inputs)).max_relative)


def own_patterns(job: Job) -> Finding:
    """Count the own patterns of the last layer by no-good cuts on it, beside what samples show."""
    problem = problem_of(chain(job.network))
    crown = pre_activation_bounds(problem.network, problem.domain)
    last = len(problem.network.layers) - 1
    own = OwnPatterns(problem.network.widths)
    sampling = SamplingEngine(problem, crown, n_samples=_SAMPLES, seed=0)
    enumerate_regions(sampling, last + 1, sinks=[own])
    seen = own.patterns(last)
    seconds, (found, outcome) = timed(
        lambda: projected_own_patterns(
            problem,
            crown,
            last,
            known=seen,
            before=Bracket(len(seen), None),
            settings=MilpSettings(),
            limits=Limits(max_seconds=job.max_seconds),
        )
    )
    details = {"seen": len(seen), "decisions": outcome.tally.decisions}
    return Finding(seconds, found.lower, found.complete, details)
