"""What a run over all points keeps of their terms: little a point, whatever the network."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Vector
from cpwl_milp.terms.linear import LinearTerms

DECIMALS = 3
"""Digits after the point to which terms are rounded when distinct ones are counted (TropEx)."""


class TermSummary:
    """Patterns and terms of points, counted as they pass.

    Patterns and rounded terms are told apart by 128-bit digests: 16 bytes a point.
    """

    def __init__(self) -> None:
        self._patterns: set[bytes] = set()
        self._rounded: set[bytes] = set()
        self._labels: list[NDArray[np.int64]] = []
        self._steepness: list[Vector] = []
        self.on_boundary = 0

    def add(self, terms: LinearTerms) -> None:
        """Take the terms of a block of points."""
        own = terms.own()
        rounded = np.round(own, DECIMALS)
        # -0 and 0 are one number of two digests.
        rounded += 0.0
        self._patterns.update(_digests(terms.patterns))
        self._rounded.update(_digests(rounded))
        self._labels.append(terms.labels)
        self._steepness.append(np.linalg.norm(own[:, 1:], axis=1))
        self.on_boundary += int(terms.on_boundary.sum())

    @property
    def distinct_patterns(self) -> int:
        """Different activation patterns."""
        return len(self._patterns)

    @property
    def distinct_terms(self) -> int:
        """Different terms of the points' own classes, all numbers rounded to `DECIMALS`."""
        return len(self._rounded)

    @property
    def labels(self) -> NDArray[np.int64]:
        """The network's class of each point."""
        return np.concatenate(self._labels)

    @property
    def steepness(self) -> Vector:
        """Euclidean norm of the coefficients of each point's own class."""
        return np.concatenate(self._steepness)


def _digests(rows: NDArray[np.generic]) -> list[bytes]:
    rows = np.ascontiguousarray(rows)
    return [hashlib.blake2b(row, digest_size=16).digest() for row in rows]
