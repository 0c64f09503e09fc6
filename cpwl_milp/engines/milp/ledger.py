"""What the milp engine has found: listed patterns, those waiting to be handed on, prefixes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.pattern import Bits, Packed, pack, packed_size
from cpwl_milp.core.region import RegionBatch


def key_of(bits: Bits) -> bytes:
    """A hashable key of one pattern: its packed bytes."""
    return bytes(pack(bits[None])[0])


@dataclass(frozen=True, eq=False)
class Found:
    """A proper pattern that waits to be handed on.

    Attributes
    ----------
    bits : ndarray of bool
        Of the engine's (truncated) network, whatever the scope.
    point : ndarray, shape (dim,)
    radius : float
    """

    bits: Bits
    point: Vector
    radius: float


class Ledger:
    """The engine's memory over all its advances.

    Parameters
    ----------
    scope : slice
        The listed bits among those of the engine's network.
    prefix_ends : tuple of int
        Where each prefix 1..l ends in the bits, as far as the scope covers prefixes from the
        first layer; empty for a projection.
    n_layers : int
        Layers of the whole network.

    Attributes
    ----------
    keys : set of bytes
        The scope's bits of all patterns known to be proper, packed.
    """

    def __init__(self, scope: slice, prefix_ends: tuple[int, ...], n_layers: int) -> None:
        self._scope = scope
        self._prefix_ends = prefix_ends
        self._n_layers = n_layers
        self.keys: set[bytes] = set()
        self._prefixes: list[set[bytes]] = [set() for _ in prefix_ends]
        self._waiting: deque[Found] = deque()

    def projected(self, bits: Bits) -> Bits:
        """The scope's bits."""
        return bits[self._scope]

    def __contains__(self, bits: Bits) -> bool:
        """Whether the scope's bits of a pattern are known to be proper."""
        return key_of(self.projected(bits)) in self.keys

    def __len__(self) -> int:
        return len(self.keys)

    def know(self, projected: Bits) -> None:
        """Take a pattern that somebody else has listed and counted."""
        self.keys.add(key_of(projected))
        for end, known in zip(self._prefix_ends, self._prefixes, strict=True):
            known.add(key_of(projected[:end]))

    def add(self, found: Found) -> None:
        """Take a proper pattern; it waits until it is handed on."""
        self.keys.add(key_of(self.projected(found.bits)))
        self._waiting.append(found)

    def hand_on(
        self,
        literals: dict[int, bool],
        limit: int,
        prefix_left: tuple[int, ...] | None,
        counted_layers: int,
        dim: int,
    ) -> Handed:
        """Waiting patterns of a cube, at most `limit`, within what each prefix may still count."""
        counts = np.zeros(self._n_layers, dtype=np.int64)
        batch: list[Found] = []
        kept: deque[Found] = deque()
        parked = False
        for found in self._waiting:
            inside = all(found.bits[unit] == value for unit, value in literals.items())
            if not inside or len(batch) >= limit:
                kept.append(found)
                continue
            fresh = dict(self._fresh_prefixes(found.bits, counted_layers))
            if prefix_left is not None and any(counts[k] >= prefix_left[k] for k in fresh):
                kept.append(found)
                parked = True
                continue
            for k, key in fresh.items():
                self._prefixes[k].add(key)
                counts[k] += 1
            batch.append(found)
        self._waiting = kept
        if not batch:
            return Handed(
                RegionBatch.empty(self._scope.stop - self._scope.start, dim), counts, parked
            )
        regions = RegionBatch(
            pack(np.array([self.projected(f.bits) for f in batch], dtype=np.bool_)),
            np.array([f.point for f in batch]),
            np.array([f.radius for f in batch]),
        )
        return Handed(regions, counts, parked)

    def waiting_in(self, literals: dict[int, bool]) -> int:
        """How many waiting patterns lie in a cube."""
        return sum(
            all(found.bits[unit] == value for unit, value in literals.items())
            for found in self._waiting
        )

    def _fresh_prefixes(self, bits: Bits, counted_layers: int) -> Iterator[tuple[int, bytes]]:
        for k, (end, known) in enumerate(zip(self._prefix_ends, self._prefixes, strict=True)):
            key = key_of(bits[:end])
            if k >= counted_layers and key not in known:
                yield k, key


@dataclass(frozen=True, eq=False)
class Handed:
    """What is handed on of a cube.

    Attributes
    ----------
    regions : RegionBatch
    prefix_counts : ndarray of int64, shape (n_layers,)
        Prefixes among them that were not counted before.
    parked : bool
        Whether some stayed back because a prefix may count no more.
    """

    regions: RegionBatch
    prefix_counts: NDArray[np.int64]
    parked: bool


def no_patterns(n_units: int) -> Packed:
    """No packed pattern of `n_units` bits."""
    return np.zeros((0, packed_size(n_units)), dtype=np.uint8)
