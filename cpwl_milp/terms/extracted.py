"""The extracted classifier: the network replaced by the terms of its training points.

``Fhat_k(x) = max { t_i . x + beta_i : training points i of class k }``, t_i the term of F_k at
point i and its class the network's own; x goes to the class with the largest Fhat. As F_k is the
maximum of all its terms, Fhat_k <= F_k; at a training point of class k both are equal; so Fhat
classifies the training points as the network does, and more points only ever raise it (Trimmel,
Petzka and Sminchisescu, TropEx, ICLR 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.pattern import Packed
from cpwl_milp.terms.linear import LinearTerms, point_blocks
from cpwl_milp.terms.tropical import TropicalTerms

# Entries of the table of values (points times terms) held at a time (float64: 64 MB).
_BLOCK_ENTRIES = 1 << 23

ROUNDING = 256 * float(np.finfo(np.float64).eps)
"""Values that differ by less than this share of what is added up in them are not told apart."""


@dataclass(frozen=True, eq=False)
class TermSet:
    """The terms of n points for their own classes, held in memory: 2 (1 + n_inputs) numbers each.

    Attributes
    ----------
    linear : ndarray, shape (n, 1 + n_inputs)
        Bias and coefficients of the own class.
    negative : ndarray, shape (n, 1 + n_inputs)
        The term of G.
    outputs : ndarray, shape (n, n_outputs)
    upper : ndarray, shape (n, n_outputs)
        F_k at the points.
    size : ndarray, shape (n,)
        What is added up in it, in absolute values.
    labels : ndarray of int64, shape (n,)
        The network's classes.
    patterns : ndarray of uint8, shape (n, packed_size(n_units))
    """

    linear: Dense
    negative: Dense
    outputs: Dense
    upper: Dense
    size: Vector
    labels: NDArray[np.int64]
    patterns: Packed

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def positive(self) -> Dense:
        """The term of F of the own class, bias first, shape (n, 1 + n_inputs)."""
        found = self.linear + self.negative
        np.maximum(found[:, 1:], 0.0, out=found[:, 1:])
        return found

    @staticmethod
    def of(terms: LinearTerms, tropical: TropicalTerms, points: Dense) -> TermSet:
        """What is kept of the terms of a block of points."""
        negative = np.concatenate([tropical.negative_bias[:, None], tropical.negative], axis=1)
        upper = tropical.positive_at(points)
        return TermSet(
            terms.own(),
            negative,
            terms.outputs,
            upper,
            tropical.size,
            terms.labels,
            terms.patterns,
        )

    @staticmethod
    def joined(parts: Sequence[TermSet]) -> TermSet:
        """Blocks as one set."""
        names = ("linear", "negative", "outputs", "upper", "size", "labels", "patterns")
        return TermSet(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True, eq=False)
class Extraction:
    """The extracted classifier at n points.

    Attributes
    ----------
    values : ndarray, shape (n, n_outputs)
        Fhat_k; -inf for a class without training points.
    winners : ndarray of int64, shape (n, n_outputs)
        The training point whose term gives Fhat_k; -1 where there is none.
    negative_winners : ndarray of int64, shape (n,)
        The training point whose term of G is largest.
    """

    values: Dense
    winners: NDArray[np.int64]
    negative_winners: NDArray[np.int64]

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """The class with the largest Fhat, the first of several that are equal."""
        return np.asarray(self.values.argmax(axis=1), dtype=np.int64)

    @cached_property
    def winner(self) -> NDArray[np.int64]:
        """The training point that wins on each point."""
        return self.winners[np.arange(len(self.winners)), self.labels]

    @cached_property
    def straight(self) -> NDArray[np.bool_]:
        """Whether one training point wins on both F and G: Fhat - Ghat is then its linear term.

        Otherwise the difference crosses the terms of two points and is no linear term of the
        network.
        """
        return np.asarray(self.winner == self.negative_winners)

    def agrees(self, known: TermSet) -> NDArray[np.bool_]:
        """Whether no other class has a larger Fhat than the network's, up to `ROUNDING`."""
        own = self.values[np.arange(len(known)), known.labels]
        return np.asarray(own >= self.values.max(axis=1) - ROUNDING * known.size)


def extract(training: TermSet, points: NDArray[np.generic], n_outputs: int) -> Extraction:
    """Apply the classifier extracted from training points.

    Parameters
    ----------
    training : TermSet
    points : ndarray, shape (n, n_inputs)
    n_outputs : int
    """
    order = np.argsort(training.labels, kind="stable")
    starts = np.searchsorted(training.labels[order], np.arange(n_outputs + 1))
    positive, negative = training.positive[order], training.negative
    n = len(points)
    values = np.full((n, n_outputs), -np.inf)
    winners = np.full((n, n_outputs), -1, dtype=np.int64)
    below = np.empty(n, dtype=np.int64)
    for rows, block in point_blocks(points, max(1, _BLOCK_ENTRIES // len(training))):
        table = _at(positive, block)
        for k in range(n_outputs):
            if starts[k] < starts[k + 1]:
                here = table[:, starts[k] : starts[k + 1]]
                best = here.argmax(axis=1)
                values[rows, k] = here[np.arange(len(block)), best]
                winners[rows, k] = order[starts[k] + best]
        below[rows] = _at(negative, block).argmax(axis=1)
    return Extraction(values, winners, below)


@dataclass(frozen=True, eq=False)
class Growth:
    """The classifiers extracted from growing parts of the training points.

    Attributes
    ----------
    shares : ndarray, shape (n_shares,)
        Of the training points, the last is 1.
    labels : ndarray of int64, shape (n_repeats, n_shares, n)
        Classes of n points.
    """

    shares: Vector
    labels: NDArray[np.int64]


def extract_growing(
    training: TermSet,
    points: NDArray[np.generic],
    n_outputs: int,
    *,
    n_shares: int = 10,
    n_repeats: int = 5,
    seed: int = 0,
) -> Growth:
    """Apply classifiers extracted from random parts of the training points, each in the next one.

    Parameters
    ----------
    training : TermSet
    points : ndarray, shape (n, n_inputs)
    n_outputs : int
    n_shares : int
        Parts of 1/n_shares, 2/n_shares ... 1 of the training points.
    n_repeats : int
        Random orders.
    seed : int
    """
    rng = np.random.default_rng([seed, len(training)])
    n, m = len(points), len(training)
    labels = np.zeros((n_repeats, n_shares, n), dtype=np.int64)
    parts = []
    for _ in range(n_repeats):
        part = np.empty(m, dtype=np.int64)
        part[rng.permutation(m)] = np.arange(m) * n_shares // m
        # Terms of one part and class side by side: one reduction gives all maxima.
        key = part * n_outputs + training.labels
        order = np.argsort(key, kind="stable")
        present, starts = np.unique(key[order], return_index=True)
        parts.append((order, present, starts))
    positive = training.positive
    for rows, block in point_blocks(points, max(1, _BLOCK_ENTRIES // m)):
        table = _at(positive, block)
        for repeat, (order, present, starts) in enumerate(parts):
            best = np.full((len(block), n_shares * n_outputs), -np.inf)
            best[:, present] = np.maximum.reduceat(table[:, order], starts, axis=1)
            grown = np.maximum.accumulate(best.reshape(-1, n_shares, n_outputs), axis=1)
            labels[repeat][:, rows] = grown.argmax(axis=2).T
    return Growth(np.arange(1, n_shares + 1) / n_shares, labels)


def _at(terms: Dense, points: Dense) -> Dense:
    """Values of terms, bias first, at points: shape (n_points, n_terms)."""
    found = points @ terms[:, 1:].T
    found += terms[:, 0]
    return np.asarray(found)
