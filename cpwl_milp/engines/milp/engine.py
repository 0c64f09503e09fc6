"""The milp engine: ask for a pattern that is not listed yet, certify it, cut it, ask again."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

import numpy as np

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.errors import SolverError
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.pattern import Bits, Packed, as_keys, pack, unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.encoding.big_m import UNSTABLE, encode
from cpwl_milp.encoding.pattern_search import Proposal, open_search
from cpwl_milp.engines.milp.certificate import CellRows, Kind, judge
from cpwl_milp.engines.milp.facets import neighbours
from cpwl_milp.engines.milp.ledger import Found, Ledger, key_of, no_patterns
from cpwl_milp.engines.milp.rounding import clear_patterns
from cpwl_milp.engines.milp.scope import Scope
from cpwl_milp.engines.milp.searches import Searches
from cpwl_milp.engines.milp.steps import steps_across
from cpwl_milp.solvers.program import SolveStatus


@dataclass(frozen=True)
class MilpSettings:
    """How the milp engine works.

    Attributes
    ----------
    solver : str
        ``highs`` for the persistent session, or any solver's name in Pyomo.
    margin : float
        What an active unit must exceed in the search, as a share of its range: the search's
        resolution. Cells in which some active unit never exceeds it are invisible to it.
    closing_margin : float
        The same in the closing proof, which looks more closely; at least the solver's tolerance.
    local_search : bool
        Before each solve, step across the hyperplanes around the regions found last: most
        patterns are found so, and the solver looks only for the others.
    close_by_facets : bool
        Follow the integer program's proof by crossing every facet of every region, which also
        finds what the margins hide. Not possible for a projection.
    seed : int
        Of HiGHS; the closing proof takes the next one.
    """

    solver: str = "highs"
    margin: float = 1e-6
    closing_margin: float = 1e-8
    local_search: bool = True
    close_by_facets: bool = True
    seed: int = 0


class MilpEngine:
    """Successive feasibility problems with no-good cuts (Serra et al. 2018, section 5).

    Each proposal of the solver is judged on the composed affine rows. A proper one is listed and
    cut on the scope's bits; a thin or spurious one is cut as the full pattern that it is, since
    in a projection another full pattern may still be proper. The closing "infeasible" is proved
    twice, the second time by HiGHS with another seed and a smaller margin, which is a stronger
    statement; neither proof uses presolve.

    In a scope of all layers from the first, `regions` hold the patterns of the scope's bits,
    packed; so they do for a layer's own patterns, with one witness each: an interior point, and
    the radius of the ball around it in the region that it lies in.

    Parameters
    ----------
    problem : Problem
    bounds : Bounds
        Of the whole network on the domain. The tighter, the better.
    scope : Scope, optional
        Default: the whole network.
    known_patterns : ndarray of uint8, optional
        Packed patterns of the scope's bits that are listed already, by a resumed run for
        instance: proper beyond doubt. They are cut and not listed again.
    known_points : ndarray, shape (n, dim), optional
        Inputs (samples, data) in the domain's coordinates. Their patterns are certified, listed
        and cut before the first solve; points outside the domain are ignored.
    settings : MilpSettings, optional

    Attributes
    ----------
    resolution : float
        The closing proof sees no cell in which some active unit stays below this share of its
        range over the domain. Crossing facets does not have this limit.

    Raises
    ------
    InputError
        If the solver is unknown or not installed.
    DomainError
        If the domain is an L2 ball.
    """

    name = "milp"
    exact = True
    open_cubes_nonempty = False

    def __init__(
        self,
        problem: Problem,
        bounds: Bounds,
        *,
        scope: Scope | None = None,
        known_patterns: Packed | None = None,
        known_points: Dense | None = None,
        settings: MilpSettings | None = None,
    ) -> None:
        problem.domain.require_polyhedral("milp engine")
        self.scope = scope or Scope.whole()
        self.settings = settings or MilpSettings()
        self.n_layers = len(problem.network.layers)
        self._domain = problem.domain
        self._network = self.scope.network(problem.network)
        where = self.scope.bits(problem.network)
        kept = len(self._network.layers)
        bounds = Bounds(bounds.lower[:kept], bounds.upper[:kept])
        ends = () if self.scope.is_projection else self._network.offsets[1:]
        self._ledger = Ledger(where, tuple(ends), self.n_layers)
        encoding = encode(self._network, self._domain, bounds, margin=self.settings.margin)
        closing = self.resolution = min(self.settings.margin, self.settings.closing_margin)
        self._searches = Searches(
            open_search(encoding, self.settings.solver, seed=self.settings.seed),
            lambda: open_search(
                encode(self._network, self._domain, bounds, margin=closing),
                seed=self.settings.seed + 1,
            ),
        )
        self._stable = encoding.stable_bits
        self._open_units = np.flatnonzero(self._stable == UNSTABLE)
        in_scope = (self._open_units >= where.start) & (self._open_units < where.stop)
        self._scope_units = self._open_units[in_scope]
        self._fresh: deque[Found] = deque()
        self._cut_full: set[bytes] = set()
        self._thin_waiting: dict[bytes, Bits] = {}
        self._crossed: set[bytes] = set()
        self._full: dict[bytes, Bits] = {}
        self._doubts = 0
        self._counts: Counter[str] = Counter()
        if known_patterns is not None:
            for projected in unpack(known_patterns, where.stop - where.start):
                self._know(projected)
        self._points = known_points

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        """List new patterns of `cube` until it is closed or the budget is spent.

        Raises
        ------
        ValueError
            If the cube decides units outside the scope's layers.
        SolverError
            If the solver fails outright.
        """
        literals = self._literals(cube)
        if literals is None:
            return self._advance(cube, budget, {}, closed=True, empty=True)
        self._take_points()
        self._searches.fix({u: v for u, v in literals.items() if self._stable[u] == UNSTABLE})
        closed = False
        while self._ledger.waiting_in(literals) < budget.max_regions:
            if self._ledger.waiting_in(literals) and budget.seconds_left <= 0:
                break  # never before one step of progress
            state = self._step(literals, budget)
            if state is not None:
                closed = state
                break
        return self._advance(cube, budget, literals, closed=closed)

    # -- one step -------------------------------------------------------------------------

    def _step(self, literals: dict[int, bool], budget: Budget) -> bool | None:
        """One solve and what follows from it: None to go on, else whether the cube is closed."""
        if self.settings.local_search and self._fresh:
            self._look_around(self._fresh.popleft(), literals)
            return None
        if self._searches.exhausted:
            return self._close_by_facets(literals, budget)
        proposal = self._searches.propose(max(budget.seconds_left, 1e-3))
        self._counts["solves"] += 1
        if proposal.status is SolveStatus.INFEASIBLE:
            proposal = self._searches.confirm(max(budget.seconds_left, 1e-3))
            self._counts["closing_solves"] += 1
            if proposal.status is SolveStatus.INFEASIBLE:
                return self._close_by_facets(literals, budget)
            if proposal.bits is not None:
                self._counts["closing_found"] += 1
        if proposal.bits is not None:
            self._take(proposal)
            return None
        if proposal.status is SolveStatus.UNKNOWN:
            self._doubts += 1
        return False

    def _take(self, proposal: Proposal) -> None:
        """Judge and cut a proposal, and list what lies near it."""
        assert proposal.bits is not None
        bits = proposal.bits
        if bits in self._ledger or key_of(bits) in self._cut_full:
            raise SolverError(
                f"solver {self.settings.solver}",
                "proposed a pattern that was cut",
                "a pattern that is left",
                "its tolerances are too loose for this network",
            )
        self._judged(bits)

    def _judged(self, bits: Bits) -> bool:
        """Judge a full pattern, list or cut it accordingly, and say whether it is proper."""
        verdict = judge(self._network, self._domain, bits)
        self._counts[verdict.kind.value] += 1
        if verdict.kind is Kind.PROPER:
            assert verdict.point is not None
            self._list(Found(bits, verdict.point, verdict.radius))
            return True
        self._cut_full.add(key_of(bits))
        self._searches.cut(self._open_units, bits[self._open_units])
        if verdict.kind is Kind.THIN:
            projected = self._ledger.projected(bits)
            self._thin_waiting[key_of(projected)] = projected
        if verdict.kind is Kind.UNDECIDED:
            self._doubts += 1
        return False

    def _list(self, found: Found) -> None:
        self._ledger.add(found)
        self._fresh.append(found)
        self._full[key_of(found.bits)] = found.bits
        self._searches.cut(self._scope_units, found.bits[self._scope_units])

    def _know(self, projected: Bits) -> None:
        if key_of(projected) not in self._ledger.keys:
            self._ledger.know(projected)
            start = self.scope.bits(self._network).start
            self._searches.cut(self._scope_units, projected[self._scope_units - start])
            if not self.scope.is_projection:
                self._full[key_of(projected)] = projected

    def _look_around(self, found: Found, literals: dict[int, bool]) -> None:
        """List the patterns just across the hyperplanes around a region."""
        rows = CellRows.of(self._network, self._domain, found.bits)
        box = self._domain.box
        points = steps_across(rows, self._open_units, found.point, box)
        self._take_clear(points, "local", literals)

    def _take_points(self) -> None:
        """Certify the patterns of the points given from the start."""
        if self._points is not None:
            points, self._points = self._points, None
            self._take_clear(points, "points", {})

    def _take_clear(self, points: Dense, source: str, literals: dict[int, bool]) -> None:
        """List the new patterns among points, each judged like any proposal."""
        points = points[self._domain.contains(points)]
        bits, clear = clear_patterns(self._network, points)
        inside = np.array([bits[:, u] == v for u, v in literals.items()]).all(axis=0)
        bits, clear = (bits[inside], clear[inside]) if literals else (bits, clear)
        # Clear points first: one that is not may show a pattern that does not exist.
        for trusted in (True, False):
            group = bits[clear] if trusted else bits[~clear]
            scoped = pack(group[:, self.scope.bits(self._network)])
            distinct = as_keys(scoped if trusted else pack(group))
            for k in np.unique(distinct, return_index=True)[1]:
                if scoped[k].tobytes() in self._ledger.keys or key_of(group[k]) in self._cut_full:
                    continue
                if self._judged(group[k]):
                    self._counts[source] += 1

    # -- the end --------------------------------------------------------------------------

    def _close_by_facets(self, literals: dict[int, bool], budget: Budget) -> bool | None:
        """Cross every facet of every region of the cube; True when nothing new is left."""
        if self.scope.is_projection or not self.settings.close_by_facets:
            return True
        crossable = self._stable == UNSTABLE
        todo = [bits for key, bits in self._full.items() if key not in self._crossed]
        for bits in todo:
            if not _inside(bits, literals):
                continue
            if budget.seconds_left <= 0:
                return False
            for across in neighbours(self._network, self._domain, bits, crossable):
                self._counts["facets"] += 1
                known = across in self._ledger or key_of(across) in self._cut_full
                if not known and _inside(across, literals) and self._judged(across):
                    self._counts["found_by_facets"] += 1
            self._crossed.add(key_of(bits))
        done = all(key in self._crossed for key, b in self._full.items() if _inside(b, literals))
        return True if done else None

    def _advance(
        self,
        cube: Cube,
        budget: Budget,
        literals: dict[int, bool],
        *,
        closed: bool,
        empty: bool = False,
    ) -> Advance:
        """Hand on what waits, and say what is left of the cube."""
        handed = self._ledger.hand_on(
            literals,
            0 if empty else max(1, budget.max_regions),
            budget.prefix_left,
            cube.counted_layers,
            self._domain.dim,
        )
        left = not empty and (not closed or self._ledger.waiting_in(literals) > 0)
        doubt = ""
        if closed and self._doubts and not empty:
            doubt, left = f"{self._doubts} patterns could not be certified in floating point", True
        elif self._doubts and not closed and budget.seconds_left > 0:
            doubt = "the solver gave no answer"
        counts, self._counts = dict(self._counts), Counter()
        return Advance(
            cube,
            handed.regions,
            (cube,) if left and not handed.parked else (),
            handed.prefix_counts,
            self._thin(closed),
            (cube,) if left and handed.parked else (),
            doubt,
            counts,
        )

    def _thin(self, closed: bool) -> Packed:
        """Thin patterns not handed on yet; a projection's only once nothing proper can come."""
        if self.scope.is_projection and not closed:
            return no_patterns(self._n_scope)
        thin = [bits for key, bits in self._thin_waiting.items() if key not in self._ledger.keys]
        self._thin_waiting.clear()
        return pack(np.array(thin, dtype=np.bool_)) if thin else no_patterns(self._n_scope)

    @property
    def _n_scope(self) -> int:
        where = self.scope.bits(self._network)
        return int(where.stop - where.start)

    def _literals(self, cube: Cube) -> dict[int, bool] | None:
        """The cube's decisions by unit; None when they contradict each other or a stable unit."""
        literals: dict[int, bool] = {}
        for literal in cube.literals:
            unit, value = abs(literal) - 1, literal > 0
            if unit >= self._network.n_units:
                raise ValueError(f"unit {unit} lies beyond the layers of {self.scope}")
            if literals.setdefault(unit, value) != value:
                return None
            if int(self._stable[unit]) not in (UNSTABLE, int(value)):
                return None
        return literals


def _inside(bits: Bits, literals: dict[int, bool]) -> bool:
    return all(bits[unit] == value for unit, value in literals.items())
