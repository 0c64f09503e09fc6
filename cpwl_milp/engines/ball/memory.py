"""Setting up and enlarging the memory of the ball search, and the search as `descent` drives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domains.balls import Ball
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.pattern import packed_size
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.ambiguity import (
    NOT_ASKED,
    Basis,
    Doubt,
    Question,
    Verdict,
    answer_code,
)
from cpwl_milp.engines.ball.layout import Condensed
from cpwl_milp.engines.ball.search import search
from cpwl_milp.engines.ball.state import (
    ASKED,
    COUNTED,
    COUNTER_NAMES,
    DOUBT,
    EMITTED,
    HOMOGENEOUS,
    LAYER,
    LEVELS,
    N_COUNTERS,
    N_FOUND,
    N_OF_LEVEL,
    N_PLACES,
    N_STAMPS,
    N_TRUST,
    OF_LAYER,
    OF_ROW,
    OF_UNIT,
    PADDING,
    PATH,
    STANDING,
    State,
)
from cpwl_milp.engines.compiled_search import CompiledSearch
from cpwl_milp.engines.descent import DONE

# Regions handed over at once.
_BATCH = 1 << 15
# Memory for the nearest points of one path.
_MEMORY = 4 << 30


class BallSearch(CompiledSearch):
    """The compiled search below one cube.

    Parameters
    ----------
    condensed : Condensed
    ball : Ball
    cube : Cube
    budget : Budget
    with_points : bool
        Emit centre and radius of every region's largest ball.
    """

    _state: State

    counter_names = COUNTER_NAMES
    outputs = ("patterns", "balls")
    # Where rounding keeps a projection from ending, the exact search goes on.
    stuck_reason = ""
    full_reason = "the nearest points along one path need more than 4 GiB"

    def __init__(
        self,
        condensed: Condensed,
        ball: Ball,
        cube: Cube,
        budget: Budget,
        *,
        with_points: bool,
    ) -> None:
        self._layout = condensed.layout
        self._basis, self._ball = condensed.basis, ball
        self._cube = cube
        self._with_points = with_points
        self._fixed = cube.fixed_bits(condensed.bits.size)
        closed = np.ones(condensed.bits.size, dtype=np.bool_)
        closed[self._layout.unit] = False
        # A cube that asks for another bit of a unit with one sign in the ball holds nothing.
        self._is_empty = bool(np.any(closed & (self._fixed >= 0) & (self._fixed != condensed.bits)))
        self._state = start(
            condensed, self._fixed[self._layout.unit], cube, budget, with_points=with_points
        )

    def run(self, quota: int, *, leave: bool) -> int:
        """Search on."""
        if self._is_empty:
            return DONE
        return int(search(self._layout, self._state, quota, self._with_points, leave))

    def taken(self) -> RegionBatch:
        """The regions emitted since the last call."""
        state = self._state
        n = int(state.at[EMITTED])
        state.at[EMITTED] = 0
        balls = state.balls[: n if self._with_points else 0]
        radius = self._ball.radius
        points = self._ball.centre + radius * (balls[:, :-1] @ self._basis.T)
        return RegionBatch(state.patterns[:n].copy(), points, radius * balls[:, -1])

    def grow(self) -> bool:
        """Make slots for twice as many levels and active rows."""
        state = self._state
        n_slots, most, d = state.basis.shape
        slots = min(2 * n_slots, len(state.levels) + 4)
        rows = min(2 * most, d)
        if 8 * slots * rows * (d + rows) > _MEMORY:
            return False

        def grown(array: NDArray[Any], *shape: int) -> NDArray[Any]:
            larger = np.zeros(shape, dtype=array.dtype)
            larger[tuple(slice(k) for k in array.shape)] = array
            return larger

        numbers = grown(state.slots, slots)
        numbers[n_slots:] = np.arange(n_slots, slots)
        self._state = state._replace(
            slots=numbers,
            x=grown(state.x, slots, d),
            trust=grown(state.trust, slots, N_TRUST),
            sizes=grown(state.sizes, slots),
            active=grown(state.active, slots, rows),
            multipliers=grown(state.multipliers, slots, rows),
            basis=grown(state.basis, slots, rows, d),
            triangle=grown(state.triangle, slots, rows, rows),
        )
        return True

    def current(self) -> Cube:
        """The cell at hand as a cube."""
        counted = max(int(self._state.at[LAYER]), self._cube.counted_layers)
        return self._cell(int(self._state.at[PATH]), counted)

    def pending(self) -> list[Cube]:
        """The siblings still to come, the latest first."""
        found = []
        for level in reversed(range(int(self._state.at[LEVELS]))):
            entry = self._state.levels[level]
            counted = max(int(entry[OF_LAYER]), self._cube.counted_layers)
            above = self._cell(int(entry[OF_ROW]), counted)
            found.append(above.extended(int(self._layout.unit[entry[OF_UNIT]]) + 1))
        return found

    def questions(self) -> list[Question]:
        """The unit that the search asks about, with the active rows of the cell's point."""
        at, state = self._state.at, self._state
        slot = int(state.slots[at[LEVELS]])
        rows = state.active[slot, : state.sizes[slot]]
        active = tuple(self._layout.unit[state.path[rows]].tolist())
        unit = int(self._layout.unit[at[ASKED]])
        return [Question(unit, Doubt(int(at[DOUBT])), Basis(active, (), ()))]

    def answer(self, verdicts: Sequence[Verdict]) -> None:
        """The answer."""
        self._state.answers[self._state.at[ASKED]] = answer_code(verdicts[0])

    def standing(self) -> tuple[int, int]:
        """On a cell too thin: the first unit that is not decided, and the layer at hand."""
        return int(self._state.at[STANDING]), int(self._state.at[LAYER])

    def _cell(self, n_rows: int, counted: int) -> Cube:
        """The cell behind the first rows of the path."""
        units = self._layout.unit[self._state.path[:n_rows]] + 1
        literals = np.where(self._state.signs[:n_rows] > 0, units, -units)
        return Cube.of(
            [*self._cube.literals, *literals[self._fixed[units - 1] < 0].tolist()], counted
        )


def start(
    condensed: Condensed,
    fixed: NDArray[np.int8],
    cube: Cube,
    budget: Budget,
    *,
    with_points: bool,
) -> State:
    """The memory at the root of a cube: the whole ball and its centre."""
    layout = condensed.layout
    n_open, d = layout.rows.shape
    n_layers = layout.offsets.size - 1
    n_slots, most = min(16, n_open + 4), min(4, d)
    capacity = (n_open + 1 + PADDING - 1) // PADDING * PADDING
    at = np.zeros(N_PLACES, dtype=np.int64)
    at[COUNTED] = cube.counted_layers
    at[HOMOGENEOUS] = condensed.homogeneous
    places = max(1, min(_BATCH, budget.max_regions))
    return State(
        at=at,
        bits=condensed.bits.copy(),
        fixed=fixed,
        maps=np.zeros((n_open, d)),
        shifts=np.zeros(n_open),
        used=np.zeros((n_layers, n_open), dtype=np.uint8),
        stamps=np.zeros((N_STAMPS, n_layers), dtype=np.int64),
        normals=np.zeros((n_open, d)),
        heights=np.zeros(n_open),
        tolerances=np.zeros(n_open),
        answers=np.full(n_open, NOT_ASKED, dtype=np.int8),
        opened=np.zeros(n_open, dtype=np.int64),
        n_opened=np.zeros(n_layers, dtype=np.int64),
        path=np.zeros(n_open + 1, dtype=np.int64),
        signs=np.zeros(capacity),
        rests=np.zeros(capacity),
        errors=np.zeros(capacity),
        columns=np.zeros((d, capacity)),
        slack=np.zeros(capacity),
        moved=np.zeros(capacity),
        slots=np.arange(n_slots),
        x=np.zeros((n_slots, d)),
        trust=np.zeros((n_slots, N_TRUST)),
        sizes=np.zeros(n_slots, dtype=np.int64),
        active=np.zeros((n_slots, most), dtype=np.int64),
        multipliers=np.zeros((n_slots, most)),
        basis=np.zeros((n_slots, most, d)),
        triangle=np.zeros((n_slots, most, most)),
        share=np.zeros(d + 1),
        step=np.zeros(d + 1),
        way=np.zeros(d),
        found=np.zeros(N_FOUND),
        levels=np.zeros((n_open + 1, N_OF_LEVEL), dtype=np.int64),
        patterns=np.zeros((places, packed_size(condensed.bits.size)), dtype=np.uint8),
        balls=np.zeros((places if with_points else 0, d + 1)),
        prefix_counts=np.zeros(n_layers, dtype=np.int64),
        prefix_left=budget.prefix_room(n_layers),
        counters=np.zeros(N_COUNTERS, dtype=np.int64),
    )
