"""Counterexamples: inputs that are proved to violate a property."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.network import Network
from cpwl_milp.core.property import Case, Property
from cpwl_milp.verification.exact import exact_excess


@dataclass(frozen=True, eq=False)
class Counterexample:
    """An input that violates a property, shown in exact arithmetic on the stored weights.

    Attributes
    ----------
    x : ndarray, shape (n_inputs,)
        Within the bounds of its case, float by float.
    y : ndarray, shape (n_outputs,)
        The network's outputs in float64.
    case : int
        Which case of the property it meets, from 0.
    excess : float
        The largest of its rows' left side less limit, exact but for its last rounding: at most 0.
    single : bool
        Whether every coordinate of `x` is a float32.
    """

    x: Vector
    y: Vector
    case: int
    excess: float
    single: bool


def counterexample(
    network: Network, prop: Property, case: int, x: Vector, *, prefer_single: bool = True
) -> Counterexample | None:
    """Judge a candidate, and its neighbour in float32.

    Parameters
    ----------
    network : Network
    prop : Property
    case : int
        Which case it is to meet.
    x : ndarray, shape (n_inputs,)
    prefer_single : bool
        Try the candidate rounded to float32 first: what a model in float32 can be given.

    Returns
    -------
    Counterexample or None
        None where the candidate does not violate.
    """
    asked = prop.cases[case]
    inside = np.clip(x, asked.box.lower, asked.box.upper)
    if prefer_single:
        found = _judged(network, asked, case, single_within(asked, inside))
        if found is not None:
            return found
    return _judged(network, asked, case, inside)


def single_within(case: Case, x: Vector) -> Vector:
    """The float32 vector next to `x` inside the box; a coordinate without one stays as it is."""
    with np.errstate(over="ignore"):
        near = x.astype(np.float32)
        low, high = case.box.lower, case.box.upper
        near = np.where(near < low, np.nextafter(near, np.float32(np.inf)), near)
        near = np.where(near > high, np.nextafter(near, np.float32(-np.inf)), near)
    rounded = near.astype(np.float64)
    return np.where((rounded >= low) & (rounded <= high), rounded, x)


def _judged(network: Network, asked: Case, case: int, x: Vector) -> Counterexample | None:
    if not np.all((x >= asked.box.lower) & (x <= asked.box.upper)):
        return None
    excess = exact_excess(network, asked.rows, x)
    for value, strict in zip(excess, asked.rows.strict, strict=True):
        if value > 0 or (strict and value == 0):
            return None
    y = network(x[None])[0]
    worst = float(max(excess)) if excess else 0.0
    single = bool(np.all(x == x.astype(np.float32)))
    return Counterexample(x, y, case, worst, single)
