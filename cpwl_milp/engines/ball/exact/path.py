"""The walls along a path of literals, kept between questions."""

from __future__ import annotations

from collections.abc import Sequence

from cpwl_milp.engines.exact.dictionary import Effort
from cpwl_milp.engines.exact.maps import Bits, ExactMaps
from cpwl_milp.engines.exact.walls import Wall


class WallPath:
    """The walls of a cube, those of the cube asked for before as far as they agree.

    Parameters
    ----------
    maps : ExactMaps
    """

    def __init__(self, maps: ExactMaps) -> None:
        self._maps = maps
        self._literals: list[int] = []
        self._walls: list[Wall] = []

    def walls(
        self, literals: Sequence[int], bits: Bits, effort: Effort | None = None
    ) -> tuple[Wall, ...]:
        """The walls of literals, in the order of the decisions (lower layers first).

        Parameters
        ----------
        literals : sequence of int
            As in `Cube`.
        bits : ndarray of uint8, shape (n_units,)
            The bits of every unit in layers below those of the literals.

        Raises
        ------
        UnfinishedError
            If it takes too much work; what was composed stays for a next try.
        """
        agree = 0
        for ours, theirs in zip(self._literals, literals, strict=False):
            if ours != theirs:
                break
            agree += 1
        del self._literals[agree:]
        del self._walls[agree:]
        for literal in literals[agree:]:
            row = self._maps.row(abs(literal) - 1, bits, effort)
            self._walls.append(Wall(row if literal > 0 else tuple(-value for value in row)))
            self._literals.append(literal)
        return tuple(self._walls)

    def places(self, units: Sequence[int]) -> list[int]:
        """Where the walls of some units stand in the list; units without one are left out."""
        place = {abs(literal) - 1: k for k, literal in enumerate(self._literals)}
        return [place[unit] for unit in units if unit in place]
