"""The sampling engine: patterns of random inputs, a lower bound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Bits, Packed, as_keys, pack, packed_size, unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.magnitudes import term_magnitudes

# A sign counts only where |z| exceeds this share of the magnitude of its terms.
_RELATIVE_TOLERANCE = 1e-12
# Numbers that one block of samples may hold in one layer.
_BLOCK_NUMBERS = 1 << 22


class SamplingEngine:
    """Distinct patterns of independent uniform inputs.

    *Problem* : any network, any domain that can be sampled.
    *Answer* : a subset of the proper regions, hence a lower bound of their number.
    *Property* : a sample lies in the interior of its region unless some pre-activation is zero
    within rounding; such samples are left out. Nothing is ever proved complete: every cube stays
    open, and after the last sample it is unresolved.

    Parameters
    ----------
    problem : Problem
    bounds : Bounds
        Of the problem's network on its domain.
    n_samples : int
        Samples to draw before giving up.
    seed : int
    known : ndarray of uint8, optional
        Packed patterns that are listed already.
    """

    name = "sampling"
    exact = False
    # The root may hold no region beyond those listed.
    open_cubes_nonempty = False
    stateless = False

    def __init__(
        self,
        problem: Problem,
        bounds: Bounds,
        *,
        n_samples: int,
        seed: int,
        known: Packed | None = None,
    ) -> None:
        self._problem = problem
        self._left = n_samples
        self._random = np.random.default_rng(seed)
        self._tolerances = rounding_tolerances(problem, bounds)
        # One set of packed prefixes 1..l for each layer; the last is the whole pattern.
        self._seen: list[set[bytes]] = [set() for _ in range(max(1, len(problem.network.layers)))]
        if known is not None:
            bits = unpack(known, problem.network.n_units)
            for seen, end in zip(self._seen, problem.network.offsets[1:], strict=False):
                seen.update(as_keys(pack(bits[:, :end])).tolist())
        widest = max([problem.domain.dim, *(m.affine.n_out for m in problem.network.layers)])
        self._block = max(16, min(1 << 14, _BLOCK_NUMBERS // widest))

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        """Draw samples until the budget or the samples are spent."""
        network, domain = self._problem.network, self._problem.domain
        size = packed_size(network.n_units)
        patterns = [np.zeros((0, size), dtype=np.uint8)]
        points = [np.zeros((0, domain.dim))]
        prefix_counts = np.zeros(len(network.layers), dtype=np.int64)
        found = drawn = 0
        room = budget.max_regions
        if budget.prefix_left:
            # Every prefix has at most as many patterns as the last one.
            room = min(room, budget.prefix_left[-1])
        while self._left > 0 and found < room:
            n = min(self._block, self._left)
            self._left -= n
            drawn += n
            x = domain.sample(n, self._random)
            bits, clear = clear_bits(network, x, self._tolerances)
            x, bits = x[clear], bits[clear]
            packed = pack(bits)
            fresh = _unseen(self._seen[-1], packed, room - found)
            patterns.append(packed[fresh])
            points.append(x[fresh])
            found += len(fresh)
            for layer in range(len(network.layers) - 1):
                prefixes = pack(bits[fresh][:, : network.offsets[layer + 1]])
                prefix_counts[layer] += len(_unseen(self._seen[layer], prefixes, len(prefixes)))
            if budget.seconds_left <= 0:
                break
        if network.layers:
            prefix_counts[-1] = found
        full = room < budget.max_regions and found == room
        regions = np.concatenate(patterns)
        return Advance(
            cube=cube,
            regions=RegionBatch(regions, np.concatenate(points), np.full(len(regions), np.nan)),
            open=() if full else (cube,),
            parked=(cube,) if full else (),
            prefix_counts=prefix_counts,
            thin=np.zeros((0, size), dtype=np.uint8),
            unresolved="" if self._left else "samples prove no list complete",
            decisions={"samples": drawn},
        )


def _unseen(seen: set[bytes], packed: Packed, room: int) -> list[int]:
    """Rows that were not seen before, at most `room`; they are seen from now on."""
    fresh: list[int] = []
    for row, key in enumerate(as_keys(packed).tolist()):
        if key not in seen:
            if len(fresh) == room:
                break
            seen.add(key)
            fresh.append(row)
    return fresh


def rounding_tolerances(problem: Problem, bounds: Bounds) -> list[Vector]:
    """Of each layer's z, the size below which its sign may be rounding, shape (n_out,) each."""
    box = problem.domain.box
    reach = np.maximum(np.abs(box.lower), np.abs(box.upper))
    return [_RELATIVE_TOLERANCE * m for m in term_magnitudes(problem.network, reach, bounds)]


def clear_bits(
    network: Network, x: Dense, tolerances: list[Vector]
) -> tuple[Bits, NDArray[np.bool_]]:
    """Patterns of inputs, and which of these have no sign that may be rounding.

    An exact zero is let through: random inputs meet it only where z vanishes on a whole cell (a
    unit fed by dead units), and there the bit is 0.
    """
    clear = np.ones(len(x), dtype=np.bool_)
    bits = np.zeros((len(x), network.n_units), dtype=np.bool_)
    values = x
    for index, (layer, tolerance) in enumerate(zip(network.layers, tolerances, strict=True)):
        z = layer.affine(values)
        values = layer.activate(z)
        own = z[:, layer.units]
        bits[:, network.layer_bits(index)] = own > 0
        own = np.abs(own)
        clear &= np.all((own == 0) | (own > tolerance[layer.units]), axis=1)
    return bits, clear
