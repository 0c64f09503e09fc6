"""How the milp engine works."""

from __future__ import annotations

from dataclasses import dataclass


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
