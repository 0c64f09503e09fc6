"""What a proof costs beside the search, and what its certificate costs to check.

``python -m benchmarks.proofs`` prints a line a network: regions, CPU time of the engine that `auto`
takes, of the tree and of the proof (medians of three runs after one that loads the kernels), then
bytes of the certificate and CPU time of the checker, once, where regions are not too many.
"""

from __future__ import annotations

import io
import statistics
import time
import zlib
from collections.abc import Callable

from benchmarks.networks import chain
from benchmarks.ours import problem_of
from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.checking import check
from cpwl_milp.core.cube import ROOT
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.pattern import Packed
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.choice import EngineSettings, chosen_engine, make_engine
from cpwl_milp.engines.proof import prove
from cpwl_milp.enumeration.certifying import statement_of

_NETWORKS = (
    "2-16-16",
    "2-64-64-64",
    "3-16-16-16",
    "4-16-16",
    "5-12-12",
    "8-10-10",
    "10-10-10",
    "16-12-12",
)
_NO_LIMIT = 1 << 40
# The checker does some thousand regions a second.
_MOST_CHECKED = 150_000


class _Buffer:
    """A certificate in memory."""

    def __init__(self) -> None:
        self.data = io.BytesIO()

    def restart(self) -> None:
        """Forget everything."""
        self.data = io.BytesIO()

    def write(self, data: bytes) -> None:
        """Append."""
        self.data.write(data)


def searched(problem: Problem, name: str) -> tuple[Packed, float]:
    """The patterns that an engine lists, and its median CPU time."""
    bounds = pre_activation_bounds(problem.network, problem.domain)

    def once() -> Packed:
        engine = make_engine(problem, bounds, EngineSettings(name))
        step = engine.advance(ROOT, Budget(_NO_LIMIT, time.monotonic() + 3600))
        assert not step.open
        return step.regions.patterns

    return _median(once)


def _median(once: Callable[[], Packed]) -> tuple[Packed, float]:
    seconds = []
    for _ in range(4):
        start = time.process_time()
        found = once()
        seconds.append(time.process_time() - start)
    return found, statistics.median(seconds[1:])


def main() -> None:
    """Print the table."""
    print(
        "| network | regions | auto, s | tree, s | proof, s | in all / auto | / tree | checker, s |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name in _NETWORKS:
        problem = problem_of(chain(name))
        patterns, tree = searched(problem, "tree")
        kind = chosen_engine(problem, EngineSettings())
        auto = tree if kind == "tree" else searched(problem, kind)[1]

        def proved(problem: Problem = problem, patterns: Packed = patterns) -> Packed:
            proof = prove(problem, [patterns])
            assert proof.complete
            assert proof.missed == proof.phantom == 0
            return patterns

        _, seconds = _median(proved)
        checked = "-"
        if len(patterns) <= _MOST_CHECKED:
            buffer = _Buffer()
            prove(problem, [patterns], buffer)
            data = buffer.data.getvalue()
            start = time.process_time()
            assert check(io.BytesIO(data), statement_of(problem)).regions == len(patterns)
            size = len(zlib.compress(data, 2)) / len(patterns)
            checked = f"{time.process_time() - start:.1f} ({size:.0f} bytes a region)"
        print(
            f"| {name} | {len(patterns):,} | {auto:.3f} | {tree:.3f} | {seconds:.3f} "
            f"| {1 + seconds / auto:.1f} | {1 + seconds / tree:.1f} | {checked} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
