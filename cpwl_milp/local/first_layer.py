"""How many regions one layer's hyperplanes cut a ball into: a sharp bound.

The regions that an arrangement cuts out of an open convex set number at most the independent
sets J of hyperplanes, the empty one included, whose intersection meets the set (Zaslavsky, A
combinatorial analysis of topological dissections, 1977: each such intersection counts for the
absolute value of its Moebius number, at most the number of its bases). Where the hyperplanes are
in general position the two numbers are equal.

Whether an intersection meets the ball is decided from above only (`arrangement.may_meet`): a set
is left out where it surely does not, or where exact arithmetic proves it dependent. Any doubt
counts.

Sets grow one hyperplane at a time, since a set that does not meet the ball has no superset that
does. When they become too many, the numbers of larger ones are bounded by those found: the sets
form a simplicial complex, and Kruskal (1963) and Katona (1968) say how many faces of one size
more it can have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense
from cpwl_milp.counting.rank import RankBudget, rank_bound
from cpwl_milp.local.arrangement import BLOCK, Arrangement, blocks, gram_matrix, may_meet

# Normalised Gram matrices with a smaller eigenvalue are looked at exactly.
_SUSPICIOUS = 1e-8


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
    gram = gram_matrix(arrangement.weight)
    sets: NDArray[np.intp] = np.arange(n_planes, dtype=np.intp)[:, None]
    pairs = np.ones((n_planes, n_planes), dtype=np.bool_)
    while len(counts) <= largest and len(sets):
        tested += len(sets)
        if tested > limit:
            return FirstLayer(tuple(counts), _larger(counts, n_planes, largest))
        sets = sets[may_meet(arrangement, gram, sets)]
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
    step = max(1, BLOCK // max(1, pairs.shape[0]))
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


def _not_dependent(
    weight: Dense, gram: Dense, sets: NDArray[np.intp], budget: RankBudget
) -> NDArray[np.bool_]:
    """Which sets are not proved linearly dependent."""
    kept = np.ones(len(sets), dtype=np.bool_)
    lengths = np.sqrt(np.diag(gram))
    normalised = gram / np.maximum(np.outer(lengths, lengths), 1e-300)
    for block in blocks(len(sets), sets.shape[1] ** 2):
        part = normalised[sets[block][:, :, None], sets[block][:, None, :]]
        for place in np.flatnonzero(np.linalg.eigvalsh(part)[:, 0] < _SUSPICIOUS):
            chosen = np.zeros(len(weight), dtype=np.bool_)
            chosen[sets[block][place]] = True
            size = sets.shape[1]
            columns = np.ones(weight.shape[1], dtype=np.bool_)
            kept[block.start + place] = rank_bound(weight, chosen, columns, size, budget) >= size
    return kept
