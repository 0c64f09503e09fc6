"""Whether a cell of R^n never ends in some direction, in whole numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cpwl_milp.core.network import Network
from cpwl_milp.engines.exact.dictionary import Effort
from cpwl_milp.engines.exact.integers import Row, primitive
from cpwl_milp.engines.exact.maps import Bits, ExactMaps
from cpwl_milp.engines.exact.nearest import nearest
from cpwl_milp.engines.exact.walls import Wall

_NO_LIMIT = 1 << 62


class ExactRecession:
    """Recession cones ``{d: a_i.d >= 0}`` of a network's regions, a_i the rows' inward gradients.

    Parameters
    ----------
    network : Network
        Over R^n.
    """

    def __init__(self, network: Network) -> None:
        self._n_units = network.n_units
        self._inputs = _PlainInputs(network.n_inputs)
        self._maps = ExactMaps(network, self._inputs)

    def recedes(self, bits: Bits) -> bool:
        """Whether the cone of a region holds more than the origin.

        It does if the gradients do not span R^n, or if it has a direction along which their sum
        gains: then some row gains, and none falls.

        Parameters
        ----------
        bits : ndarray of uint8, shape (n_units,)
        """
        gradients = set()
        for unit in range(self._n_units):
            gradient = primitive(self._maps.row(unit, bits)[1:])
            if any(gradient):
                gradients.add(gradient if bits[unit] else tuple(-value for value in gradient))
        dim = self._inputs.dim
        if not _span(gradients, dim):
            return True
        total = [sum(column) for column in zip(*gradients, strict=True)]
        walls = [Wall((0, *gradient)) for gradient in gradients]
        walls.append(Wall((-1, *total)))
        return nearest(walls, (), None, Effort(_NO_LIMIT)) is not None


class _PlainInputs:
    """The inputs themselves as whole coordinates: gradients are all that is asked for."""

    def __init__(self, dim: int) -> None:
        self.exponent = 0
        self.dim = dim

    def input_rows(self) -> list[Row]:
        return [(0, *(int(j == k) for j in range(self.dim))) for k in range(self.dim)]


def _span(rows: Iterable[Sequence[int]], dim: int) -> bool:
    """Whether rows span all dimensions, by elimination without fractions."""
    basis: list[tuple[int, Row]] = []
    for row in rows:
        if len(basis) == dim:
            break
        rest = primitive(row)
        for place, other in basis:
            if rest[place]:
                rest = primitive(
                    [other[place] * a - rest[place] * b for a, b in zip(rest, other, strict=True)]
                )
        place = next((k for k, value in enumerate(rest) if value), -1)
        if place >= 0:
            basis.append((place, rest))
    return len(basis) == dim
