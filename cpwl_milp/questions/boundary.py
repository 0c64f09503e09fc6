"""Pieces of decision boundaries: regions on which two outputs tie and lead.

Piwek, Klukowski and Hu, "Exact count of boundary pieces of ReLU classifiers" (2023), count the
regions that the boundary between two classes passes through. One more hidden unit, the difference
of the two outputs, divides exactly these regions in two: a region has a piece iff both of its
halves are regions of the network with this unit.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.census.answer import CountSettings
from cpwl_milp.conditions import Condition, ConditionedEngine, ConditionedProblem, Inequality
from cpwl_milp.core.affine import Affine, compact
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.exploration import Advance
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import Packed, packed_size, unique
from cpwl_milp.counting import count_bounds
from cpwl_milp.engines.choice import chosen_engine, is_stateless
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.outcome import Bracket
from cpwl_milp.enumeration.own_patterns import bits_of
from cpwl_milp.enumeration.progress import ProgressReporter
from cpwl_milp.enumeration.workers import workers_of

# The outputs, what vanishes on their boundary, and that they lead.
_Cut = tuple[tuple[int, ...], Inequality, Condition]
# Of the time of one pair: for bounds.
_BOUNDS_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class BoundaryPart:
    """The pieces between two classes, or of a level set.

    Attributes
    ----------
    outputs : tuple of int
        The two that tie and lead; the one whose level set it is.
    level : float
        What the output, or the difference of the two, is equal to.
    pieces : Bracket
        Regions that hold a piece of dimension n - 1, n that of the domain.
    patterns : ndarray of uint8, shape (n_found, bytes)
        Packed patterns of those found.
    engine : str
    reason : str
        Why the number is a bracket; "" when it is exact.
    seconds : float
    """

    outputs: tuple[int, ...]
    level: float
    pieces: Bracket
    patterns: Packed
    engine: str
    reason: str
    seconds: float


@dataclass(frozen=True, eq=False)
class Boundary:
    """All parts of a decision boundary.

    Attributes
    ----------
    parts : tuple of BoundaryPart
    seconds : float
    """

    parts: tuple[BoundaryPart, ...]
    seconds: float

    @property
    def pieces(self) -> Bracket:
        """The pieces of all parts together."""
        uppers = [part.pieces.upper for part in self.parts]
        assert all(upper is not None for upper in uppers)
        return Bracket(
            sum(part.pieces.lower for part in self.parts), sum(upper or 0 for upper in uppers)
        )

    @property
    def reason(self) -> str:
        """Why it is a bracket; "" when it is exact."""
        return next((part.reason for part in self.parts if part.reason), "")

    @property
    def complete(self) -> bool:
        """Whether every part is exact."""
        return not self.reason


def boundary_pieces(
    network: Network,
    domain: Domain,
    pairs: Sequence[tuple[int, int]] | None = None,
    *,
    level: float = 0.0,
    condition: Condition | None = None,
    settings: CountSettings | None = None,
    progress: ProgressReporter | None = None,
) -> Boundary:
    """Count the pieces of a network's decision boundary, class by class.

    A region holds a piece between classes i and j iff ``y_i = y_j`` and ``y_i > y_k`` for all
    others on a part of it with dimension n - 1, with ``y_i > y_j`` on one side of it and
    ``y_i < y_j`` on the other. Where the two are equal on a
    whole region there is no boundary, and no piece.

    Parameters
    ----------
    network : Network
    domain : Domain
    pairs : sequence of (int, int), optional
        Of outputs, from 0; default: all. Of a network with one output, its level set is counted.
    level : float
        Of that level set: ``y_0 = level``.
    condition : Condition, optional
        What the pieces are to meet besides, each iff some part of dimension n - 1 does.
    settings : CountSettings, optional
        Limits are those of all parts together; `max_regions` is of each.
    progress : ProgressReporter, optional

    Raises
    ------
    InputError
        If there is no such output, a pair is of one output, or a level comes with several.
    DomainError
        If the domain does not fit.
    """
    settings = settings or CountSettings()
    cuts = _cuts(network.n_outputs, pairs, level)
    begin = time.monotonic()
    parts = []
    for place, (outputs, cut, leads) in enumerate(cuts):
        total, limits = settings.limits.max_seconds, settings.limits
        if total is not None:
            left = max(0.01, begin + total - time.monotonic())
            limits = Limits(limits.max_regions, left / (len(cuts) - place))
        parts.append(
            _part(
                network,
                domain,
                outputs,
                cut,
                leads & (condition or Condition()),
                settings,
                limits,
                progress,
            )
        )
    return Boundary(tuple(parts), time.monotonic() - begin)


def _cuts(n_outputs: int, pairs: Sequence[tuple[int, int]] | None, level: float) -> list[_Cut]:
    """The parts of the boundary."""
    if n_outputs == 1:
        if pairs is not None:
            raise InputError("pair", "a model with one output", "at least two outputs")
        return [((0,), Inequality((), ((0, 1.0),), float(level), above=True), Condition())]
    if level:
        raise InputError("level", f"a model with {n_outputs} outputs", "one output")
    found: list[_Cut] = []
    for i, j in itertools.combinations(range(n_outputs), 2) if pairs is None else pairs:
        if i == j or not (0 <= i < n_outputs and 0 <= j < n_outputs):
            raise InputError("pair", f"{i},{j}", f"two different outputs from 0 to {n_outputs - 1}")
        leads = tuple(
            Inequality((), tuple(sorted(((a, 1.0), (k, -1.0)))), 0.0, above=True)
            for k in range(n_outputs)
            if k not in (i, j)
            for a in (i, j)
        )
        cut = Inequality((), tuple(sorted(((i, 1.0), (j, -1.0)))), 0.0, above=True)
        found.append(((i, j), cut, Condition(leads)))
    return found


def _part(
    network: Network,
    domain: Domain,
    outputs: tuple[int, ...],
    cut: Inequality,
    condition: Condition,
    settings: CountSettings,
    limits: Limits,
    progress: ProgressReporter | None,
) -> BoundaryPart:
    begin = time.monotonic()
    posed = ConditionedProblem.of(with_cut(network, cut), domain, condition)
    extended = posed.extended
    deadline = None
    if limits.max_seconds is not None:
        deadline = begin + _BOUNDS_SHARE * limits.max_seconds
        limits = Limits(limits.max_regions, (1 - _BOUNDS_SHARE) * limits.max_seconds)
    bounds = pre_activation_bounds(
        extended.network, extended.domain, method=settings.bound_method, deadline=deadline
    )
    # The cut's two layers are the last of the network with it.
    whole = posed.problem.truncated(len(network.layers))
    own = posed.own_bounds(bounds)
    n_layers = len(network.layers)
    stability = type(own)(own.lower[:n_layers], own.upper[:n_layers]).stability(whole.network)
    upper = count_bounds(whole.plain, stability).upper
    name = chosen_engine(extended, settings.engine)
    divided = DividedRegions(network.n_units, ordered=is_stateless(name))
    outcome = enumerate_regions(
        ConditionedEngine(posed, bounds, settings.engine),
        n_layers=0,
        limits=limits,
        sinks=[divided],
        progress=progress,
        pace=workers_of(settings.jobs).pace(len(posed.fixed) // 8, kept=False),
        jobs=settings.jobs,
    )
    patterns = divided.patterns
    found = 0 if outcome.tally.doubts else len(patterns)
    pieces = Bracket(found, found if outcome.complete else upper)
    return BoundaryPart(
        outputs=outputs,
        level=cut.threshold,
        pieces=pieces,
        patterns=patterns,
        engine=name,
        reason="" if pieces.complete else outcome.reason,
        seconds=time.monotonic() - begin,
    )


def with_cut(network: Network, cut: Inequality) -> Network:
    """The network with one more hidden unit, ``sum - threshold`` over its outputs, the last.

    Its outputs are those of the network.
    """
    n = network.n_outputs
    keep = sp.eye_array(n, format="lil")
    row = sp.lil_array((1, n))
    for k, coefficient in cut.outputs:
        row[0, k] = coefficient
    passed = Layer(network.output, np.ones(n), "outputs")
    weight = compact(sp.csr_array(sp.vstack([keep, row])))
    bias = np.zeros(n + 1)
    bias[n] = -cut.threshold
    slope = np.ones(n + 1)
    slope[n] = 0.0
    select = compact(sp.csr_array(sp.hstack([keep, sp.lil_array((n, 1))])))
    return Network(
        (*network.layers, passed, Layer(Affine(weight, bias + 0.0), slope, "cut")),
        Affine(select, np.zeros(n)),
    )


class DividedRegions:
    """A sink that keeps the patterns of which both halves are listed: the last bit divides them.

    Parameters
    ----------
    n_units : int
        Without the last one, which divides.
    ordered : bool
        Whether halves of one region follow each other.
    """

    def __init__(self, n_units: int, *, ordered: bool) -> None:
        self._n_units = n_units
        self._ordered = ordered
        self._found: list[Packed] = [np.zeros((0, packed_size(n_units)), dtype=np.uint8)]
        self._last = self._found[0]

    def accept(self, advance: Advance) -> None:
        """Take the regions of an advance."""
        halves = bits_of(advance.regions.patterns, 0, self._n_units)
        if not self._ordered:
            self._found.append(halves)
        elif len(halves):
            rows = np.concatenate([self._last, halves])
            self._found.append(rows[1:][_same(rows)])
            self._last = rows[-1:]

    @property
    def patterns(self) -> Packed:
        """Packed patterns of the regions divided, in the order listed (or of their bytes)."""
        rows = np.concatenate(self._found)
        if self._ordered:
            return rows
        distinct, _, counts = unique(rows)
        return distinct[counts == 2] if len(distinct) else distinct


def _same(rows: Packed) -> NDArray[np.bool_]:
    """Which rows are equal to the one before."""
    return np.asarray((rows[1:] == rows[:-1]).all(axis=1))
