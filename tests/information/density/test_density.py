"""Densities on regions and grids: they add up, choose well, and are judged fairly."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Ball
from cpwl_milp.core.errors import CheckFailedError, DataError, DomainError, InputError
from cpwl_milp.information.density import placed as module
from cpwl_milp.information.density.comparison import (
    DensityComparison,
    compare_densities,
    halves,
)
from cpwl_milp.information.density.histogram import (
    CellHistogram,
    GridHistogram,
    best_pseudo_samples,
)
from cpwl_milp.information.density.smooth import gaussian_mixture, kernel_density
from tests.networks import mlp, random_network

BINNED = ("regions", "histogram")


def test_leaving_one_out_is_what_the_closed_form_says() -> None:
    shares = np.array([0.1, 0.2, 0.3, 0.4])
    counts = np.array([5, 1, 0, 7])
    pseudo, found = best_pseudo_samples(shares, counts)
    direct = 0.0
    for cell in np.repeat(np.arange(4), counts):
        others = counts - (np.arange(4) == cell)
        direct += np.log((others[cell] + pseudo * shares[cell]) / (12 + pseudo) / shares[cell])
    assert found == pytest.approx(direct)
    # No other number does better.
    for other in (pseudo / 3, 3 * pseudo):
        n, v = counts[counts > 0], shares[counts > 0]
        assert (n * np.log((n - 1 + other * v) / (12 + other) / v)).sum() < found


def test_densities_on_cells_integrate_to_one() -> None:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(50))
    counts = rng.multinomial(200, rng.dirichlet(np.ones(50)))
    model = CellHistogram.fitted(shares, counts, volume=6.0)
    density = 2.0 ** model.log2_density(np.arange(50))
    assert (density * shares * 6.0).sum() == pytest.approx(1)
    assert density.min() > 0
    # Uniform masses have the entropy of the box, whatever the cells.
    assert CellHistogram(np.ones(4) / 4, np.full(4, 9), 8.0, 1.0).entropy_bits == 3
    assert CellHistogram(np.array([0.5, 0.5]), np.array([4, 0]), 8.0, 1.0).entropy_bits == 2


def test_a_grid_integrates_to_one_and_finds_a_step() -> None:
    rng = np.random.default_rng(0)
    box = Box(np.array([-1.0, 0.0]), np.array([1.0, 3.0]))
    points = np.column_stack([rng.uniform(0, 1, 4000), rng.uniform(0, 3, 4000)])
    model = GridHistogram.fitted(points, box)
    side = [
        np.linspace(a, b, model.per_side, endpoint=False) + (b - a) / model.per_side / 2
        for a, b in zip(box.lower, box.upper, strict=True)
    ]
    centres = np.stack(np.meshgrid(*side), axis=-1).reshape(-1, 2)
    assert (2.0 ** model.log2_density(centres)).mean() * 6 == pytest.approx(1)
    assert model.per_side == 2
    assert model.log2_density(np.array([[0.5, 1.0]])) == pytest.approx(-np.log2(3), abs=0.05)
    # The faces of the box belong to it.
    assert np.isfinite(model.log2_density(np.array([[1.0, 3.0], [-1.0, 0.0]]))).all()


def test_smooth_densities_are_those_of_the_points_themselves() -> None:
    """Scaling inside must not show: one Gaussian against its own formula."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(400, 2)) * [0.01, 100.0] + [5.0, -3.0]
    asked = points[:5]
    mixture = gaussian_mixture(points)
    assert mixture.parameters["components"] == 1
    truth = multivariate_normal(points.mean(axis=0), np.cov(points.T, bias=True))
    assert mixture.log2_density(asked) == pytest.approx(np.log2(truth.pdf(asked)), abs=1e-4)
    kernels = kernel_density(points)
    width = kernels.parameters["bandwidth"] * points.std(axis=0)
    direct = [
        np.mean([multivariate_normal.pdf(one, centre, np.diag(width**2)) for centre in points])
        for one in asked
    ]
    assert kernels.log2_density(asked) == pytest.approx(np.log2(direct))


def test_regions_that_fit_are_worth_what_they_tell() -> None:
    """Data uniform on the side of x + y > 0: one bit above the uniform density."""
    network = mlp(([[1.0, 1.0]], [0.0]), ([[1.0]], [0.0]))
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (6000, 2))
    x = x[x.sum(axis=1) > 0]
    half = len(x) // 2
    found = compare_densities(
        network, Box.uniform(-1, 1, 2), x[:half], x[half:], densities=("regions",)
    )
    regions, uniform = found.scores
    assert (regions.cells, regions.occupied) == (2, 1)
    assert uniform.log2_density == -2
    assert regions.log2_density == pytest.approx(-1, abs=0.01)
    assert uniform.over_regions == pytest.approx(-1, abs=0.01)
    assert regions.entropy_bits == pytest.approx(1)
    assert found.volume_share == pytest.approx(1)


def scores(found: DensityComparison) -> dict[tuple[str, int | None], float]:
    return {(one.name, one.layer): one.log2_density for one in found.scores}


@pytest.mark.parametrize("dim", [1, 2, 4])
def test_nothing_is_found_where_there_is_nothing(dim: int) -> None:
    rng = np.random.default_rng(dim)
    network = random_network(rng, dim, [5, 4])
    box = Box(np.zeros(dim), np.append(np.full(dim - 1, 2.0), 1.0))
    x = box.sample(2000, rng)
    found = compare_densities(network, box, x[:1000], x[1000:], densities=BINNED)
    for value in scores(found).values():
        assert value == pytest.approx(1.0 - dim, abs=0.05)


def test_true_densities_are_not_beaten() -> None:
    rng = np.random.default_rng(3)
    network = random_network(rng, 2, [8, 6])
    x = 0.4 * rng.normal(size=(1500, 2))
    box = Box.uniform(-2, 2, 2)
    found = compare_densities(network, box, x[:500], x[500:])
    truth = np.log2(multivariate_normal(np.zeros(2), 0.16 * np.eye(2)).pdf(x[500:])).mean()
    by_name = scores(found)
    assert set(by_name) == {
        ("regions", 1), ("regions", 2), *((k, None) for k in ("uniform", "histogram", "kde", "gmm"))
    }  # fmt: skip
    assert by_name["gmm", None] == pytest.approx(truth, abs=0.05)
    for name, value in by_name.items():
        assert by_name["uniform", None] - 0.02 <= value <= truth + 0.05, name
    again = compare_densities(network, box, x[:500], x[500:])
    assert again == found


def test_what_is_left_out_is_counted() -> None:
    network = mlp(([[1.0, 0.0]], [0.0]), ([[1.0]], [0.0]))
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (40, 2))
    x[:3] += 5.0
    found = compare_densities(network, Box.uniform(-1, 1, 2), x, x, densities=BINNED)
    assert (found.n_train, found.outside_domain, found.at_boundaries) == (37, 6, 0)
    # Two opposite units that are both off at 0 only: no listed region holds those samples.
    thin = mlp(([[1.0, 0.0], [-1.0, 0.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0]))
    x[3:10, 0] = 0.0
    found = compare_densities(thin, Box.uniform(-1, 1, 2), x, x, densities=BINNED)
    assert (found.n_train, found.at_boundaries) == (30, 14)


def test_a_listed_region_that_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network(np.random.default_rng(0), 2, [4])
    x = np.random.default_rng(1).uniform(-1, 1, (50, 2))

    def nowhere(listed: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(len(asked), dtype=np.int64), np.zeros(len(asked), dtype=bool)

    monkeypatch.setattr(module, "_found", nowhere)
    with pytest.raises(CheckFailedError, match="50 samples"):
        compare_densities(network, Box.uniform(-1, 1, 2), x, x, densities=BINNED)


def test_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network(np.random.default_rng(0), 2, [3])
    x = np.random.default_rng(1).uniform(-1, 1, (50, 2))
    box = Box.uniform(-1, 1, 2)
    with pytest.raises(DomainError, match="a ball"):
        compare_densities(network, Ball(np.zeros(2), 1.0, "2"), x, x)
    with pytest.raises(DataError, match="held-out samples: 9"):
        compare_densities(network, box, x, x[:9])
    with pytest.raises(DataError, match="parzen"):
        compare_densities(network, box, x, x, densities=("parzen",))
    wide = random_network(np.random.default_rng(0), 7, [3])
    with pytest.raises(DomainError, match="at most 6"):
        compare_densities(wide, Box.uniform(-1, 1, 7), np.zeros((20, 7)), np.zeros((20, 7)))
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(InputError, match=r"cpwl-milp\[density\]") as caught:
        compare_densities(network, box, x, x)
    assert "\n" not in str(caught.value)
    assert compare_densities(network, box, x, x, densities=BINNED).n_train == 50


def test_halves() -> None:
    first, second = halves(11, 0)
    assert (len(first), len(second)) == (5, 6)
    assert sorted([*first, *second]) == list(range(11))
