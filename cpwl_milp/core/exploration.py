"""The contract between engines and the enumeration loop.

An engine advances a cube: it lists regions of it and hands back what is still open. Nothing is
ever dropped: the regions listed so far and the open cubes together hold every region of the
cube. A cube with nothing open is closed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.pattern import Packed
from cpwl_milp.core.region import RegionBatch


@dataclass(frozen=True)
class Budget:
    """How far one advance may go.

    Attributes
    ----------
    max_regions : int
        List at most this many regions, always at least 1.
    deadline : float
        `time.monotonic()` after which to hand back (never before one step of progress).
    prefix_left : tuple of int or None
        How many more cells of each prefix 1..l may be counted; an engine parks what would go
        beyond. None: no limit.
    """

    max_regions: int
    deadline: float
    prefix_left: tuple[int, ...] | None = None

    @property
    def seconds_left(self) -> float:
        """Seconds to the deadline; below 0 when it has passed."""
        return self.deadline - time.monotonic()

    def prefix_room(self, n_layers: int) -> NDArray[np.int64]:
        """A copy of `prefix_left` to count down, the largest integer where there is no limit."""
        if self.prefix_left is None:
            return np.full(n_layers, np.iinfo(np.int64).max)
        return np.array(self.prefix_left, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Advance:
    """What one advance of a cube gave.

    Attributes
    ----------
    cube : Cube
        The cube that was worked on; it is now replaced by `open`.
    regions : RegionBatch
        Newly listed regions of the cube.
    open : tuple of Cube
        What is left of the cube.
    parked : tuple of Cube
        Left as well, but not to be taken up again in this run: a layer's limit is reached.
        The cube is closed when neither open nor parked cubes remain.
    prefix_counts : ndarray of int64, shape (n_layers,)
        Cells of each prefix 1..l completed in this advance; they add up over a run. What an
        open cube's own prefix has counted stands in its `counted_layers`.
    thin : ndarray of uint8
        Packed patterns found that are nonempty but not full-dimensional.
    unresolved : str
        Why the open cubes cannot be closed by this engine ("" when more time would do it).
    decisions : dict of str to int
        Counters of how decisions were settled, added up over a run (e.g. "tests", "ties").
    """

    cube: Cube
    regions: RegionBatch
    open: tuple[Cube, ...]
    prefix_counts: NDArray[np.int64]
    thin: Packed
    parked: tuple[Cube, ...] = ()
    unresolved: str = ""
    decisions: dict[str, int] = field(default_factory=dict)


class Engine(Protocol):
    """One way to answer "which patterns exist in this cube?"."""

    name: str
    exact: bool
    # Whether an open cube surely holds a region that is not listed yet.
    open_cubes_nonempty: bool
    # Whether an advance leaves nothing behind in the engine: several may then run at once, in any
    # order, and what is found of a cube does not depend on the others.
    stateless: bool

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        """Work on `cube` until it is closed or the budget is spent."""
        ...
