"""How many regions one layer's hyperplanes cut a ball into: a sharp bound.

The regions that an arrangement cuts out of an open convex set number at most the independent
sets J of hyperplanes, the empty one included, whose intersection meets the set (Zaslavsky, A
combinatorial analysis of topological dissections, 1977: each such intersection counts for the
absolute value of its Moebius number, at most the number of its bases). Where the hyperplanes are
in general position the two numbers are equal.

Whether ``{x : W_J x + b_J = 0}`` comes closer to the centre c than r is decided from above only.
For every y,

    distance_p >= |y . z_J(c)| / ||W_J' y||_q,

so a set is left out only where some y proves the distance to be at least r, rounding charged,
or where exact arithmetic proves it dependent. Any doubt counts.

Sets grow one hyperplane at a time, since a set that does not meet the ball has no superset that
does. When they become too many, the numbers of larger ones are bounded by those found: the sets
form a simplicial complex, and Kruskal (1963) and Katona (1968) say how many faces of one size
more it can have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.bounding.rounding import UNIT_ROUNDOFF, gamma
from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.counting.rank import RankBudget, rank_bound
from cpwl_milp.local.norms import row_norms

# Reweighted steps towards the best y in the 1- and the infinity-norm.
_STEPS = 40
# Normalised Gram matrices with a smaller eigenvalue are looked at exactly.
_SUSPICIOUS = 1e-8
# Entries of a block of matrices.
_BLOCK = 1 << 21


@dataclass(frozen=True)
class FirstLayer:
    """What is known of the arrangement.

    Attributes
    ----------
    sets : tuple of int
        Independent sets of 0, 1, 2, ... hyperplanes that may meet the ball.
    rest : int
        At most so many larger ones were not looked at.
    """

    sets: tuple[int, ...]
    rest: int

    @property
    def upper(self) -> int:
        """Upper bound of the number of regions of this layer in the ball."""
        return sum(self.sets) + self.rest


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Hyperplanes seen from the centre of a ball.

    Attributes
    ----------
    weight : ndarray, shape (n_planes, n)
        No row is zero.
    at_centre : ndarray, shape (n_planes,)
        Pre-activations at the centre.
    error : ndarray, shape (n_planes,)
        How far they may be off.
    norm : str
        Of the ball: "1", "2" or "inf".
    radius : float
    """

    weight: Dense
    at_centre: Vector
    error: Vector
    norm: str
    radius: float


def first_layer_bound(arrangement: Arrangement, limit: int) -> FirstLayer:
    """Count the independent sets that may meet the open ball.

    Parameters
    ----------
    arrangement : Arrangement
    limit : int
        Test about this many sets at most.

    Returns
    -------
    FirstLayer
    """
    n_planes, dim = arrangement.weight.shape
    largest = min(n_planes, dim)
    counts, tested = [1], 0
    budget = RankBudget()
    gram = _gram(arrangement.weight)
    sets: NDArray[np.intp] = np.arange(n_planes, dtype=np.intp)[:, None]
    pairs = np.ones((n_planes, n_planes), dtype=np.bool_)
    while len(counts) <= largest and len(sets):
        tested += len(sets)
        if tested > limit:
            return FirstLayer(tuple(counts), _larger(counts, n_planes, largest))
        sets = sets[_may_meet(arrangement, gram, sets)]
        if sets.shape[1] > 1:
            sets = sets[_not_dependent(arrangement.weight, gram, sets, budget)]
        counts.append(len(sets))
        if sets.shape[1] == 1:
            there = np.zeros(n_planes, dtype=np.bool_)
            there[sets[:, 0]] = True
            pairs &= there[:, None] & there[None, :]
        elif sets.shape[1] == 2:
            pairs = np.zeros_like(pairs)
            pairs[sets[:, 0], sets[:, 1]] = True
        sets = _grown(sets, pairs, limit - tested)
    return FirstLayer(tuple(counts), 0)


def most_faces(n_faces: int, size: int) -> int:
    """The most sets of ``size + 1`` elements all of whose `size`-subsets are among `n_faces`.

    Kruskal and Katona: write ``n_faces = C(a_k, k) + C(a_{k-1}, k-1) + ...`` with falling a; then
    it is ``C(a_k, k+1) + C(a_{k-1}, k) + ...``.
    """
    total = 0
    for k in range(size, 0, -1):
        if n_faces == 0:
            break
        a, binomial = k, 1
        while (following := binomial * (a + 1) // (a + 1 - k)) <= n_faces:
            a, binomial = a + 1, following
        n_faces -= binomial
        # C(a, k + 1) from C(a, k).
        total += binomial * (a - k) // (k + 1)
    return total


def _larger(counts: list[int], n_planes: int, largest: int) -> int:
    """At most so many sets of more elements than those counted."""
    if len(counts) == 1:
        faces, size, total = n_planes, 1, n_planes
    else:
        faces, size, total = counts[-1], len(counts) - 1, 0
    while size < largest and faces:
        faces = most_faces(faces, size)
        size += 1
        total += faces
    return total


def _grown(sets: NDArray[np.intp], pairs: NDArray[np.bool_], room: int) -> NDArray[np.intp]:
    """All sets with one hyperplane more, of which every pair may meet; cut off beyond `room`."""
    size = sets.shape[1]
    found, n = [], 0
    step = max(1, _BLOCK // max(1, pairs.shape[0]))
    for start in range(0, len(sets), step):
        block = sets[start : start + step]
        allowed = np.arange(pairs.shape[0]) > block[:, -1:]
        for place in range(size):
            allowed &= pairs[block[:, place]]
        of, more = np.nonzero(allowed)
        found.append(np.concatenate([block[of], more[:, None]], axis=1))
        n += len(of)
        if n > room:
            break
    return np.concatenate(found) if found else np.zeros((0, size + 1), dtype=np.intp)


def _gram(weight: Dense) -> Dense:
    return np.asarray(weight @ weight.T)


def _may_meet(arrangement: Arrangement, gram: Dense, sets: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which intersections are not proved to keep a distance of at least the radius."""
    meets = np.ones(len(sets), dtype=np.bool_)
    size = sets.shape[1]
    dim = arrangement.weight.shape[1]
    entries = size * (size if arrangement.norm == "2" else dim)
    step = max(1, _BLOCK // max(1, entries))
    for start in range(0, len(sets), step):
        block = sets[start : start + step]
        far = _far_2 if arrangement.norm == "2" else _far_polyhedral
        meets[start : start + step] = ~far(arrangement, gram, block)
    return meets


def _far_2(arrangement: Arrangement, gram: Dense, sets: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Proved far in the 2-norm, with y from the normal equations and norms from the Gram matrix.

    ``||W_J' y||^2 = y' G y`` up to ``gamma (sum |y_i| ||w_i||)^2``.
    """
    part = gram[sets[:, :, None], sets[:, None, :]]
    z = arrangement.at_centre[sets]
    y = _solved(part, z)
    lengths = np.sqrt(np.diag(gram))[sets]
    square = np.einsum("bi,bi->b", (y[:, None, :] @ part)[:, 0, :], y)
    terms = 2.0 * (arrangement.weight.shape[1] + 4 * sets.shape[1] + 16)
    charge = gamma(2.0 * terms) * np.einsum("bi,bi->b", np.abs(y), lengths) ** 2
    return _proved(arrangement, sets, y, np.sqrt(np.maximum(square, 0.0) + charge))


def _far_polyhedral(
    arrangement: Arrangement, gram: Dense, sets: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Proved far in the 1- or infinity-norm, with y by iteratively reweighted least squares.

    The least ``sum_k v_k^2 / o_k`` over ``W_J v = -z`` has ``v = -o W_J' y``. Weights o = |v| lead
    to the least 1-norm, weights 1/o grown by |v| (Lawson 1961) to the least maximum.
    """
    rows = arrangement.weight[sets]
    z = arrangement.at_centre[sets]
    far = np.zeros(len(sets), dtype=np.bool_)
    todo = np.arange(len(sets))
    weights = np.ones((len(sets), rows.shape[2]))
    for _ in range(_STEPS):
        w, o = rows[todo], weights[todo]
        part = (w * o[:, None, :]) @ w.transpose(0, 2, 1)
        y = _solved(part, z[todo])
        pulled = (y[:, None, :] @ w)[:, 0, :]
        proved = _proved(
            arrangement, sets[todo], y, _dual_norms(arrangement, sets[todo], y, pulled)
        )
        far[todo[proved]] = True
        v = np.abs(o * pulled)
        # A point of the intersection inside the ball: no y can prove it far.
        length = v.sum(axis=1) if arrangement.norm == "1" else v.max(axis=1)
        left = ~proved & (length >= arrangement.radius)
        if arrangement.norm == "1":
            fresh = v / np.maximum(v.max(axis=1, keepdims=True), 1e-300) + 1e-12
        else:
            share = v / np.maximum(v.max(axis=1, keepdims=True), 1e-300) / o
            fresh = 1.0 / np.maximum(share / share.max(axis=1, keepdims=True), 1e-12)
        weights[todo] = fresh
        todo = todo[left]
        if not todo.size:
            break
    return far


def _dual_norms(
    arrangement: Arrangement, sets: NDArray[np.intp], y: Dense, pulled: Dense
) -> Vector:
    """At least the exact ``||W_J' y||_q`` behind the computed `pulled`."""
    weight, size = arrangement.weight, sets.shape[1]
    dual = "1" if arrangement.norm == "inf" else "inf"
    lost = gamma(4.0 * size + 16) * np.abs(y)
    if dual == "1":
        value, spread = np.abs(pulled).sum(axis=1), np.abs(weight).sum(axis=1)
    else:
        value, spread = np.abs(pulled).max(axis=1), np.abs(weight).max(axis=1)
    charge = np.einsum("bi,bi->b", lost, spread[sets])
    return np.asarray((value + charge) * (1.0 + gamma(4.0 * weight.shape[1] + 16)))


def _solved(matrices: Dense, right: Dense) -> Dense:
    """An approximate y; a singular matrix gets a little on its diagonal, as any y will do."""
    size = matrices.shape[1]
    trace = np.trace(matrices, axis1=1, axis2=2)
    ridge = 1e-14 * np.where(trace > 0, trace, 1.0)
    padded = matrices + ridge[:, None, None] * np.eye(size)
    return np.asarray(np.linalg.solve(padded, right[:, :, None])[:, :, 0], dtype=np.float64)


def _proved(
    arrangement: Arrangement, sets: NDArray[np.intp], y: Dense, dual: Vector
) -> NDArray[np.bool_]:
    """Whether ``|y . z| >= r dual`` holds for certain."""
    z, error = arrangement.at_centre[sets], arrangement.error[sets]
    product = np.abs(np.einsum("bi,bi->b", y, z))
    size = np.einsum("bi,bi->b", np.abs(y), np.abs(z))
    doubt = np.einsum("bi,bi->b", np.abs(y), error) * (1.0 + 1e-10)
    certain = product - doubt - gamma(4.0 * sets.shape[1] + 16) * size
    with np.errstate(invalid="ignore"):
        far = certain >= arrangement.radius * dual * (1.0 + 16 * UNIT_ROUNDOFF)
    return np.asarray(far & np.isfinite(dual) & (certain > 0))


def _not_dependent(
    weight: Dense, gram: Dense, sets: NDArray[np.intp], budget: RankBudget
) -> NDArray[np.bool_]:
    """Which sets are not proved linearly dependent."""
    kept = np.ones(len(sets), dtype=np.bool_)
    lengths = np.sqrt(np.diag(gram))
    normalised = gram / np.maximum(np.outer(lengths, lengths), 1e-300)
    for block in _blocks(len(sets), sets.shape[1] ** 2):
        part = normalised[sets[block][:, :, None], sets[block][:, None, :]]
        for place in np.flatnonzero(np.linalg.eigvalsh(part)[:, 0] < _SUSPICIOUS):
            chosen = np.zeros(len(weight), dtype=np.bool_)
            chosen[sets[block][place]] = True
            size = sets.shape[1]
            columns = np.ones(weight.shape[1], dtype=np.bool_)
            kept[block.start + place] = rank_bound(weight, chosen, columns, size, budget) >= size
    return kept


def _blocks(n: int, entries: int) -> Iterator[slice]:
    step = max(1, _BLOCK // max(1, entries))
    for start in range(0, n, step):
        yield slice(start, min(n, start + step))


def arrangement_of(
    weight: Dense, lower: Vector, upper: Vector, norm: str, radius: float
) -> Arrangement:
    """Hyperplanes ``w.x + b = 0`` with ``lower <= w.c + b <= upper`` at the centre c.

    Rows of zeros are no hyperplanes and are left out; the others are scaled by powers of two to
    sizes near 1, so that no square leaves float's range.
    """
    largest = row_norms(weight, "inf")
    there = largest > 0
    shift = -np.frexp(largest[there])[1]
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = np.ldexp(lower[there], shift), np.ldexp(upper[there], shift)
        middle = 0.5 * low + 0.5 * high
        error = np.maximum(high - middle, middle - low) * (1.0 + 4 * UNIT_ROUNDOFF)
    return Arrangement(np.ldexp(weight[there], shift[:, None]), middle, error, norm, radius)
