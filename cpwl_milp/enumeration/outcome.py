"""What an enumeration ended with: complete, or brackets with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.exploration import Advance


@dataclass(frozen=True)
class Tally:
    """Counts that add up over the sessions of a run.

    Attributes
    ----------
    n_regions, n_thin : int
    prefix_counts : tuple of int
        Cells of each prefix 1..l that are counted.
    decisions : dict of str to int
        How decisions were settled.
    seconds : float
        Running time.
    """

    n_regions: int = 0
    n_thin: int = 0
    prefix_counts: tuple[int, ...] = ()
    decisions: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @staticmethod
    def of(advance: Advance) -> Tally:
        """What one advance counted."""
        return Tally(
            len(advance.regions),
            len(advance.thin),
            tuple(int(k) for k in advance.prefix_counts),
            advance.decisions,
        )

    @property
    def doubts(self) -> int:
        """Decisions near zero that exact arithmetic could not settle: too much work."""
        return self.decisions.get("doubts", 0)

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        long, short = self.prefix_counts, other.prefix_counts
        if len(long) < len(short):
            long, short = short, long
        padded = (*short, *(0,) * (len(long) - len(short)))
        decisions = dict(self.decisions)
        for name, count in other.decisions.items():
            decisions[name] = decisions.get(name, 0) + count
        return Tally(
            self.n_regions + other.n_regions,
            self.n_thin + other.n_thin,
            tuple(a + b for a, b in zip(long, padded, strict=True)),
            decisions,
            self.seconds + other.seconds,
        )


@dataclass(frozen=True)
class Bracket:
    """``lower <= count <= upper``; upper is None where no bound is known."""

    lower: int
    upper: int | None

    @property
    def complete(self) -> bool:
        """Whether the count is known."""
        return self.lower == self.upper


@dataclass(frozen=True)
class Outcome:
    """How an enumeration stands.

    Where decisions were in doubt (`Tally.doubts`) the list is a guess: it bounds nothing.

    Attributes
    ----------
    reason : str
        "" when nothing is left; else "max-seconds", "max-regions", "max-per-layer",
        "interrupted" or "unresolved: ...".
    tally : Tally
        What was counted, in all sessions.
    closed : Fraction
        Share of the closed cubes, by weight ``2^-depth``; exactly 1 iff nothing is left.
    open, parked : tuple of Cube
        What is left: more time would do; a layer's limit forbids.
    unresolved : tuple of (str, Cube)
        What the engine cannot close, and why.
    nonempty : bool
        Whether each cube that is left surely holds a region (`Engine.open_cubes_nonempty`).
    """

    reason: str
    tally: Tally
    closed: Fraction
    open: tuple[Cube, ...]
    parked: tuple[Cube, ...]
    unresolved: tuple[tuple[str, Cube], ...]
    nonempty: bool

    @property
    def complete(self) -> bool:
        """Whether every region is listed."""
        return not self.reason

    @property
    def n_regions(self) -> int:
        """Regions listed."""
        return self.tally.n_regions

    @property
    def left(self) -> tuple[Cube, ...]:
        """Every cube that is not closed."""
        return (*self.open, *self.parked, *(cube for _, cube in self.unresolved))

    def regions(self, upper: int | None = None) -> Bracket:
        """The number of regions, given an upper bound from elsewhere.

        Raises
        ------
        CheckFailedError
            If more regions are known than the upper bound allows.
        """
        return self._bracket(self.n_regions, len(self.left), upper, "regions")

    def layers(self, uppers: Sequence[int | None] = ()) -> tuple[Bracket, ...]:
        """The number of cells of each prefix 1..l.

        A cube counts for layer l if its own cell of that prefix is not counted yet: it then
        holds at least one, and cells of different cubes differ because the cubes do. A prefix of
        which no such cube is left is complete, whatever deeper layers still lack.

        Parameters
        ----------
        uppers : sequence of int or None, optional
            An upper bound for each prefix, from elsewhere.

        Raises
        ------
        CheckFailedError
            If more cells are known than an upper bound allows.
        """
        brackets: list[Bracket] = []
        uncounted = Counter(cube.counted_layers for cube in self.left)
        least = missing = 0
        for index, count in enumerate(self.tally.prefix_counts):
            missing += uncounted[index]
            upper = uppers[index] if index < len(uppers) else None
            bracket = self._bracket(count, missing, upper, f"cells of prefix {index + 1}", least)
            # Prefixes refine with depth, so a known count bounds all deeper ones from below.
            least = bracket.lower
            brackets.append(bracket)
        return tuple(brackets)

    def _bracket(
        self, known: int, missing: int, upper: int | None, what: str, least: int = 0
    ) -> Bracket:
        if self.tally.doubts:
            # The list may lack regions and hold some that do not exist.
            return Bracket(1, upper)
        lower = max(least, known + (missing if self.nonempty else 0))
        if missing == 0 and lower > known:
            raise CheckFailedError(
                what, f"{known} counted in all", f"at least {lower}", "please report it"
            )
        if upper is not None and lower > upper:
            raise CheckFailedError(
                what, f"{lower} counted", f"at most {upper}, an upper bound", "please report it"
            )
        return Bracket(known, known) if missing == 0 else Bracket(lower, upper)

    def to_json(self) -> dict[str, Any]:
        """The outcome as `run.json` keeps it."""
        return {
            "complete": self.complete,
            "reason": self.reason,
            "regions": self.n_regions,
            "thin": self.tally.n_thin,
            "layers": [
                {"layer": k + 1, "lower": bracket.lower, "upper": bracket.upper}
                for k, bracket in enumerate(self.layers())
            ],
            "closed": float(self.closed),
            "open_cubes": len(self.open),
            "parked_cubes": len(self.parked),
            "unresolved_cubes": len(self.unresolved),
            "decisions": self.tally.decisions,
            "seconds": round(self.tally.seconds, 3),
        }
