"""What lies across a facet of a region, and whether the facet is there.

The closed cells of a network's partition meet facet to facet (Grigsby and Lindsey 2022), so
across each facet lies exactly one region. Its pattern follows from the germ of the network just
behind the facet: units that do not vanish on it keep their bit; those that do (duplicate,
opposite and parallel units, units fed by dead ones) take the sign of their directional
derivative, layer by layer, with the maps of the region behind. So several bits may flip at once.

Whether a row really holds a facet is asked of the list first: the pattern behind it must be a
region. In deep networks this does not suffice (in one dimension, a unit that is positive on both
sides of x = 0 but not near it makes patterns one bit apart that do not touch), so a point inside
the facet is then looked for: on the segment between the two regions' points, else by an LP.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.errors import SolverError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Bits
from cpwl_milp.solvers.inradius import largest_ball
from cpwl_milp.solvers.program import SolveStatus

# Rows are compared in coordinates scaled to [-1, 1]^n, at unit norm.
TOLERANCE = 1e-9
# Rounding errors of a composed row, relative to its size before any cancellation.
_ROUNDING = 1e-13
# A facet holds a point this far from all other rows (distance in scaled coordinates).
_INSIDE = 1e-9


@dataclass(frozen=True, eq=False)
class Walls:
    """The rows of one region as unit normals, grouped by hyperplane.

    Attributes
    ----------
    inward : ndarray, shape (n_units, n)
        Unit normals, pointing into the region; 0 for units without a hyperplane in the box.
    offset : ndarray, shape (n_units,)
        The closed region is ``inward @ t + offset >= 0``.
    hyperplane : ndarray of intp, shape (n_units,)
        Units with one number vanish on one hyperplane; -1 where there is none in the box.
    flat : ndarray of bool, shape (n_units,)
        Units that vanish on the whole region.
    """

    inward: Dense
    offset: Vector
    hyperplane: NDArray[np.intp]
    flat: NDArray[np.bool_]

    @staticmethod
    def of(rows: Dense, bits: Bits, scale: Vector) -> Walls:
        """From the composed rows (n_units, n + 1) of one region, over t in [-1, 1]^n.

        `scale`, shape (n_units,), is the size that rounding errors in the rows are relative to.
        """
        normal, q = rows[:, :-1], rows[:, -1]
        norm = np.linalg.norm(normal, axis=1)
        limit = _ROUNDING * scale
        varies = norm > limit
        safe = np.where(varies, norm, 1.0)
        sign = np.where(bits, 1.0, -1.0) / safe
        inward = np.where(varies[:, None], normal * sign[:, None], 0.0)
        offset = q * sign
        # Beyond the box's corners there is no facet of the domain's regions.
        meets = varies & (np.abs(offset) < np.abs(inward).sum(axis=1))
        # A short row is known less well, once brought to unit norm.
        blur = np.maximum(TOLERANCE, limit / safe)
        planes = _hyperplanes(np.concatenate([inward, offset[:, None]], axis=1), meets, blur)
        return Walls(inward, offset, planes, ~varies & (np.abs(q) <= limit))


def _hyperplanes(vectors: Dense, meets: NDArray[np.bool_], blur: Vector) -> NDArray[np.intp]:
    """Number the distinct hyperplanes of the rows in `meets`, equal up to `blur`."""
    found = np.full(len(vectors), -1)
    units = np.flatnonzero(meets)
    if units.size == 0:
        return found
    vectors, blur = vectors[units], blur[units]
    # One sign for both sides of a hyperplane: that of the largest entry of the normal, the first
    # of those that are equal up to rounding.
    size = np.abs(vectors[:, :-1])
    lead = np.argmax(size >= size.max(axis=1, keepdims=True) - 1e-6, axis=1)
    vectors = vectors * np.sign(vectors[np.arange(len(units)), lead])[:, None]
    # Equal vectors stand together in the order of any one direction.
    direction = np.cos(1.0 + np.arange(vectors.shape[1]))
    place = vectors @ direction
    order = np.argsort(place, kind="stable")
    reach = float(blur.max() * np.abs(direction).sum())
    numbers = np.arange(len(units))
    for k, here in enumerate(order):
        for j in range(k - 1, -1, -1):
            there = order[j]
            if place[here] - place[there] > reach:
                break
            if np.abs(vectors[here] - vectors[there]).max() <= max(blur[here], blur[there]):
                numbers[here] = numbers[there]
                break
    found[units] = numbers
    return found


def patterns_behind(network: Network, bits: Bits, walls: Walls) -> Iterator[tuple[int, Bits]]:
    """For each hyperplane of a region's rows, one of its units and the pattern behind it.

    Parameters
    ----------
    network : Network
        Over t in [-1, 1]^n.
    bits : ndarray of bool, shape (n_units,)
    walls : Walls
    """
    order = np.argsort(walls.hyperplane, kind="stable")
    groups = walls.hyperplane[order]
    begins = np.flatnonzero(np.diff(groups, prepend=-1))
    ends = np.append(begins[1:], len(order))
    for begin, end in zip(begins, ends, strict=True):
        units = order[begin:end]
        if len(units) == 1 and not walls.flat.any():
            behind = bits.copy()
            behind[units[0]] = not behind[units[0]]
        else:
            vanishing = walls.flat.copy()
            vanishing[units] = True
            behind = germ(network, bits, vanishing, -walls.inward[units[0]])
        yield int(units[0]), behind


def germ(network: Network, bits: Bits, vanishing: NDArray[np.bool_], direction: Vector) -> Bits:
    """The pattern just behind a facet.

    Parameters
    ----------
    network : Network
    bits : ndarray of bool, shape (n_units,)
        The region before the facet.
    vanishing : ndarray of bool, shape (n_units,)
        Units whose pre-activation is 0 on the facet.
    direction : ndarray, shape (n,)
        Across the facet.

    Returns
    -------
    ndarray of bool, shape (n_units,)
        A vanishing unit has bit 1 iff its derivative along `direction` is positive behind.
    """
    behind = bits.copy()
    slope = direction
    for index, layer in enumerate(network.layers):
        weight = layer.affine.weight
        derivative = np.asarray(weight @ slope)
        size = np.asarray(abs(weight) @ np.abs(slope))
        place = network.layer_bits(index)
        rises = (derivative > TOLERANCE * size)[layer.units]
        behind[place] = np.where(vanishing[place], rises, bits[place])
        factor = np.ones(layer.affine.n_out)
        factor[layer.units] = np.where(behind[place], 1.0, layer.slope[layer.units])
        slope = derivative * factor
    return behind


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What bounds the domain over t, beside the box [-1, 1]^n.

    Attributes
    ----------
    A : ndarray, shape (m, n)
        Unit rows.
    b : ndarray, shape (m,)
        ``A t <= b``.
    is_ball : bool
        Whether ``|t| < 1`` as well.
    """

    A: Dense
    b: Vector
    is_ball: bool = False

    def room(self, point: Vector) -> float:
        """How far a point is inside, at least."""
        limits = [self.b - self.A @ point, 1.0 - point, 1.0 + point]
        if self.is_ball:
            limits.append(np.array([1.0 - np.linalg.norm(point)]))
        return float(np.concatenate(limits).min())


def crosses(walls: Walls, unit: int, around: Surroundings, start: Vector, end: Vector) -> bool:
    """Whether the segment from `start` to `end` leaves the region through `unit`'s facet.

    True is a proof that the facet is there; False says nothing.
    """
    before = float(walls.inward[unit] @ start + walls.offset[unit])
    after = float(walls.inward[unit] @ end + walls.offset[unit])
    if not before > 0 > after:
        return False
    middle = start + (end - start) * (before / (before - after))
    others = _others(walls, unit)
    slack = walls.inward[others] @ middle + walls.offset[others]
    return bool(slack.min(initial=1.0) > _INSIDE and around.room(middle) > _INSIDE)


def has_facet(walls: Walls, unit: int, around: Surroundings) -> bool:
    """Whether the region has a facet of full dimension on `unit`'s hyperplane in the domain.

    By an LP; in a ball, by the distance of the facet from the centre.

    Raises
    ------
    SolverError
        If the LP cannot be settled.
    """
    normal = walls.inward[unit]
    n = len(normal)
    foot = -walls.offset[unit] * normal
    basis = np.linalg.svd(normal[None, :])[2][1:].T
    others = _others(walls, unit)
    A = np.concatenate([-walls.inward[others], around.A, np.eye(n), -np.eye(n)])
    b = np.concatenate([walls.offset[others], around.b, np.ones(2 * n)]) - A @ foot
    A = A @ basis
    # A row parallel to the hyperplane is a constant on it: it must hold with room.
    constant = np.linalg.norm(A, axis=1) <= TOLERANCE
    if (b[constant] <= _INSIDE).any():
        return False
    if n == 1:
        return True
    if around.is_ball:
        return _comes_near(A[~constant], b[~constant] - _INSIDE, 1.0 - float(foot @ foot))
    reach = np.full(n - 1, 2.0 * np.sqrt(n))
    ball = largest_ball(A[~constant], b[~constant], -reach, reach)
    if ball.status not in (SolveStatus.OPTIMAL, SolveStatus.INFEASIBLE):
        raise SolverError("linear regions", "the LP of a facet was not settled", "an answer")
    return ball.radius > _INSIDE


def _comes_near(A: Dense, b: Vector, square: float) -> bool:
    """Whether ``A s <= b``, with unit rows scaled by their norms, comes nearer to 0 than a radius.

    The least distance is that of a non-negative least-squares problem (Lawson and Hanson 1974,
    chapter 23): its squared residual is ``1 / (1 + distance^2)`` in units of the radius.
    """
    radius = np.sqrt(max(0.0, square)) - _INSIDE
    if radius <= 0 or not len(b):
        return bool(radius > 0)
    stacked = -np.concatenate([A.T, b[None, :] / radius])
    target = np.zeros(len(stacked))
    target[-1] = 1.0
    # Not before it is needed: it takes a tenth of the start.
    from scipy.optimize import nnls

    _, residual = nnls(stacked, target, maxiter=30 * (len(stacked) + len(b)))
    return bool(residual**2 > 0.5)


def _others(walls: Walls, unit: int) -> NDArray[np.bool_]:
    """Units that bound the region elsewhere than on `unit`'s hyperplane."""
    own = walls.hyperplane[unit]
    return np.asarray((walls.hyperplane >= 0) & (walls.hyperplane != own))
