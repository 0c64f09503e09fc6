"""The file of a certificate: records, one after the other, as the walk through the tree meets them.

After the magic line come records, little-endian:

====  ==========================================================================================
byte  what follows
====  ==========================================================================================
0, 1  *close* a unit to bit 0 or 1: unit u16, count u8, then count times (wall u16, multiplier
      float32)
2, 3  the same with float64 multipliers
4, 5  the same in integers: denominator, then count times (wall u16, numerator)
6     *close* some units without multipliers: number of bytes u16, and these bytes, the highest bit
      of the first for unit 0. The bits follow from the signs of the units on the box
8, 9  *bound* a coordinate from below or above on the cell: coordinate u16, count u8, the bound
      float32, then terms as for 0
16    *split* by a unit, u16: the cube of bit 0 follows, then that of bit 1
32    *leaf*: a float64 for each coordinate of an interior point
33    the same in integers: denominator, then a numerator for each coordinate
48    *end*: the number of leaves, u64
====  ==========================================================================================

Units are counted within their layer. Walls are the functions that are at least 0 on the cell: first
those of the domain's inequalities, then those of the splits on the way, in their order. An integer
is its number of bytes, u32, and these bytes, little-endian and signed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import BinaryIO

from cpwl_milp.core.errors import CheckFailedError

MAGIC = b"cpwl-milp certificate 1\n"
CLOSE_SHORT, CLOSE_LONG, CLOSE_EXACT, SURE, BOUND = 0, 2, 4, 6, 8
SPLIT, LEAF, LEAF_EXACT, END = 16, 32, 33, 48

_U16, _U32, _U64 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<Q")
_CLOSE = struct.Struct("<HB")
_BOUND = struct.Struct("<HBf")


class CertificateError(CheckFailedError):
    """A certificate that proves nothing: damaged, truncated or wrong.

    Parameters
    ----------
    cube : sequence of int
        Where the walk stood: the literals decided, ``unit + 1`` for bit 1, ``-(unit + 1)`` for 0.
    found : str
    """

    def __init__(self, cube: Sequence[int], found: str) -> None:
        self.cube = tuple(cube)
        named = " ".join(f"{literal:+d}" for literal in cube) or "the root"
        super().__init__("certificate", f"{found} in cube ({named})", "a valid proof")


@dataclass(frozen=True)
class Close:
    """Nothing of the cell lies beyond a unit.

    ``denominator * side = sum of numerator * wall + a function that is >= 0 on the box`` where
    `side` is the unit's pre-activation (bit 1) or minus it (bit 0).
    """

    unit: int
    bit: int
    denominator: int
    terms: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Sure:
    """Units, in ascending order, that have one sign on the box."""

    units: tuple[int, ...]


@dataclass(frozen=True)
class Bound:
    """A coordinate is at least (or, `upper`, at most) a number on the cell.

    Proved as `Close` is, with ``x_c - value`` (or minus that) as `side`.
    """

    coordinate: int
    upper: bool
    value: float
    denominator: int
    terms: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Split:
    """Both sides of a unit follow."""

    unit: int


@dataclass(frozen=True)
class Leaf:
    """A region, by an interior point."""

    denominator: int
    numerators: tuple[int, ...]


@dataclass(frozen=True)
class End:
    """Nothing follows."""

    leaves: int


class DamagedError(Exception):
    """The bytes are no records."""


class Reader:
    """Records from a stream of bytes.

    Parameters
    ----------
    stream : binary file
    dim : int
        Coordinates of a point.

    Raises
    ------
    DamagedError
        From every method, where the bytes end or make no sense.
    """

    def __init__(self, stream: BinaryIO, dim: int) -> None:
        self._stream = stream
        self._dim = dim
        self._point = struct.Struct(f"<{dim}d")
        self._short = [struct.Struct("<" + "Hf" * k) for k in range(256)]
        self._long = [struct.Struct("<" + "Hd" * k) for k in range(256)]
        if self._bytes(len(MAGIC)) != MAGIC:
            raise DamagedError("no certificate of this version")

    def record(self) -> Close | Sure | Bound | Split | Leaf | End:
        """The next record."""
        kind = self._bytes(1)[0]
        if kind <= CLOSE_EXACT + 1:
            return self._close(kind)
        if kind == SURE:
            mask = self._bytes(_U16.unpack(self._bytes(2))[0])
            return Sure(tuple(k for k in range(8 * len(mask)) if mask[k >> 3] >> (7 - k % 8) & 1))
        if kind in (BOUND, BOUND + 1):
            return self._bound(kind == BOUND + 1)
        if kind == SPLIT:
            return Split(_U16.unpack(self._bytes(2))[0])
        if kind == LEAF:
            return Leaf(*_over_common_power(self._point.unpack(self._bytes(8 * self._dim))))
        if kind == LEAF_EXACT:
            denominator = self._integer()
            return Leaf(denominator, tuple(self._integer() for _ in range(self._dim)))
        if kind == END:
            return End(_U64.unpack(self._bytes(8))[0])
        raise DamagedError(f"a record of unknown kind {kind}")

    def require_end(self) -> None:
        """Nothing may follow."""
        if self._read(1):
            raise DamagedError("bytes after the end")

    def _close(self, kind: int) -> Close:
        unit, count = _CLOSE.unpack(self._bytes(3))
        bit = kind & 1
        if kind < CLOSE_EXACT:
            layout = (self._short if kind < CLOSE_LONG else self._long)[count]
            denominator, terms = self._terms(layout)
        else:
            denominator = self._integer()
            terms = tuple((_U16.unpack(self._bytes(2))[0], self._integer()) for _ in range(count))
        return Close(unit, bit, denominator, terms)

    def _bound(self, upper: bool) -> Bound:
        coordinate, count, value = _BOUND.unpack(self._bytes(_BOUND.size))
        if not isfinite(value) or coordinate >= self._dim:
            raise DamagedError("a bound of nothing")
        return Bound(coordinate, upper, value, *self._terms(self._short[count]))

    def _terms(self, layout: struct.Struct) -> tuple[int, tuple[tuple[int, int], ...]]:
        fields = layout.unpack(self._bytes(layout.size))
        denominator, numerators = _over_common_power(fields[1::2])
        return denominator, tuple(zip(fields[::2], numerators, strict=True))

    def _integer(self) -> int:
        size = _U32.unpack(self._bytes(4))[0]
        return int.from_bytes(self._bytes(size), "little", signed=True)

    def _bytes(self, size: int) -> bytes:
        found = self._read(size)
        if len(found) != size:
            raise DamagedError("it ends too early")
        return found

    def _read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except (OSError, EOFError, zlib.error, MemoryError, OverflowError) as error:
            raise DamagedError(f"unreadable ({error})") from error


def _over_common_power(values: Sequence[float]) -> tuple[int, tuple[int, ...]]:
    """Floats as numerators over one power of two."""
    if not all(map(isfinite, values)):
        raise DamagedError("a number that is not finite")
    ratios = [value.as_integer_ratio() for value in values]
    common = max((ratio[1] for ratio in ratios), default=1)
    return common, tuple(n * (common // d) for n, d in ratios)
