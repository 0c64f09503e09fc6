"""What a certificate is about: a network and a domain, as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class StatedLayer:
    """``z = W a + b``, then ``a' = z`` where z > 0 and ``slope * z`` elsewhere.

    Attributes
    ----------
    weights : sequence of rows of float
        One row a unit.
    biases, slopes : sequence of float
        One a unit. A unit of slope 1 passes its value on and carries no bit.
    """

    weights: Sequence[Sequence[float]]
    biases: Sequence[float]
    slopes: Sequence[float]


@dataclass(frozen=True)
class Statement:
    """The network and the domain ``lower <= x <= upper, A x <= b``, all numbers finite floats.

    Floats are dyadic rationals: they are taken for exactly what they are.

    Attributes
    ----------
    layers : sequence of StatedLayer
        The hidden layers.
    lower, upper : sequence of float
    matrix : sequence of rows of float
        A.
    limits : sequence of float
        b.
    """

    layers: Sequence[StatedLayer]
    lower: Sequence[float]
    upper: Sequence[float]
    matrix: Sequence[Sequence[float]] = ()
    limits: Sequence[float] = ()
