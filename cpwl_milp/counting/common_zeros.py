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
from cpwl_milp.core.problem import Problem
from cpwl_milp.counting.local_functions import Functions, Values
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.program import Program

MANY_INPUTS = 12
"""Inputs from which a common zero says more than random samples do."""

# Entries of a linear program; more take HiGHS too long.
_MOST_ENTRIES = 400_000
_FEW_ENTRIES = 200_000
# Units tried for the nearest point: more take the factorisation too long.
_MOST_NEAREST = 800
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
    state: Values | None = None
    fates = bounds.stability(problem.network)
    for layer, offset, fate in zip(
        problem.network.layers, problem.network.offsets, fates, strict=False
    ):
        if max(layer.affine.n_in, layer.affine.n_out) * problem.domain.dim > _MOST_NUMBERS:
            break
        state = state or Values.of(problem.network, search.reach)
        values = state.into(layer)
        going = search.take_layer(values.only(layer.units), fate.unstable)
        units.append(offset + search.latest)
        if not going:
            break
        state = values.activated(layer, search.point, layer.units[search.latest])
    chosen = np.concatenate([np.zeros(0, dtype=np.intp), *units])
    counts = tuple(int((chosen < end).sum()) for end in problem.network.offsets[1:])
    return CommonZeros(counts, chosen, search.point)


class _Search:
    """The point, and the functions that are zero or not at it; each of a gradient of length 1."""

    def __init__(self, problem: Problem, deadline: float) -> None:
        domain = problem.domain
        box = domain.box
        centre, half = box.centre, box.half_widths
        self._kept = Functions.none(domain.dim)
        if isinstance(domain, Ball):
            # The largest cube in it.
            half = np.full(domain.dim, domain.radius / np.sqrt(domain.dim))
        self.reach = float(np.abs(centre).max() + half.max())
        if not isinstance(domain, Ball) and len(domain.inequalities()[1]):
            A, b = domain.inequalities()
            slopes = np.abs(A).sum(axis=1)
            self._kept = Functions.of(Values(-A, b, slopes, slopes * self.reach + np.abs(b)))
        self._centre, self._half = centre, half
        self._free = (1.0 - _FREE) * half
        self._deadline = deadline
        self._zero = Functions.none(domain.dim)
        self._margin = _FREE * float(half.min())
        self.point = centre.copy()
        self.latest = np.zeros(0, dtype=np.intp)

    @property
    def n_chosen(self) -> int:
        """Units chosen so far."""
        return len(self._zero.offset)

    def take_layer(self, values: Values, unstable: NDArray[np.bool_]) -> bool:
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
        functions = Functions.of(values.only(units))
        found, zeros = self._nearest(functions, room)
        most = max(1, min(2 * room, len(units), _MOST_ENTRIES // len(self.point)))
        hoped = min(room, most, len(units))
        cheap = most * len(self.point) <= _FEW_ENTRIES
        if 2 * len(zeros) < hoped or (cheap and len(zeros) < hoped):
            found, zeros = self._by_program(functions, most, found, zeros)
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

    def _nearest(self, functions: Functions, room: int) -> tuple[Vector, NDArray[np.intp]]:
        """The point nearest to the present one with many zeros, nearest units first; and which."""
        far = np.abs(functions(self.point))
        order = np.argsort(far, kind="stable")[: min(2 * room, _MOST_NEAREST)]
        order = order[_independent(self._zero.weight, functions.weight[order])]
        zero = self._zero.joined(functions.only(order))
        basis, triangle = np.linalg.qr(zero.weight.T)
        along = scipy.linalg.solve_triangular(triangle, -zero(self.point), trans="T")
        # Column k: the least step to the zeros of the first k functions.
        points = self.point[:, None] + np.cumsum(basis * along, axis=1)
        inside = (np.abs(points - self._centre[:, None]) <= self._free[:, None]).all(axis=0)
        for k in range(len(self._kept.offset)):
            height = self._kept.weight[k] @ points + self._kept.offset[k]
            inside &= height >= 0.5 * self._margin
        good = np.flatnonzero(inside) - self.n_chosen + 1
        n = int(good.max(initial=0))
        if n <= 0:
            return self.point, order[:0]
        return points[:, self.n_chosen + n - 1], np.sort(order[:n])

    def _by_program(
        self, functions: Functions, most: int, found: Vector, zeros: NDArray[np.intp]
    ) -> tuple[Vector, NDArray[np.intp]]:
        """More zeros than those found, where a linear program sees some."""
        tried = np.argsort(np.abs(functions(self.point)), kind="stable")[:most]
        point = self._with_zeros(functions.only(tried))
        if point is None:
            return found, zeros
        others = tried[np.abs(functions.only(tried)(point)) < _ZERO]
        others = others[_independent(self._zero.weight, functions.weight[others])]
        return (point, others) if len(others) > len(zeros) else (found, zeros)

    def _with_zeros(self, functions: Functions) -> Vector | None:
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
        free = self._free
        program = Program.linear(
            rows,
            least,
            most,
            np.concatenate([self._centre - free, np.zeros(2 * k)]),
            np.concatenate([self._centre + free, np.full(2 * k, np.inf)]),
            np.concatenate([np.zeros(d), np.ones(2 * k)]),
        )
        return self._solved(program)

    def _settle(self, zero: Functions, kept: Functions, near: Vector) -> bool:
        """Take functions as zero, and go as far from the zeros of others as possible."""
        d = len(self.point)
        nothing = np.zeros(2 * d)
        faces = Functions(
            np.concatenate([np.eye(d), -np.eye(d)]),
            np.concatenate([self._half - self._centre, self._half + self._centre]),
            nothing,
            nothing,
        )
        found = None
        if (len(zero.offset) + len(kept.offset)) * d <= _MOST_ENTRIES:
            found = self._freest(zero, kept, faces)
        point = near if found is None else found
        point = point + np.linalg.lstsq(zero.weight, -zero(point), rcond=None)[0]
        margin = min(float((f(point) - f.noise).min(initial=np.inf)) for f in (kept, faces))
        if not self._is_clear(zero, point, margin):
            return False
        self.point, self._zero, self._kept, self._margin = point, zero, kept, margin
        return True

    def _freest(self, zero: Functions, kept: Functions, faces: Functions) -> Vector | None:
        """The point with these zeros that is farthest from the zeros of others and from faces."""
        d = len(self.point)
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
        return self._solved(program)

    def _solved(self, program: Program) -> Vector | None:
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            return None
        solution = HighsSession(program).solve(seconds)
        return None if solution.x is None else solution.x[: len(self.point)]

    def _is_clear(self, zero: Functions, point: Vector, margin: float) -> bool:
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
