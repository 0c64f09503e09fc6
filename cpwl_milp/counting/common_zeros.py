"""A lower bound for many inputs: a point at which many units are zero at once.

Where k units of one layer are zero at a point inside the domain, and their gradients are linearly
independent, all 2^k patterns of them occur around the point, each on an open set (Zaslavsky 1975,
of the arrangement through the point). The same holds across layers, if no other unit is zero there:
a unit that is zero hands on zero, and within any pattern of the zero units below, the gradient of a
unit above changes by a combination of their gradients, so independence stays. For given bits
there is a direction in which each of these functions has the sign asked for, and a short step that
way keeps every other bit. So the network has at least 2^k regions.

The point is searched for by linear programs, layer after layer. It is found in floating point; that
an exact one lies beside it follows where the least singular value of the gradients is large beside
the rounding of their values, and the other units are clear of zero by far more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domains import Ball
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.problem import Problem
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.program import Program

MANY_INPUTS = 12
"""Inputs from which a common zero says more than random samples do."""

# Entries of a linear program; more take HiGHS too long.
_MOST_ENTRIES = 400_000
# Numbers of the gradients of one layer: half a GB.
_MOST_NUMBERS = 1 << 26
# A value of a unit gradient's function within this is zero to the linear program.
_ZERO = 1e-7
# A gradient of less than this share of what it is summed from may be rounding.
_LEAST_SHARE = 1e-6
# What a gradient must add to those chosen before, of its length.
_INDEPENDENT = 1e-3
# Share of the domain's half widths kept free around the point, while searching.
_FREE = 0.02
# Bound of rounding in a value, as a share of what it is summed from; generous.
_ROUNDING = 1e-10
# By how much the distance to other units' zeros must exceed that to the exact point.
_CLEAR = 1e3


@dataclass(frozen=True, eq=False)
class CommonZeros:
    """Units that are zero at one point with independent gradients.

    Attributes
    ----------
    counts : tuple of int
        How many of layers 1..l, for every l: the prefix has at least 2^count patterns.
    units : ndarray of int, shape (counts[-1],)
        Which, by their place in a pattern.
    point : ndarray, shape (dim,)
        To rounding.
    """

    counts: tuple[int, ...]
    units: NDArray[np.intp]
    point: Vector

    @property
    def lower(self) -> int:
        """What the number of regions is at least."""
        return 1 << (self.counts[-1] if self.counts else 0)


def common_zeros(problem: Problem, bounds: Bounds, deadline: float) -> CommonZeros:
    """Look for a point at which many units are zero; what is found at `deadline` counts.

    Parameters
    ----------
    problem : Problem
    bounds : Bounds
        Of its network on its domain.
    deadline : float
        `time.monotonic()` after which no further layer is begun.
    """
    search = _Search(problem, deadline)
    units: list[NDArray[np.intp]] = []
    state: _Values | None = None
    fates = bounds.stability(problem.network)
    for layer, offset, fate in zip(
        problem.network.layers, problem.network.offsets, fates, strict=False
    ):
        if max(layer.affine.n_in, layer.affine.n_out) * problem.domain.dim > _MOST_NUMBERS:
            break
        state = state or _Values.of(problem.network, search.reach)
        values = state.into(layer)
        going = search.take_layer(values.only(layer.units), fate.unstable)
        units.append(offset + search.latest)
        if not going:
            break
        state = values.activated(layer, search.point, layer.units[search.latest])
    chosen = np.concatenate([np.zeros(0, dtype=np.intp), *units])
    counts = tuple(int((chosen < end).sum()) for end in problem.network.offsets[1:])
    return CommonZeros(counts, chosen, search.point)


@dataclass(frozen=True, eq=False)
class _Values:
    """Values of a layer as affine functions of x around the point, with what they are summed from.

    Attributes
    ----------
    weight, offset : ndarray, shapes (n, dim), (n,)
    slopes, size : ndarray, shape (n,)
        Sums of the terms' magnitudes, of a gradient's entries and of a value in the domain.
    """

    weight: Dense
    offset: Vector
    slopes: Vector
    size: Vector

    @staticmethod
    def of(network: Network, reach: float) -> _Values:
        n = network.n_inputs
        return _Values(np.eye(n), np.zeros(n), np.ones(n), np.full(n, reach))

    def into(self, layer: Layer) -> _Values:
        """The pre-activations of the layer that these values enter."""
        affine, magnitude = layer.affine, layer.affine.magnitude()
        return _Values(
            np.asarray(affine.weight @ self.weight),
            affine(self.offset[None])[0],
            np.asarray(magnitude @ self.slopes),
            np.asarray(magnitude @ self.size) + np.abs(affine.bias),
        )

    def only(self, rows: NDArray[np.intp]) -> _Values:
        return _Values(self.weight[rows], self.offset[rows], self.slopes[rows], self.size[rows])

    def activated(self, layer: Layer, point: Vector, zero: NDArray[np.intp]) -> _Values:
        """A layer's values from its pre-activations: 0 where zero, else by the sign at a point."""
        units = layer.units
        factor = np.ones(len(self.offset))
        positive = self.weight[units] @ point + self.offset[units] > 0
        factor[units] = np.where(positive, 1.0, layer.slope[units])
        factor[zero] = 0.0
        share = np.abs(factor)
        return _Values(
            self.weight * factor[:, None],
            self.offset * factor,
            self.slopes * share,
            self.size * share,
        )


class _Search:
    """The point, and the functions that are zero or not at it; each of a gradient of length 1."""

    def __init__(self, problem: Problem, deadline: float) -> None:
        domain = problem.domain
        box = domain.box
        centre, half = box.centre, box.half_widths
        self._kept = _Functions.none(domain.dim)
        if isinstance(domain, Ball):
            # The largest cube in it.
            half = np.full(domain.dim, domain.radius / np.sqrt(domain.dim))
        self.reach = float(np.abs(centre).max() + half.max())
        if not isinstance(domain, Ball) and len(domain.inequalities()[1]):
            A, b = domain.inequalities()
            slopes = np.abs(A).sum(axis=1)
            self._kept = _Functions.of(_Values(-A, b, slopes, slopes * self.reach + np.abs(b)))
        self._centre, self._half = centre, half
        self._deadline = deadline
        self._zero = _Functions.none(domain.dim)
        self._margin = _FREE * float(half.min())
        self._last = False
        self.point = centre.copy()
        self.latest = np.zeros(0, dtype=np.intp)

    @property
    def n_chosen(self) -> int:
        """Units chosen so far."""
        return len(self._zero.offset)

    def take_layer(self, values: _Values, unstable: NDArray[np.bool_]) -> bool:
        """Choose units of a layer by their pre-activations; whether a further layer may follow."""
        self.latest = np.zeros(0, dtype=np.intp)
        room = len(self.point) - self.n_chosen
        length = np.linalg.norm(values.weight, axis=1)
        varying = length > _LEAST_SHARE * values.slopes
        units = np.flatnonzero(unstable & varying)
        # Constant around the point, or nearly so: no zero to choose, and its bit must be clear.
        flat = unstable & ~varying
        slack = np.abs(values.offset) - _LEAST_SHARE * values.size
        constant = bool((slack[flat] > length[flat] * self.reach).all())
        if not room or time.monotonic() > self._deadline:
            return False
        if not len(units):
            return constant
        functions = _Functions.of(values.only(units))
        far = np.abs(functions(self.point))
        most = max(1, min(2 * room, _MOST_ENTRIES // len(self.point)))
        tried = np.argsort(far, kind="stable")[:most]
        found = self._with_zeros(functions.only(tried))
        if found is None:
            return False
        zeros = tried[np.abs(functions.only(tried)(found)) < _ZERO]
        zeros = zeros[_independent(self._zero.weight, functions.weight[zeros])]
        others = functions.only(np.setdiff1d(np.arange(len(units)), zeros))
        chosen = self._zero.joined(functions.only(zeros))
        signed = others.times(np.where(others(found) > 0, 1.0, -1.0))
        kept = self._kept.joined(signed)
        fits = (kept.weight.size + chosen.weight.size) <= _MOST_ENTRIES
        if constant and fits and self._settle(chosen, kept, found):
            self.latest = units[zeros]
            return True
        # As the last layer: what its other units do is of no matter.
        if self._settle(chosen, self._kept, found):
            self.latest = units[zeros]
        return False

    def _with_zeros(self, functions: _Functions) -> Vector | None:
        """A point at which the absolute values of functions add up to the least there is."""
        k, d = functions.weight.shape
        zero, kept = self._zero, self._kept
        rows = np.block(
            [
                [functions.weight, -np.eye(k), np.eye(k)],
                [zero.weight, np.zeros((len(zero.offset), 2 * k))],
                [kept.weight, np.zeros((len(kept.offset), 2 * k))],
            ]
        )
        least = np.concatenate([-functions.offset, -zero.offset, 0.5 * self._margin - kept.offset])
        most = np.concatenate([-functions.offset, -zero.offset, np.full(len(kept.offset), np.inf)])
        free = (1.0 - _FREE) * self._half
        program = Program.linear(
            rows,
            least,
            most,
            np.concatenate([self._centre - free, np.zeros(2 * k)]),
            np.concatenate([self._centre + free, np.full(2 * k, np.inf)]),
            np.concatenate([np.zeros(d), np.ones(2 * k)]),
        )
        return self._solved(program)

    def _settle(self, zero: _Functions, kept: _Functions, near: Vector) -> bool:
        """Take functions as zero, and go as far from the zeros of others as possible."""
        d = len(self.point)
        nothing = np.zeros(2 * d)
        faces = _Functions(
            np.concatenate([np.eye(d), -np.eye(d)]),
            np.concatenate([self._half - self._centre, self._half + self._centre]),
            nothing,
            nothing,
        )
        rows = np.block(
            [
                [zero.weight, np.zeros((len(zero.offset), 1))],
                [kept.weight, -np.ones((len(kept.offset), 1))],
                [faces.weight, -np.ones((2 * d, 1))],
            ]
        )
        least = -np.concatenate([zero.offset, kept.offset, faces.offset])
        most = np.concatenate([-zero.offset, np.full(len(least) - len(zero.offset), np.inf)])
        program = Program.linear(
            rows,
            least,
            most,
            np.concatenate([self._centre - self._half, [0.0]]),
            np.concatenate([self._centre + self._half, [float(self._half.max())]]),
            np.concatenate([np.zeros(d), [-1.0]]),
        )
        found = self._solved(program)
        point = near if found is None else found
        point = point + np.linalg.lstsq(zero.weight, -zero(point), rcond=None)[0]
        margin = min(float((f(point) - f.noise).min(initial=np.inf)) for f in (kept, faces))
        if not self._is_clear(zero, point, margin):
            return False
        self.point, self._zero, self._kept, self._margin = point, zero, kept, margin
        return True

    def _solved(self, program: Program) -> Vector | None:
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            return None
        solution = HighsSession(program).solve(seconds)
        return None if solution.x is None else solution.x[: len(self.point)]

    def _is_clear(self, zero: _Functions, point: Vector, margin: float) -> bool:
        """Whether an exact common zero lies so near that all other signs hold there."""
        if not len(zero.offset):
            return margin > 0
        singular = np.linalg.svd(zero.weight, compute_uv=False)
        # What rounding in the gradients can take from the least of them.
        least = float(singular[-1]) - float(np.linalg.norm(zero.tilt))
        if least < 0.5 * singular[-1] or len(singular) < len(zero.offset):
            return False
        error = float(np.linalg.norm(zero(point))) + float(np.linalg.norm(zero.noise))
        return bool(margin > _CLEAR * error / least)


@dataclass(frozen=True, eq=False)
class _Functions:
    """Affine functions ``weight @ x + offset`` with gradients of length 1.

    Attributes
    ----------
    noise, tilt : ndarray, shape (n,)
        Bounds of the rounding in a value in the domain, and in the gradient (its length).
    """

    weight: Dense
    offset: Vector
    noise: Vector
    tilt: Vector

    @staticmethod
    def none(dim: int) -> _Functions:
        return _Functions(np.zeros((0, dim)), np.zeros(0), np.zeros(0), np.zeros(0))

    @staticmethod
    def of(values: _Values) -> _Functions:
        """The same in units in which gradients have length 1 (none may be 0)."""
        length = np.linalg.norm(values.weight, axis=1)
        return _Functions(
            values.weight / length[:, None],
            values.offset / length,
            _ROUNDING * values.size / length,
            _ROUNDING * values.slopes / length,
        )

    def __call__(self, x: Vector) -> Vector:
        return np.asarray(self.weight @ x + self.offset)

    def only(self, rows: NDArray[np.intp]) -> _Functions:
        return _Functions(self.weight[rows], self.offset[rows], self.noise[rows], self.tilt[rows])

    def times(self, signs: Vector) -> _Functions:
        return _Functions(signs[:, None] * self.weight, signs * self.offset, self.noise, self.tilt)

    def joined(self, others: _Functions) -> _Functions:
        return _Functions(
            np.concatenate([self.weight, others.weight]),
            np.concatenate([self.offset, others.offset]),
            np.concatenate([self.noise, others.noise]),
            np.concatenate([self.tilt, others.tilt]),
        )


def _independent(before: Dense, rows: Dense) -> NDArray[np.intp]:
    """Rows (by number) that are independent of each other and of those before."""
    if not len(rows):
        return np.zeros(0, dtype=np.intp)
    basis = np.linalg.qr(before.T)[0] if len(before) else np.zeros((rows.shape[1], 0))
    rest = rows - (rows @ basis) @ basis.T
    triangle, order = scipy.linalg.qr(rest.T, mode="r", pivoting=True)
    n = min(triangle.shape)
    good = np.abs(np.diag(triangle[:n, :n])) > _INDEPENDENT
    rank = int(np.argmin(good)) if not good.all() else n
    return np.sort(order[:rank])
