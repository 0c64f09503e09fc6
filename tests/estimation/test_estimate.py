"""Estimates against exact counts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.domains.balls import Ball
from cpwl_milp.core.errors import DomainError, SolverError
from cpwl_milp.core.network import Network
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.tree import TreeEngine
from cpwl_milp.estimation import EstimateSettings, RegionEstimate, estimate_regions
from cpwl_milp.estimation.intervals import interval_of, markov_lower
from cpwl_milp.estimation.pilot import pilot
from cpwl_milp.estimation.probing import kept_of, probe
from cpwl_milp.estimation.species import seen_patterns, species_of
from cpwl_milp.estimation.stages import stage_of
from tests.engines.listing import listed
from tests.networks import degenerate_network, mlp, random_network

SQUARE = Box.uniform(-1, 1, 2)


def _asked(network: Network, domain: Domain, **settings: float) -> RegionEstimate:
    problem = Problem.of(network, domain)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    return estimate_regions(problem, bounds, EstimateSettings(**settings))  # type: ignore[arg-type]


def _network(seed: int = 5, widths: tuple[int, ...] = (8, 8)) -> tuple[Network, Box]:
    return random_network(np.random.default_rng(seed), 4, widths), Box.uniform(-1, 1, 4)


def _counts(network: Network, box: Box) -> list[int]:
    problem = Problem.of(network, box)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    return [int(k) for k in listed(TreeEngine(problem, bounds)).prefix_counts]


@pytest.mark.parametrize("n_units", [1, 3, 8, 11, 16])
def test_the_cells_of_the_first_units_are_those_of_the_prefix_of_patterns(n_units: int) -> None:
    network, box = _network()
    problem = Problem.of(network, box)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    stage = stage_of(problem, bounds, n_units)
    found = listed(stage.engine)
    regions = listed(TreeEngine(problem, bounds)).regions.patterns
    bits = np.unpackbits(regions, axis=1, count=16, bitorder="little")[:, :n_units]
    assert len(found.patterns) == len(np.unique(bits, axis=0))
    assert (stage.layer, stage.ends_layer) == (1 if n_units <= 8 else 2, n_units in (8, 16))


def test_probes_are_unbiased() -> None:
    """The mean of 400 probes of four cells is the count, within four standard errors."""
    network, box = _network()
    problem = Problem.of(network, box)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    rng = np.random.default_rng(0)
    found = pilot(problem, bounds, 4, rng, deadline=math.inf)
    logs = np.array([probe(found.stages, found.first, 4, rng).logs for _ in range(400)])
    estimates = np.exp(logs)
    mean, error = estimates.mean(axis=0), estimates.std(axis=0, ddof=1) / 20
    counts = _counts(network, box)
    ends = [stage.ends_layer for stage in found.stages]
    assert error[-1] > 0
    assert np.all(np.abs(mean[ends] - counts) <= 4 * error[ends] + 1e-9 * mean[ends])


def test_with_room_for_all_cells_the_estimate_is_the_count() -> None:
    network, box = _network()
    found = _asked(network, box, population=100_000)
    counts = _counts(network, box)
    assert found.exact
    assert (found.proven_lower, found.proven_upper) == (counts[-1], counts[-1])
    assert found.regions.value == counts[-1]
    assert found.regions.spread == 0
    assert [layer.regions.value for layer in found.layers] == counts


def test_intervals_cover_and_lower_bounds_hold() -> None:
    network, box = _network(6, (7, 7))
    truth = math.log10(_counts(network, box)[-1])
    found = [_asked(network, box, population=20, probes=10, seed=seed) for seed in range(30)]
    assert sum(k.regions.low <= truth <= k.regions.high for k in found) >= 25
    assert sum(k.lower is not None and k.lower <= truth for k in found) >= 27
    assert all(k.proven_lower <= 10**truth <= k.proven_upper for k in found)
    assert len({k.regions.log10 for k in found}) > 20, "seeds matter"


@pytest.mark.parametrize("seed", range(6))
def test_degenerate_networks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = degenerate_network(rng, 3, [5, 4])
    box = Box.uniform(-1, 1, 3)
    found = _asked(network, box, population=10_000)
    assert found.exact
    assert found.proven_lower == _counts(network, box)[-1]


def test_balls() -> None:
    network, _ = _network()
    ball = Ball(np.zeros(4), 0.7, "2")
    whole = _asked(network, ball, population=10_000)
    part = _asked(network, ball, population=30)
    assert whole.exact
    assert not part.exact
    assert part.regions.low <= whole.regions.log10 <= part.regions.high


def test_kept_cells_have_equal_chances() -> None:
    rng = np.random.default_rng(1)
    kept = np.array([kept_of(10, 4, rng) for _ in range(4000)])
    assert all(len(set(row)) == 4 for row in kept.tolist())
    share = np.bincount(kept.ravel(), minlength=10) / 4000
    assert np.allclose(share, 0.4, atol=0.04)
    assert kept_of(3, 4, rng).tolist() == [0, 1, 2]


def test_an_interval_by_hand() -> None:
    """1, 2 and 3: mean 2, standard deviation 1, t(0.975, 2) = 4.3027."""
    found = interval_of(np.log([1.0, 2.0, 3.0]), 0.95)
    assert found.value == 2
    assert found.spread == pytest.approx(0.5)
    reach = 4.302652729696142 * 0.5 / math.sqrt(3) / math.log(10)
    assert (found.low, found.high) == pytest.approx((math.log10(2) - reach, math.log10(2) + reach))
    assert interval_of(np.array([2000.0, 2000.0]), 0.95).value is None
    # The least of four exceeds k N with probability k^-4 at most: k = 2 for 15 in 16.
    assert markov_lower(np.log([8.0, 16.0, 16.0, 40.0]), 15 / 16) == pytest.approx(math.log10(4))


def test_species_never_see_more_than_there_are() -> None:
    network, box = _network()
    problem = Problem.of(network, box)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    found = species_of(seen_patterns(problem, bounds, 3000, 0))
    assert 0 < found.seen <= _counts(network, box)[-1]
    assert found.seen <= found.chao1
    assert 0 < found.missing_mass < 1


def test_no_time_and_no_units() -> None:
    network, box = _network()
    with pytest.raises(SolverError, match="raise --max-seconds"):
        _asked(network, box, max_seconds=1e-9)
    affine = mlp(([[1, 1], [0, 1]], [0, 0])).truncated(0)
    with pytest.raises(DomainError, match="without hidden units"):
        _asked(affine, SQUARE)


def test_short_times_make_populations_smaller() -> None:
    network, box = _network(7, (10, 10))
    found = _asked(network, box, population=2000, probes=20, max_seconds=0.5)
    assert found.population < 2000
    assert found.reason in ("", "max-seconds")
    assert (found.lower is None) == bool(found.reason)
