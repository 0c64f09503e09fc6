"""Records with whole numbers in them, and the ends of the file; see `checking.records`."""

from __future__ import annotations

import struct
from collections.abc import Iterable

MAGIC = b"cpwl-milp certificate 1\n"
END = 48
_CLOSE_EXACT, _LEAF_EXACT = 4, 33


def exact_close(unit: int, bit: int, denominator: int, terms: tuple[tuple[int, int], ...]) -> bytes:
    """A unit (of its layer) closed to a bit by exact multipliers."""
    parts = [struct.pack("<BHB", _CLOSE_EXACT + bit, unit, len(terms)), _integer(denominator)]
    for wall, numerator in terms:
        parts += [struct.pack("<H", wall), _integer(numerator)]
    return b"".join(parts)


def exact_leaf(denominator: int, numerators: Iterable[int]) -> bytes:
    """A region by an exact interior point."""
    parts = [_integer(denominator), *(_integer(value) for value in numerators)]
    return bytes([_LEAF_EXACT]) + b"".join(parts)


def _integer(value: int) -> bytes:
    size = value.bit_length() // 8 + 1
    return struct.pack("<I", size) + value.to_bytes(size, "little", signed=True)
