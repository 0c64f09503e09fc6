"""Over a million regions by three workers, one of them killed half-way: exactly those of one."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.loopback import Loopback
from benchmarks.networks import chain
from benchmarks.ours import problem_of
from cpwl_milp import EngineSettings, pre_activation_bounds
from cpwl_milp.cluster.connection import Cluster
from cpwl_milp.core.exploration import Advance
from cpwl_milp.engines.choice import make_engine
from cpwl_milp.enumeration.limits import Pace
from cpwl_milp.enumeration.listing import ListedRegions
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.spreading import ClusterWorkers


@pytest.mark.slow
def test_a_million_regions_with_a_worker_killed_half_way(
    loopback: Loopback, cluster: Cluster
) -> None:
    problem = problem_of(chain("8-14-14"))
    bounds = pre_activation_bounds(problem.network, problem.domain)
    engine = make_engine(problem, bounds, EngineSettings("tree"))
    one = ListedRegions(28, 8)
    alone = enumerate_regions(engine, 2, sinks=[one])
    assert alone.n_regions == 1_549_405
    several = ListedRegions(28, 8)
    killed = 0

    class Killing:
        """Kills a worker when half of the regions are there."""

        n = 0

        def accept(self, advance: Advance) -> None:
            nonlocal killed
            self.n += len(advance.regions)
            if 2 * self.n > alone.n_regions and not killed:
                killed = self.n
                loopback.kill_worker()

    outcome = enumerate_regions(
        engine,
        2,
        sinks=[several, Killing()],
        jobs=ClusterWorkers(cluster),
        pace=Pace(regions=20_000),
    )
    loopback.add_worker()
    loopback.wait(3)
    assert 0 < killed < 0.9 * alone.n_regions
    assert outcome.complete
    assert outcome.closed == 1
    assert outcome.tally.prefix_counts == alone.tally.prefix_counts
    np.testing.assert_array_equal(several.regions.patterns, one.regions.patterns)
