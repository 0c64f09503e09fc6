"""Half-spaces of inputs that hold wherever a condition on outputs does.

CROWN bounds a condition's unit by a linear function of the inputs (`bounding.crown`); where the
condition holds, so does the inequality that follows for the inputs (the preimage under the linear
relaxation: Kotha et al., "Provably bounding neural network preimages", NeurIPS 2023). It changes no
answer, as it holds in real arithmetic with the error of its own computation charged; as a unit of
the first layer it ends a search before that comes to the outputs.
"""

from __future__ import annotations

import numpy as np

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.bounding.crown import WayBack
from cpwl_milp.conditions.condition import Inequality
from cpwl_milp.conditions.posing import ConditionedProblem
from cpwl_milp.core.affine import Affine, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.network import Layer, Network

# Beyond so many inputs a row costs the search more than it saves.
_MOST_INPUTS = 1_000


def sharpened(posed: ConditionedProblem, bounds: Bounds) -> tuple[ConditionedProblem, Bounds]:
    """The same question with the half-spaces that follow from its inequalities over outputs.

    Parameters
    ----------
    posed : ConditionedProblem
    bounds : Bounds
        Of the extended problem's network on its domain.

    Returns
    -------
    ConditionedProblem, Bounds
        Those given where nothing follows, or the domain has coordinates of its own.
    """
    problem = posed.problem
    own_inputs = problem.domain is problem.asked and problem.domain.bounded
    if not (own_inputs and problem.network.layers and problem.domain.dim <= _MOST_INPUTS):
        return posed, bounds
    found = _implied(posed, bounds)
    if not found:
        return posed, bounds
    sharper = posed.with_implied(tuple(found))
    # Their rows come right behind those of the condition's own inequalities over inputs.
    before = posed.n_first
    alone = pre_activation_bounds(_units(found, problem.domain.dim), problem.domain, method="crown")
    return sharper, Bounds(
        (_inserted(bounds.lower[0], before, alone.lower[0]), *bounds.lower[1:]),
        (_inserted(bounds.upper[0], before, alone.upper[0]), *bounds.upper[1:]),
    )


def _implied(posed: ConditionedProblem, bounds: Bounds) -> list[Inequality]:
    """What follows from the units of the last layer whose bit the bounds leave open."""
    layers = posed.extended.network.layers
    if not posed.n_last:
        return []
    last, low, high = layers[-1].affine, bounds.lower[-1], bounds.upper[-1]
    way = WayBack(posed.extended.domain)
    for layer, least, most in zip(layers[:-1], bounds.lower, bounds.upper, strict=False):
        way.append(layer, least, most)
    found = []
    above = posed.fixed[-posed.n_last :] == 1
    for k in np.flatnonzero((low <= 0) & (high > 0)):
        # z > 0 asked for: z <= -(C x + c - e), of the line below -z. Else that below z.
        sign = -1.0 if above[k] else 1.0
        line, constant, error = way.lines(sign * last.dense()[[k]], sign * last.bias[[k]])
        row = line if isinstance(line, np.ndarray) else line.toarray()
        limit = float(np.nextafter(error[0] - constant[0], np.inf))
        if not (np.isfinite(limit) and np.isfinite(row).all() and row.any()):
            continue
        # C x <= e - c wherever the condition holds.
        terms = tuple((int(i), float(row[0, i])) for i in np.flatnonzero(row[0]))
        found.append(Inequality(terms, (), limit, above=False))
    return [each for each in found if _cuts(each, posed)]


def _cuts(inequality: Inequality, posed: ConditionedProblem) -> bool:
    """Whether it leaves anything of the domain's box out."""
    box = posed.problem.domain.box
    most = sum(c * float(box.upper[k] if c > 0 else box.lower[k]) for k, c in inequality.inputs)
    return most > inequality.threshold


def _units(inequalities: list[Inequality], n_inputs: int) -> Network:
    weight = np.zeros((len(inequalities), n_inputs))
    for row, inequality in zip(weight, inequalities, strict=True):
        for k, coefficient in inequality.inputs:
            row[k] = coefficient
    bias = np.array([-inequality.threshold for inequality in inequalities])
    layer = Layer(Affine(weight, bias), np.zeros(len(bias)))
    return Network((layer,), Affine.identity(len(bias)))


def _inserted(values: Vector, place: int, more: Vector) -> Vector:
    return np.concatenate([values[:place], more, values[place:]])
