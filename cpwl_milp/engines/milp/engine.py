"""The milp engine: ask for a pattern that is not listed yet, certify it, cut it, ask again."""

from __future__ import annotations

from collections.abc import Callable

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.errors import SolverError
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.pattern import Packed, unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.encoding.big_m import UNSTABLE, encode
from cpwl_milp.encoding.pattern_search import Proposal, open_search
from cpwl_milp.engines.milp.findings import Findings
from cpwl_milp.engines.milp.ledger import Ledger
from cpwl_milp.engines.milp.scope import Scope
from cpwl_milp.engines.milp.searches import Searches
from cpwl_milp.engines.milp.settings import MilpSettings
from cpwl_milp.solvers.program import SolveStatus


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
    stateless = False

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
            lambda: open_search(encoding, self.settings.solver, seed=self.settings.seed),
            lambda: open_search(
                encode(self._network, self._domain, bounds, margin=closing),
                seed=self.settings.seed + 1,
            ),
        )
        self._stable = encoding.stable_bits
        self._findings = Findings(
            self._network,
            self._domain,
            self._ledger,
            self._searches,
            where,
            self._stable == UNSTABLE,
        )
        self._failure = ""
        if known_patterns is not None:
            for projected in unpack(known_patterns, where.stop - where.start):
                self._findings.know(projected)
        self._points = known_points

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        """List new patterns of `cube` until it is closed or the budget is spent.

        A solver that fails leaves the cube unresolved, with everything that was found.

        Raises
        ------
        ValueError
            If the cube decides units outside the scope's layers.
        """
        literals = self._literals(cube)
        if literals is None:
            return self._advance(cube, budget, {}, closed=True, empty=True)
        closed, self._failure = False, ""
        try:
            closed = self._search(literals, budget)
        except SolverError as error:
            self._failure = str(error)
        return self._advance(cube, budget, literals, closed=closed)

    def _search(self, literals: dict[int, bool], budget: Budget) -> bool:
        """Find new patterns within the budget, and say whether the cube is closed."""
        if self._points is not None:
            points, self._points = self._points, None
            self._findings.take_points(points, "points", {})
        self._searches.fix({u: v for u, v in literals.items() if self._stable[u] == UNSTABLE})
        while self._ledger.waiting_in(literals) < budget.max_regions:
            if self._ledger.waiting_in(literals) and budget.seconds_left <= 0:
                break  # never before one step of progress
            closed = self._step(literals, budget)
            if closed is not None:
                return closed
        return False

    # -- one step -------------------------------------------------------------------------

    def _step(self, literals: dict[int, bool], budget: Budget) -> bool | None:
        """One solve and what follows from it: None to go on, else whether the cube is closed."""
        if self.settings.local_search and self._findings.fresh:
            self._findings.look_around(literals)
            return None
        if self._searches.exhausted:
            return self._close_by_facets(literals, budget)
        first = self._asked(self._searches.propose, "solves", budget)
        if first.bits is not None:
            self._findings.judged(first.bits)
            return None
        if first.status is SolveStatus.TIME_LIMIT:
            return False
        second = self._asked(self._searches.confirm, "closing_solves", budget)
        if second.bits is not None:
            self._findings.counts["closing_found"] += 1
            self._findings.judged(second.bits)
            return None
        if second.status is SolveStatus.INFEASIBLE and first.status is SolveStatus.INFEASIBLE:
            return self._close_by_facets(literals, budget)
        if second.status is SolveStatus.TIME_LIMIT:
            return False
        return self._without_a_proof(
            first.reason or second.reason or "the solver gave no answer", literals, budget
        )

    def _asked(self, search: Callable[[float], Proposal], name: str, budget: Budget) -> Proposal:
        """A search's answer, UNKNOWN where it proposes what was cut."""
        proposal = search(max(budget.seconds_left, 1e-3))
        self._findings.counts[name] += proposal.solves
        if proposal.bits is not None and self._findings.is_cut(proposal.bits):
            proposal = Proposal(
                SolveStatus.UNKNOWN,
                reason=f"solver {self.settings.solver} proposed a pattern that was cut "
                "(its tolerances are too loose for this network)",
            )
        if proposal.status is SolveStatus.UNKNOWN:
            self._findings.counts["solver_failures"] += 1
        return proposal

    # -- the end --------------------------------------------------------------------------

    def _close_by_facets(self, literals: dict[int, bool], budget: Budget) -> bool | None:
        """Cross every facet of every region of the cube; True when nothing new is left."""
        if self.scope.is_projection or not self.settings.close_by_facets:
            return True
        return self._findings.cross_facets(literals, lambda: budget.seconds_left <= 0)

    def _without_a_proof(
        self, reason: str, literals: dict[int, bool], budget: Budget
    ) -> bool | None:
        """Find what facets lead to; with more patterns cut the solver may answer again."""
        nothing_new = self._close_by_facets(literals, budget)
        if nothing_new is None:
            return None
        if nothing_new:
            self._failure = reason
        return False

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
        waiting = not empty and self._ledger.waiting_in(literals) > 0
        left = not empty and (not closed or waiting)
        unresolved = self._failure
        doubts = self._findings.doubts
        if closed and doubts and not empty:
            unresolved = f"{doubts} patterns could not be certified in floating point"
            left = True
        if waiting and not handed.parked:
            unresolved = ""  # not before everything found is handed on
        counts = dict(self._findings.counts)
        self._findings.counts.clear()
        return Advance(
            cube,
            handed.regions,
            (cube,) if left and not handed.parked else (),
            handed.prefix_counts,
            self._findings.take_thin(closed=closed),
            (cube,) if left and handed.parked else (),
            unresolved,
            counts,
        )

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
