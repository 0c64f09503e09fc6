from __future__ import annotations

import numpy as np
import pytest

from cpwl_milp.core.domain import Box
from cpwl_milp.engines.milp.certificate import CellRows, judge
from cpwl_milp.engines.milp.steps import steps_across
from tests.networks import random_network


@pytest.mark.parametrize("seed", range(6))
def test_steps_cross_their_hyperplane_or_end_at_the_box(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, 4, [6])
    box = Box(-rng.uniform(0.5, 2, 4), rng.uniform(0.5, 2, 4))
    bits = network.bits(box.centre[None])[0]
    centre = judge(network, box, bits).point
    assert centre is not None
    rows = CellRows.of(network, box, bits)
    points = steps_across(rows, np.arange(6), centre, box)
    assert box.contains(points).all()
    for k, point in enumerate(points):
        row, side = rows.A[k % 6], rows.b[k % 6]
        reach = (np.maximum(row * box.lower, row * box.upper)).sum()
        crossed = row @ point > side
        goal = side + (0.02 if k < 6 else 0.5) * (side - row @ centre)
        assert crossed == (reach > side) or reach < goal
        if reach > goal:
            assert row @ point == pytest.approx(goal, abs=1e-6)


def test_constant_units_are_left_out() -> None:
    rows = CellRows(np.zeros((1, 2)), np.ones(1), np.ones(1, dtype=np.bool_), np.zeros(1))
    assert steps_across(rows, np.arange(1), np.zeros(2), Box.uniform(-1, 1, 2)).shape == (0, 2)
