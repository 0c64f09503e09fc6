"""Entropy and information estimators against measured tables and closed forms."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy as scipy_entropy

from cpwl_milp.information.coverage import chao1, missing_mass, samples_per_region
from cpwl_milp.information.entropy import (
    ENTROPY_ESTIMATORS,
    chao_wang_jost,
    entropies,
    miller_madow,
    plugin,
)
from cpwl_milp.information.mutual import (
    MUTUAL_ESTIMATORS,
    Contingency,
    informations,
    plugin_information,
)
from cpwl_milp.information.reliability import RULE
from tests.models.manifest import MODELS

UNIFORM = np.full(4096, 1 / 4096)
ZIPF = 1 / np.arange(1, 4097) / (1 / np.arange(1, 4097)).sum()
NAMES = ("plugin", "miller_madow", "grassberger", "chao_shen")
NATS = float(np.log(2))


# Means of simulations, in nats: plug-in, Miller-Madow, Grassberger, Chao-Shen.
@pytest.mark.parametrize(
    ("truth", "n", "expected"),
    [
        (UNIFORM, 1024, (6.765, 7.206, 7.753, 8.338)),
        (UNIFORM, 4096, (7.743, 8.059, 8.268, 8.422)),
        (UNIFORM, 16384, (8.185, 8.308, 8.318, 8.382)),
        (ZIPF, 1024, (5.224, 5.450, 5.695, 5.721)),
        (ZIPF, 4096, (5.685, 5.836, 5.966, 6.039)),
        (ZIPF, 16384, (5.933, 6.013, 6.055, 6.150)),
    ],
)
def test_measured_biases(truth: np.ndarray, n: int, expected: tuple[float, ...]) -> None:
    rng = np.random.default_rng(0)
    found = (
        np.array([list(entropies(rng.multinomial(n, truth)).values()) for _ in range(40)]) * NATS
    )
    spread = found.std(axis=0) / np.sqrt(len(found))
    assert tuple(ENTROPY_ESTIMATORS)[:4] == NAMES
    found = found[:, :4]
    spread = spread[:4]
    # The table is itself a mean of simulations: of a spread like ours, and three decimals.
    single = found.std(axis=0)
    assert np.all(np.abs(found.mean(axis=0) - expected) < 4 * spread + single + 0.002)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30))
def test_plugin_is_the_entropy_of_the_frequencies(counts: list[int]) -> None:
    n = np.array(counts)
    assert plugin(n) == pytest.approx(scipy_entropy(n / n.sum(), base=2), abs=1e-12)
    assert miller_madow(n) - plugin(n) == pytest.approx((len(n) - 1) / (2 * n.sum() * NATS))
    for name, value in entropies(n).items():
        assert np.isfinite(value), name
        # Regions that no sample fell into change nothing.
        assert ENTROPY_ESTIMATORS[name](np.append(n, [0, 0])) == pytest.approx(value)


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_a_single_region_has_no_entropy(n: int) -> None:
    assert {str(value) for value in entropies(np.array([n])).values()} == {"0.0"}


def test_grassberger_and_chao_shen_by_hand() -> None:
    # G(1) = -gamma - ln 2, G(2) = 2 - gamma - ln 2 (Grassberger 2003).
    gamma = 0.5772156649015329
    by_hand = np.log(4) - (2 * (-gamma - NATS) + 2 * (2 - gamma - NATS)) / 4
    found = entropies(np.array([1, 1, 2]))
    assert found["grassberger"] == pytest.approx(by_hand / NATS)
    p = 0.5 * np.array([0.25, 0.25, 0.5])
    assert found["chao_shen"] == pytest.approx(-(p * np.log2(p) / (1 - (1 - p) ** 4)).sum())
    # All alone: coverage by one single less.
    p = np.full(3, (1 - 2 / 3) / 3)
    assert entropies(np.ones(3, dtype=int))["chao_shen"] == pytest.approx(
        -(p * np.log2(p) / (1 - (1 - p) ** 3)).sum()
    )


# Mean of I in bits on independent data: plug-in, corrected by all cells, by occupied cells.
@pytest.mark.parametrize(
    ("regions", "classes", "n", "expected"),
    [
        (10, 2, 200, (0.0331, 0.0006, 0.0006)),
        (50, 2, 200, (0.2172, 0.0437, 0.0855)),
        (200, 2, 200, (0.6223, 0.1697, 0.5144)),
        (50, 10, 2000, (0.1707, 0.0116, 0.0150)),
    ],
)
def test_bias_on_independent_data(
    regions: int, classes: int, n: int, expected: tuple[float, ...]
) -> None:
    rng = np.random.default_rng(1)
    names = ("plugin", "miller_madow_table", "miller_madow")
    found = np.array(
        [
            [informations(table)[name] for name in names]
            for table in (
                Contingency.of(rng.integers(0, regions, n), rng.integers(0, classes, n), classes)
                for _ in range(400)
            )
        ]
    )
    error = found.std(axis=0) / np.sqrt(len(found))
    # The reference is a simulation too.
    assert np.all(np.abs(found.mean(axis=0) - expected) < 5 * error + 1e-4)


# Mean of I in bits of independent R and a binary Y, 1000 samples: plug-in, by occupied cells.
@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        (10, (0.006, 0.000)), (100, (0.074, 0.003)), (1000, (0.621, 0.509)),
        (100_000, (0.994, 0.993)),
    ],
)  # fmt: skip
def test_nothing_saves_patterns_that_are_all_unique(
    regions: int, expected: tuple[float, float]
) -> None:
    rng = np.random.default_rng(3)
    found = np.array(
        [
            [informations(table)[name] for name in ("plugin", "miller_madow")]
            for table in (
                Contingency.of(
                    np.unique(rng.integers(0, regions, 1000), return_inverse=True)[1].ravel(),
                    rng.integers(0, 2, 1000),
                    2,
                )
                for _ in range(60)
            )
        ]
    )
    error = found.std(axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(found.mean(axis=0) - expected) < 5 * error + 0.001)


@pytest.mark.parametrize("names", [tuple(MUTUAL_ESTIMATORS)])
def test_names(names: tuple[str, ...]) -> None:
    assert names[:3] == ("plugin", "miller_madow", "miller_madow_table")
    assert names[3:] == ("grassberger", "chao_shen", "chao_wang_jost")


def by_definition(n: np.ndarray) -> float:
    """Chao, Wang and Jost's formula as it is printed, in exact rationals but for the logarithm."""
    total, f1, f2 = int(n.sum()), int((n == 1).sum()), int((n == 2).sum())
    seen = sum(int(k) * sum(Fraction(1, r) for r in range(int(k), total)) for k in n)
    if f2:
        chance = Fraction(2 * f2, (total - 1) * f1 + 2 * f2)
    else:
        chance = Fraction(2, (total - 1) * (f1 - 1) + 2) if f1 else Fraction(1)
    tail = Fraction(0)
    if f1 and chance < 1:
        with localcontext() as context:
            context.prec = 400
            logarithm = (Decimal(chance.numerator) / Decimal(chance.denominator)).ln()
        rest = 1 - chance
        tail = -Fraction(logarithm) - sum(rest**r / r for r in range(1, total))
        tail *= Fraction(f1, total) * rest ** (1 - total)
    return float(seen / total + tail) / NATS


@given(st.lists(st.integers(1, 12), min_size=1, max_size=25))
def test_chao_wang_jost_as_printed(counts: list[int]) -> None:
    n = np.array(counts)
    assert chao_wang_jost(n) == pytest.approx(by_definition(n), rel=1e-9, abs=1e-12)


def test_chao_wang_jost_of_many_samples() -> None:
    # All alone: H_(N-1) + T, of which -ln A is left as (1 - A)^N is 1.
    n = 10**6
    chance = 2 / ((n - 1) ** 2 + 2)
    expected = -np.log(chance) / NATS
    assert chao_wang_jost(np.ones(n, dtype=int)) == pytest.approx(expected, rel=1e-5)
    rng = np.random.default_rng(0)
    zipf = rng.multinomial(4096, ZIPF)
    truth = -(ZIPF * np.log2(ZIPF)).sum()
    assert abs(chao_wang_jost(zipf) - truth) < abs(plugin(zipf) - truth) / 2


def test_chao1() -> None:
    assert chao1(np.array([1, 1, 1, 2, 5])) == 5 + 9 / 2
    assert chao1(np.array([1, 1, 1, 5])) == 4 + 3
    assert chao1(np.array([4, 5, 0])) == 2


def test_all_samples_alone_tell_all_of_the_labels() -> None:
    labels = np.random.default_rng(0).integers(0, 5, 300)
    table = Contingency.of(np.arange(300), labels, 5)
    assert plugin_information(table) == pytest.approx(plugin(np.bincount(labels)), abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=60))
def test_information_from_the_definition(pairs: list[tuple[int, int]]) -> None:
    regions, labels = np.array(pairs).T
    regions = np.unique(regions, return_inverse=True)[1].ravel()
    joint = np.zeros((regions.max() + 1, 4))
    np.add.at(joint, (regions, labels), 1)
    joint /= len(pairs)
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    cells = joint > 0
    expected = (joint[cells] * np.log2(joint[cells] / independent[cells])).sum()
    found = plugin_information(Contingency.of(regions, labels, 4))
    assert found == pytest.approx(expected, abs=1e-12)
    assert found >= 0


def test_szt_data_are_measured_exactly() -> None:
    x, y = (np.load(MODELS / "szt" / f"szt_{k}.npy").astype(np.int64) for k in "xy")
    assert plugin(np.bincount(y)) == pytest.approx(0.9991571209, abs=1e-10)
    for regions, expected in (
        (x @ (1 << np.arange(12)), 0.9991571209),
        (x.sum(axis=1), 0.627641),
        (x[:, 0], 0.033906),
    ):
        found = plugin_information(Contingency.of(regions, y, 2))
        assert found == pytest.approx(expected, abs=1e-6)


def test_missing_mass_estimates_the_unseen() -> None:
    rng = np.random.default_rng(2)
    truth = ZIPF[:100] / ZIPF[:100].sum()
    for n in (100, 300, 1000):
        estimated, actual = [], []
        for _ in range(300):
            counts = rng.multinomial(n, truth)
            estimated.append(missing_mass(counts))
            actual.append(truth[counts == 0].sum())
        # The estimator's bias is at most 1/n.
        error = np.std(np.subtract(estimated, actual)) / np.sqrt(300)
        assert abs(np.mean(estimated) - np.mean(actual)) < 4 * error + 1 / n
    assert samples_per_region(np.array([3, 0, 1])) == 2


def test_reliability() -> None:
    assert RULE.holds(np.array([50, 50]))
    assert not RULE.holds(np.ones(100, dtype=int))
    assert not RULE.holds(np.full(50, 2))
    assert not RULE.holds(np.array([50, 39] + [1] * 11))
    assert RULE.holds(np.array([50, 40] + [1] * 10))
    assert RULE.holds(np.array([50, 50]), null_mean=0.05, label_entropy=1.0)
    assert not RULE.holds(np.array([50, 50]), null_mean=0.15, label_entropy=1.0)
    assert "0.1" in RULE.text
    assert "0.3" in RULE.text
