"""The memory of a proof in progress. All of it but the patterns is the path from the root."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.engines.lanes import N_LANES
from cpwl_milp.engines.proof.edges import N_WORK
from cpwl_milp.engines.proof.plan import Plan

# Places in `State.at`.
SLOT, LAYER, PHASE, OUT, ASK_UNIT, ASK_BIT, ANSWERED, WRITES, LEAVES, N_PLACES = range(10)
# Phases.
ENTER, CLOSE, SPLIT, LEAF, DONE = range(5)
# Columns of `State.ranges`.
FIRST, END_, MIDDLE = range(3)
# Columns of `State.split`.
UNIT, OF_LAYER, PENDING, THIN_SIDE, HINGE, STRANGE, AGE, BOXED, N_SPLIT = range(9)
# Columns of `State.made`.
VERSION, OF_BELOW, OF_PATTERN, UPDATES, N_MADE = range(5)
# Values of THIN_SIDE.
NEITHER = -1
# Counters.
IN_FLOATS, LEAVES_IN_FLOATS, PIVOTS, N_COUNTERS = range(4)

_FIRST_SLOTS = 32
# Bytes of records after which they are handed over.
BUFFER = 1 << 20


class State(NamedTuple):
    """Arrays of the search.

    A *slot* is a cell on the path: slot s has s splits above it. A *wall* is a function that is at
    least 0 on the cell: those of the domain, then that of each split.

    Attributes
    ----------
    words : ndarray of uint64, shape (n_regions, words)
        The listed patterns in lexicographic order, unit 0 of a layer in the highest bit.
    maps : ndarray, shape (d + 1, n_rows); errors, sizes : shape (n_rows,)
        See `maps`.
    made : ndarray of int64, one row a layer
        Which maps these are: a number that changes with them, that of the layer below at the time,
        the pattern, and how often they were updated.
    gaps, charges : ndarray, shape (n_rows,)
        Values in the middle of a box, and what they may be away from those elsewhere in it.
    sure : ndarray of uint64, shape (2, words)
        Units of the layer at hand that surely have bit 0, or 1.
    target, of_target : the function at hand; its size, error and scale
    shares, terms : multipliers and their walls
    rest, work : scratch, see `judging.proved_least` and `edges`
    walls : ndarray, shape (.., d + 1 padded to whole vectors)
        Scaled by powers of two.
    columns : ndarray, shape (d + 1, ..)
        The walls once more, one a column.
    margins : ndarray
        Beyond that a computed value is above 0 in truth; -1 where the function is 0.
    kept : ndarray
        1 for a wall that vertices keep to, else 0; also for those behind the last.
    of_wall : ndarray, shape (.., 2)
        Size and error.
    wall_scale : ndarray
    lows, highs : ndarray, shape (.., d), one row a slot
        A box that holds the cell, in t.
    vertex, edges, active, witness : one a slot
        A vertex, the d edges from there (columns; along edge j only the function of `active[j]`
        changes, with slope 1), and a point inside. Ids of functions: c and d + c for the faces
        ``t_c >= -1`` and ``t_c <= 1``, ``2 d + i`` for wall i.
    opens : ndarray of uint64, one row a slot
        Units of the layer at hand that are not decided.
    ranges, split : ndarray of int64, one row a slot
    """

    at: NDArray[np.int64]
    counters: NDArray[np.int64]
    words: NDArray[np.uint64]
    maps: Dense
    errors: Vector
    sizes: Vector
    made: NDArray[np.int64]
    gaps: Vector
    charges: Vector
    sure: NDArray[np.uint64]
    value: Vector
    target: Vector
    of_target: Vector
    shares: Vector
    terms: NDArray[np.int64]
    point: Vector
    opposite: Vector
    slopes: Vector
    rest: Vector
    work: Dense
    walls: Dense
    columns: Dense
    of_wall: Dense
    wall_scale: Vector
    margins: Vector
    kept: Vector
    vertex: Dense
    edges: NDArray[np.float64]
    active: NDArray[np.int64]
    witness: Dense
    lows: Dense
    highs: Dense
    opens: NDArray[np.uint64]
    mixed: NDArray[np.uint64]
    ranges: NDArray[np.int64]
    split: NDArray[np.int64]
    out: NDArray[np.uint8]
    float32: NDArray[np.float32]
    float32_bytes: NDArray[np.uint8]
    float64: Vector
    float64_bytes: NDArray[np.uint8]


def longest_step(d: int, n_words: int) -> int:
    """Bytes that one step of the walk can write at most: all bounds of a cell, or one record."""
    return 64 + 2 * d * (8 + 6 * d) + 8 * n_words + 10 * d


def new_state(
    plan: Plan,
    words: NDArray[np.uint64],
    rows: Dense,
    errors: Vector,
    inside: Vector,
    *,
    writes: bool,
) -> State:
    """The memory at the root, its domain's inequalities not imposed yet.

    Parameters
    ----------
    rows, errors : ndarray
        Of the domain's inequalities, in t.
    inside : ndarray, shape (d,)
        A point inside the domain, in t.
    writes : bool
        Whether records are written.
    """
    d = plan.centre.size
    n_rows = plan.bias.size
    most_words = int(np.max(np.diff(plan.word_at), initial=1))
    slots = _FIRST_SLOTS
    sizes = np.abs(rows).sum(axis=1) * (1 + 1e-12) + errors
    exponents = np.frexp(sizes)[1].astype(np.int64)
    walls = np.zeros((len(rows) + slots, _padded(d + 1)))
    walls[: len(rows), : d + 1] = np.ldexp(rows, -exponents[:, None])
    of_wall = np.zeros((len(walls), 2))
    of_wall[: len(rows)] = np.ldexp(np.column_stack([sizes, errors]), -exponents[:, None])
    exact_zero = ~rows.any(axis=1)
    of_wall[: len(rows)][exact_zero] = 0.0
    gamma = (d + 16.0) * 2.0**-52 + 2.0 * plan.drift
    margins = np.zeros(_padded(len(walls)))
    margins[: len(rows)] = (of_wall[: len(rows), 1] + gamma * of_wall[: len(rows), 0]) * (1 + gamma)
    # 0 everywhere, which bounds nothing.
    margins[: len(rows)][exact_zero] = -1.0
    wall_scale = np.ones(len(walls))
    wall_scale[: len(rows)] = np.ldexp(1.0, -exponents)
    at = np.zeros(N_PLACES, dtype=np.int64)
    at[WRITES] = writes
    edges = np.zeros((slots, d, _padded(d)))
    edges[0, :, :d] = np.eye(d)
    active = np.zeros((slots, d), dtype=np.int64)
    active[0] = np.arange(d)
    vertex = np.zeros((slots, d))
    vertex[0] = -1.0
    witness = np.zeros((slots, d))
    witness[0] = inside
    ranges = np.zeros((slots, 3), dtype=np.int64)
    ranges[0] = 0, len(words), 0
    made = np.zeros((plan.offsets.size - 1, N_MADE), dtype=np.int64)
    made[:, OF_BELOW] = -1
    float32, float64 = np.zeros(1, dtype=np.float32), np.zeros(1)
    return State(
        at=at,
        counters=np.zeros(N_COUNTERS, dtype=np.int64),
        words=words,
        maps=np.zeros((d + 1, n_rows)),
        errors=np.zeros(n_rows),
        sizes=np.zeros(n_rows),
        made=made,
        gaps=np.zeros(n_rows),
        charges=np.zeros(n_rows),
        sure=np.zeros((2, most_words), dtype=np.uint64),
        value=np.zeros(d + 1),
        target=np.zeros(_padded(d + 1)),
        of_target=np.zeros(3),
        shares=np.zeros(d),
        terms=np.zeros(d, dtype=np.int64),
        point=np.zeros(d),
        opposite=np.zeros(d),
        slopes=np.zeros(_padded(d)),
        rest=np.zeros(_padded(d + 1)),
        work=_work_space(d, len(walls)),
        walls=walls,
        columns=_columns(walls, d),
        of_wall=of_wall,
        wall_scale=wall_scale,
        margins=margins,
        kept=np.zeros(margins.size),
        vertex=vertex,
        edges=edges,
        active=active,
        witness=witness,
        lows=np.full((slots, d), -1.0),
        highs=np.full((slots, d), 1.0),
        opens=np.zeros((slots, most_words), dtype=np.uint64),
        mixed=np.zeros(most_words, dtype=np.uint64),
        ranges=ranges,
        split=np.zeros((slots, N_SPLIT), dtype=np.int64),
        out=np.zeros(BUFFER + longest_step(d, most_words), dtype=np.uint8),
        float32=float32,
        float32_bytes=float32.view(np.uint8),
        float64=float64,
        float64_bytes=float64.view(np.uint8),
    )


_BY_SLOT = ("vertex", "edges", "active", "witness", "lows", "highs", "opens", "ranges", "split")
_BY_WALL = ("walls", "of_wall", "wall_scale")
_BY_PADDED_WALL = ("margins", "kept")


def grown(state: State) -> State:
    """The state with twice as many slots."""
    more = len(state.vertex)
    larger = {}
    for name in (*_BY_SLOT, *_BY_WALL):
        array = getattr(state, name)
        larger[name] = np.concatenate([array, np.zeros((more, *array.shape[1:]), array.dtype)])
    n_walls, d = len(larger["walls"]), state.vertex.shape[1]
    for name in _BY_PADDED_WALL:
        array = getattr(state, name)
        larger[name] = np.concatenate([array, np.zeros(_padded(n_walls) - array.size)])
    larger["columns"] = _columns(larger["walls"], d)
    larger["work"] = _work_space(d, n_walls)
    return state._replace(**larger)


def _padded(n: int) -> int:
    """Whole vectors."""
    return -(-n // N_LANES) * N_LANES


def _columns(walls: Dense, d: int) -> Dense:
    """The walls by columns, shape (d + 1, padded)."""
    columns = np.zeros((d + 1, _padded(len(walls))))
    columns[:, : len(walls)] = walls[:, : d + 1].T
    return columns


def _work_space(d: int, n_walls: int) -> Dense:
    return np.zeros((N_WORK, _padded(max(d, n_walls))))
