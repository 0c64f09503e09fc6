"""The cubes that are not closed, and how much of the whole they are."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.exploration import Advance


class Frontier:
    """A depth-first stack of open cubes beside those that are set aside.

    Parameters
    ----------
    roots : sequence of Cube
        What is open at the start; the last is taken up first.
    closed : Fraction
        Weight that is closed already.
    """

    def __init__(self, roots: Sequence[Cube], closed: Fraction) -> None:
        self.open = list(roots)
        self.parked: list[Cube] = []
        self.unresolved: list[tuple[str, Cube]] = []
        self._left = sum((cube.weight for cube in roots), Fraction(0))
        self._whole = closed + self._left

    @property
    def closed(self) -> Fraction:
        """Share of the closed cubes in the whole; exactly 1 iff nothing is left."""
        return 1 - self._left / self._whole if self._whole else Fraction(1)

    def replace(self, advance: Advance) -> None:
        """Replace the cube taken up last by what `advance` left of it.

        Raises
        ------
        CheckFailedError
            If the engine worked on another cube, or left cubes that are no parts of this one.
        """
        cube = self.open[-1]
        left = (*advance.open, *advance.parked)
        weight = sum((part.weight for part in left), Fraction(0))
        if (
            advance.cube != cube
            or weight > cube.weight
            or any(part.literals[: cube.depth] != cube.literals for part in left)
        ):
            raise CheckFailedError(
                "enumeration", f"the engine left {len(left)} cubes that are no parts of its own"
            )
        self.open.pop()
        self._left += weight - cube.weight
        if advance.unresolved:
            self.unresolved.extend((advance.unresolved, part) for part in advance.open)
        else:
            # Engines name the cube nearest to where they stopped first.
            self.open.extend(reversed(advance.open))
        self.parked.extend(advance.parked)
