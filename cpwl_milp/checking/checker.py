"""The walk that checks a certificate.

What a walk that ends proves: the leaves are exactly the proper activation regions of the statement.

A *cell* is the part of the domain where the walls of the splits so far are at least 0. By induction
along the walk, on the cell's interior every unit closed so far has the bit it was closed to:

- *bound*: by the same kind of combination as below, a coordinate keeps to one side of a number on
  the cell. So the cell lies in a smaller box than the domain's, which serves from there on.
- *close* to bit 1: ``side = z`` is a combination of walls with weights >= 0, plus a function >= 0
  on the box; so z >= 0 on the cell, and z is not the zero function: z > 0 on the cell's interior.
- *close* to bit 0: so ``-z >= 0`` on the cell, and z <= 0 there, which is what bit 0 means.
- *split*: the cells of both bits together cover the cell. A pattern with an interior lies in one.
- *leaf*: all units are decided. The point is interior to the domain and strictly inside all walls,
  so the cell has an interior; and that is the region of the pattern, up to its boundary.

So every leaf is a region, no two are the same, and no region is left out. The weights ``2^-depth``
of leaves and closed sides add up to 1 in the end: that is checked too, though it says no more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from cpwl_milp.checking.exact import (
    Box,
    ExactDomain,
    ExactNetwork,
    Row,
    exponent_of,
    is_positive,
    scaled,
)
from cpwl_milp.checking.records import (
    Bound,
    CertificateError,
    Close,
    DamagedError,
    End,
    Leaf,
    Reader,
    Split,
    Sure,
)
from cpwl_milp.checking.statement import Statement

Wall = tuple[int, Row]


@dataclass(frozen=True)
class Checked:
    """What a valid certificate proves.

    Attributes
    ----------
    regions : int
        Number of proper activation regions.
    closed_sides : int
        Sides of units that were proved to be empty.
    """

    regions: int
    closed_sides: int


def check(
    stream: BinaryIO, statement: Statement, on_leaf: Callable[[int], None] | None = None
) -> Checked:
    """Check a certificate from its first byte to its last.

    Parameters
    ----------
    stream : binary file
        Uncompressed, from the start.
    statement : Statement
        The network and domain that it must be about.
    on_leaf : callable, optional
        Called with the pattern of every region, bit k of which is that of unit k.

    Raises
    ------
    CertificateError
        At the first record that proves nothing, with its cube.
    """
    walk = _Walk(statement, on_leaf)
    try:
        reader = Reader(stream, len(statement.lower))
        while not walk.ended:
            walk.step(reader.record())
        reader.require_end()
    except DamagedError as error:
        raise CertificateError(walk.literals, f"the file is damaged: {error}") from error
    return Checked(walk.leaves, walk.closed_sides)


@dataclass(frozen=True)
class _Sibling:
    """A cube of bit 1 that is still to come."""

    layer: int
    unit: int
    open: int
    box: Box
    n_walls: int
    n_literals: int


class _Walk:
    """Where the walk stands. All of it is the path from the root: nothing grows with the regions.

    Attributes
    ----------
    literals : list of int
        Decisions so far, splits and closed units.
    """

    def __init__(self, statement: Statement, on_leaf: Callable[[int], None] | None) -> None:
        self._domain = ExactDomain(statement)
        self._network = ExactNetwork(statement)
        self._on_leaf = on_leaf
        self._walls: list[Wall] = list(self._domain.walls)
        self._box = self._domain.box
        self._rows: list[list[Row]] = []
        self._siblings: list[_Sibling] = []
        self._pattern = 0
        self._layer = -1
        self._open = 0
        self._weight = 0
        self.literals: list[int] = []
        self.leaves = 0
        self.closed_sides = 0
        self.ended = False
        self._exhausted = False
        self._enter_layers()

    def step(self, record: Close | Sure | Bound | Split | Leaf | End) -> None:
        """Take one record."""
        if isinstance(record, End):
            self._end(record)
        elif self._exhausted:
            self._fail("a record after the last cube")
        elif isinstance(record, Close):
            self._close(record)
        elif isinstance(record, Sure):
            self._sure(record)
        elif isinstance(record, Bound):
            self._bound(record)
        elif isinstance(record, Split):
            self._split(record)
        else:
            self._leaf(record)

    def _close(self, record: Close) -> None:
        row = self._row(record.unit)
        if record.bit and not any(row):
            self._fail(f"unit {self._name(record.unit)} is 0 everywhere, and that is bit 0")
        exponent = self._network.layers[self._layer].exponent
        side = row if record.bit else tuple(-value for value in row)
        if not self._follows((exponent, side), record):
            sign = "negative" if record.bit else "positive"
            self._fail(f"no proof that unit {self._name(record.unit)} is nowhere {sign}")
        self._closed(record.unit, record.bit)
        self._enter_layers()

    def _sure(self, record: Sure) -> None:
        for unit in record.units:
            row = self._row(unit)
            if any(row) and self._box.is_nonnegative(row):
                self._closed(unit, 1)
            elif self._box.is_nonnegative([-value for value in row]):
                self._closed(unit, 0)
            else:
                self._fail(f"no proof that unit {self._name(unit)} has one sign")
        self._enter_layers()

    def _closed(self, unit: int, bit: int) -> None:
        self._decide(unit, bit)
        # The side that was closed.
        self._weigh()
        self.closed_sides += 1

    def _bound(self, record: Bound) -> None:
        exponent = exponent_of([record.value])
        sign = -1 if record.upper else 1
        side = [0] * (len(self._box.lower) + 1)
        side[0] = -sign * scaled(record.value, exponent)
        side[record.coordinate + 1] = sign << exponent
        if not self._follows((exponent, tuple(side)), record):
            self._fail(f"no proof of the bound {record.value!r} of input {record.coordinate + 1}")
        self._box = self._box.bounded(record.coordinate, record.upper, record.value)

    def _follows(self, side: Wall, record: Close | Bound) -> bool:
        """Whether a function is a combination of walls and a function >= 0 on the box."""
        if record.denominator <= 0 or any(value < 0 for _, value in record.terms):
            self._fail("a negative multiplier")
        chosen = []
        for wall, value in record.terms:
            if wall >= len(self._walls):
                self._fail(f"a multiplier of wall {wall}, of {len(self._walls)}")
            chosen.append((value, *self._walls[wall]))
        # All over one power of two.
        exponent, row = side
        common = max([exponent, *(e for _, e, _ in chosen)])
        factor = record.denominator << (common - exponent)
        rest = [factor * value for value in row]
        for value, e, wall_row in chosen:
            share = value << (common - e)
            rest = [a - share * b for a, b in zip(rest, wall_row, strict=True)]
        return self._box.is_nonnegative(rest)

    def _split(self, record: Split) -> None:
        row = self._row(record.unit)
        self._siblings.append(
            _Sibling(
                self._layer,
                record.unit,
                self._open,
                self._box,
                len(self._walls),
                len(self.literals),
            )
        )
        self._enter(record.unit, 0, row)

    def _leaf(self, record: Leaf) -> None:
        if self._layer < len(self._network.layers):
            self._fail(f"a leaf with units of layer {self._layer + 1} undecided")
        denominator, point = record.denominator, record.numerators
        if denominator <= 0:
            self._fail("a point over a denominator that is not positive")
        if not self._domain.is_inside(point, denominator):
            self._fail("a point that is not inside the domain")
        for _, row in self._walls[len(self._domain.walls) :]:
            if not is_positive(row, point, denominator):
                self._fail("a point that is not inside the region")
        self.leaves += 1
        self._weigh()
        if self._on_leaf is not None:
            self._on_leaf(self._pattern)
        if not self._siblings:
            self._exhausted = True
            return
        sibling = self._siblings.pop()
        self._layer, self._open, self._box = sibling.layer, sibling.open, sibling.box
        del self._rows[self._layer + 1 :]
        del self._walls[sibling.n_walls :]
        del self.literals[sibling.n_literals :]
        self._enter(sibling.unit, 1, self._row(sibling.unit))

    def _end(self, record: End) -> None:
        if not self._exhausted:
            self._fail("the end, while cubes are open")
        if record.leaves != self.leaves:
            self._fail(f"the end says {record.leaves} regions, there were {self.leaves}")
        if self._weight != 1 << self._network.n_units:
            self._fail("the weights of all cubes do not add up to 1")
        self.ended = True

    def _enter(self, unit: int, bit: int, row: Row) -> None:
        """Go into one side of a split."""
        side = row if bit else tuple(-value for value in row)
        self._walls.append((self._network.layers[self._layer].exponent, side))
        self._decide(unit, bit)
        self._enter_layers()

    def _enter_layers(self) -> None:
        """Go up to the layer of the next unit that is not decided."""
        layers, offsets = self._network.layers, self._network.offsets
        while not self._open and self._layer < len(layers):
            if self._layer < 0:
                values = self._network.inputs
            else:
                own = self._pattern >> offsets[self._layer]
                values = layers[self._layer].values(self._rows[self._layer], own)
            self._layer += 1
            if self._layer < len(layers):
                self._rows.append(layers[self._layer].rows(values))
                self._open = (1 << len(layers[self._layer].units)) - 1

    def _row(self, unit: int) -> Row:
        """The pre-activation of an undecided unit of the layer at hand."""
        if self._layer >= len(self._network.layers):
            self._fail("a decision where all units are decided")
        if not self._open >> unit & 1:
            self._fail(f"a decision on unit {self._name(unit)}, which is not open")
        return self._rows[self._layer][self._network.layers[self._layer].units[unit]]

    def _decide(self, unit: int, bit: int) -> None:
        self._open &= ~(1 << unit)
        place = self._network.offsets[self._layer] + unit
        self._pattern = self._pattern | 1 << place if bit else self._pattern & ~(1 << place)
        self.literals.append(place + 1 if bit else -(place + 1))

    def _weigh(self) -> None:
        """Add ``2^-depth`` of the cube at hand, times ``2^n_units``."""
        self._weight += 1 << (self._network.n_units - len(self.literals))

    def _name(self, unit: int) -> int:
        return self._network.offsets[self._layer] + unit + 1

    def _fail(self, found: str) -> None:
        raise CertificateError(self.literals, found)
