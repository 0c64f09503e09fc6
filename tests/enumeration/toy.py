"""An exact engine over a known, irregular tree: what it must list is known beforehand."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import numpy as np

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.pattern import pack, packed_size
from cpwl_milp.core.region import RegionBatch


class ToyEngine:
    """Units cut, or are constant on, a cell by a hash of the bits before them.

    The tree is lopsided and deterministic. Cells, counts and budgets follow the contract of
    `core.exploration` to the letter. `steps` bounds the cells visited in one advance, as a clock
    would, so that tests do not depend on one.
    """

    name = "toy"
    exact = True
    open_cubes_nonempty = True
    stateless = True

    def __init__(
        self, widths: tuple[int, ...], seed: int = 0, *, steps: int = 10**9, delay: float = 0.0
    ) -> None:
        self.widths = widths
        self.seed = seed
        self.steps = steps
        self.delay = delay
        self.n_units = sum(widths)
        self.ends = tuple(itertools.accumulate(widths))

    def side(self, bits: tuple[int, ...]) -> int | None:
        """The bit of the next unit, or None where it cuts the cell."""
        key = hash((self.seed, bits)) & 0xFFFFFFFF
        return None if key % 5 < 3 else key >> 8 & 1

    def point(self, bits: tuple[int, ...]) -> tuple[float, float]:
        """A point that no other region has."""
        value = sum(bit << k for k, bit in enumerate(bits))
        return float(value % 4096), float(value // 4096)

    def leaves(self, bits: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
        """Every region, without cubes or budgets: the reference."""
        if len(bits) == self.n_units:
            yield bits
            return
        side = self.side(bits)
        for bit in (0, 1) if side is None else (side,):
            yield from self.leaves((*bits, bit))

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        """Depth first, by the book."""
        fixed = {abs(k) - 1: int(k > 0) for k in cube.literals}
        # (bits so far, cube of this cell)
        stack = [((), Cube((), cube.counted_layers))]
        left = None if budget.prefix_left is None else list(budget.prefix_left)
        counts = np.zeros(len(self.widths), dtype=np.int64)
        found: list[tuple[int, ...]] = []
        parked: list[Cube] = []
        steps = 0
        while stack:
            if (steps >= self.steps or budget.seconds_left <= 0) and steps > self.n_units:
                break
            if len(found) >= budget.max_regions:
                break
            bits, here = stack.pop()
            steps += 1
            if self.delay:
                time.sleep(self.delay)
            n = len(bits)
            layer = self.ends.index(n) if n in self.ends else -1
            if layer >= here.counted_layers:
                if left is not None:
                    if left[layer] == 0:
                        parked.append(here)
                        continue
                    left[layer] -= 1
                counts[layer] += 1
                here = Cube(here.literals, layer + 1)
            if n == self.n_units:
                found.append(bits)
                continue
            side = self.side(bits)
            if side is not None:
                stack.append(((*bits, side), here))
                continue
            stack += [
                ((*bits, bit), here.extended(n + 1 if bit else -(n + 1)))
                for bit in (0, 1)
                if fixed.get(n, bit) == bit
            ]
        still = tuple(here for _, here in reversed(stack))
        patterns = np.array(found, dtype=np.bool_).reshape(len(found), self.n_units)
        return Advance(
            cube=cube,
            regions=RegionBatch(
                pack(patterns),
                np.array([self.point(bits) for bits in found]).reshape(len(found), 2),
                np.ones(len(found)),
            ),
            open=still,
            prefix_counts=counts,
            thin=np.zeros((0, packed_size(self.n_units)), dtype=np.uint8),
            parked=tuple(parked),
            decisions={"cells": steps},
        )

    def expected(self) -> set[bytes]:
        """The packed patterns of all regions."""
        rows = pack(np.array(list(self.leaves()), dtype=np.bool_))
        return {row.tobytes() for row in rows}

    def expected_prefixes(self) -> tuple[int, ...]:
        """The number of cells of each prefix."""
        leaves = list(self.leaves())
        return tuple(len({bits[:end] for bits in leaves}) for end in self.ends)
