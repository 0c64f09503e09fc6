"""How the milp engine comes to know patterns: each is judged, then listed or cut."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Bits, Packed, as_keys, pack
from cpwl_milp.engines.milp.certificate import CellRows, Kind, judge
from cpwl_milp.engines.milp.facets import neighbours
from cpwl_milp.engines.milp.ledger import Found, Ledger, key_of, no_patterns
from cpwl_milp.engines.milp.rounding import clear_patterns
from cpwl_milp.engines.milp.searches import Searches
from cpwl_milp.engines.milp.steps import steps_across


class Findings:
    """What is known of the patterns of a scope, and the cuts that follow from it.

    Parameters
    ----------
    network : Network
        The layers that the scope depends on.
    domain : Domain
    ledger : Ledger
    searches : Searches
    scope : slice
        The listed bits.
    unstable : ndarray of bool, shape (n_units,)
        Units that may change their bit on the domain.

    Attributes
    ----------
    doubts : int
        Patterns that float arithmetic could not settle.
    counts : Counter
        How patterns were found and settled, for the record.
    """

    def __init__(
        self,
        network: Network,
        domain: Domain,
        ledger: Ledger,
        searches: Searches,
        scope: slice,
        unstable: NDArray[np.bool_],
    ) -> None:
        self._network = network
        self._domain = domain
        self._ledger = ledger
        self._searches = searches
        self._scope = scope
        self._unstable = unstable
        self._open_units = np.flatnonzero(unstable)
        inside = (self._open_units >= scope.start) & (self._open_units < scope.stop)
        self._scope_units = self._open_units[inside]
        self._fresh: deque[Found] = deque()
        self._cut_full: set[bytes] = set()
        self._thin_waiting: dict[bytes, Bits] = {}
        self._full: dict[bytes, Bits] = {}
        self._crossed: set[bytes] = set()
        self.doubts = 0
        self.counts: Counter[str] = Counter()

    @property
    def _projects(self) -> bool:
        return bool(self._scope.start > 0)

    @property
    def fresh(self) -> bool:
        """Whether regions wait whose surroundings were not looked at."""
        return bool(self._fresh)

    def is_cut(self, bits: Bits) -> bool:
        """Whether the searches must not propose the full pattern `bits` any more."""
        return bits in self._ledger or key_of(bits) in self._cut_full

    def know(self, projected: Bits) -> None:
        """Take a pattern of the scope that is proper beyond doubt and listed elsewhere."""
        if key_of(projected) in self._ledger.keys:
            return
        self._ledger.know(projected)
        self._searches.cut(self._scope_units, projected[self._scope_units - self._scope.start])
        if not self._projects:
            self._full[key_of(projected)] = projected

    def judged(self, bits: Bits) -> bool:
        """Judge a full pattern, list or cut it accordingly, and say whether it is proper."""
        verdict = judge(self._network, self._domain, bits)
        self.counts[verdict.kind.value] += 1
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
            self.doubts += 1
        return False

    def _list(self, found: Found) -> None:
        self._ledger.add(found)
        self._fresh.append(found)
        self._full[key_of(found.bits)] = found.bits
        self._searches.cut(self._scope_units, found.bits[self._scope_units])

    def look_around(self, literals: dict[int, bool]) -> None:
        """List the patterns just across the hyperplanes around the region found longest ago."""
        found = self._fresh.popleft()
        rows = CellRows.of(self._network, self._domain, found.bits)
        points = steps_across(rows, self._open_units, found.point, self._domain.box)
        self.take_points(points, "local", literals)

    def take_points(self, points: Dense, source: str, literals: dict[int, bool]) -> None:
        """List the new patterns of a cube among points, each judged like any proposal."""
        points = points[self._domain.contains(points)]
        bits, clear = clear_patterns(self._network, points)
        inside = np.array([bits[:, u] == v for u, v in literals.items()]).all(axis=0)
        bits, clear = (bits[inside], clear[inside]) if literals else (bits, clear)
        # Clear points first: one that is not may show a pattern that does not exist.
        for trusted in (True, False):
            group = bits[clear] if trusted else bits[~clear]
            scoped = pack(group[:, self._scope])
            distinct = as_keys(scoped if trusted else pack(group))
            for k in np.unique(distinct, return_index=True)[1]:
                if scoped[k].tobytes() in self._ledger.keys or key_of(group[k]) in self._cut_full:
                    continue
                if self.judged(group[k]):
                    self.counts[source] += 1

    def cross_facets(self, literals: dict[int, bool], is_over: Callable[[], bool]) -> bool | None:
        """Cross every facet of every region of the cube, as known when this begins.

        Returns
        -------
        bool or None
            True when nothing new is left, None when new regions were found, False when the time
            was up.

        Raises
        ------
        SolverError
            If the linear program of a facet was not settled.
        """
        todo = [bits for key, bits in self._full.items() if key not in self._crossed]
        for bits in todo:
            if not is_inside(bits, literals):
                continue
            if is_over():
                return False
            for across in neighbours(self._network, self._domain, bits, self._unstable):
                self.counts["facets"] += 1
                new = not self.is_cut(across) and is_inside(across, literals)
                if new and self.judged(across):
                    self.counts["found_by_facets"] += 1
            self._crossed.add(key_of(bits))
        inside = (key for key, bits in self._full.items() if is_inside(bits, literals))
        return True if all(key in self._crossed for key in inside) else None

    def take_thin(self, *, closed: bool) -> Packed:
        """Thin patterns not handed on yet; a projection's only once nothing proper can come."""
        n_scope = self._scope.stop - self._scope.start
        if self._projects and not closed:
            return no_patterns(n_scope)
        thin = [bits for key, bits in self._thin_waiting.items() if key not in self._ledger.keys]
        self._thin_waiting.clear()
        return pack(np.array(thin, dtype=np.bool_)) if thin else no_patterns(n_scope)


def is_inside(bits: Bits, literals: dict[int, bool]) -> bool:
    """Whether a full pattern belongs to a cube."""
    return all(bits[unit] == value for unit, value in literals.items())
