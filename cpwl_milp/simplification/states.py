"""What each hidden unit does on a whole domain: on, off, or both.

In this order, each only for the units that are left open:

1. bounds of pre-activations, which hold in spite of rounding (interval, CROWN, LP): proofs;
2. samples, which show units on both sides of 0: witnesses;
3. one series of mixed-integer programs a layer, each looking for as many bits not seen yet as one
   input can show (Serra, Kumar and Ramalingam 2020): witnesses, and in the end the solver's claim
   that nothing is left;
4. the list of the regions of the first layers, proved in whole numbers where floats do not
   suffice: proofs. Where regions are too many, a claim stays a claim.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.affine import Dense
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.errors import CheckFailedError, DomainError
from cpwl_milp.core.network import Network
from cpwl_milp.simplification.listed import listed_bits
from cpwl_milp.simplification.series import solver_claims

_SAMPLES = 4096
# Numbers that the samples of one block may take in one layer.
_BLOCK_NUMBERS = 1 << 22
# A sign counts where |z| exceeds this share of the largest |z| of the unit.
_CLEAR = 1e-9
# Bounds beyond CROWN cost two linear programs a unit: only of networks up to so many weights.
_LP_WEIGHTS = 200_000
_SOLVER_WEIGHTS = 500_000


class UnitState(IntEnum):
    """What is known of a unit on a domain."""

    OPEN = 0
    """Nothing."""
    BOTH = 1
    """It was seen on both sides of 0."""
    ON = 2
    """z >= 0 everywhere, proved."""
    OFF = 3
    """z <= 0 everywhere, proved."""
    CLAIMED_ON = 4
    """The solver claims so, within its tolerances."""
    CLAIMED_OFF = 5
    """The solver claims so, within its tolerances."""


PROOFS = ("", "interval", "crown", "lp", "samples", "solver", "list")
"""By what a state is known; entries of `UnitStates.proofs` are places here."""


@dataclass(frozen=True)
class StateSettings:
    """How far to go.

    Attributes
    ----------
    max_seconds : float
        For everything but the cheapest bounds.
    solver : bool
        Also ask the mixed-integer program, and prove its claims by lists where these are short.
    max_regions : int
        Longest list to prove.
    seed : int
        Of samples.
    """

    max_seconds: float = 60.0
    solver: bool = True
    max_regions: int = 100_000
    seed: int = 0


@dataclass(frozen=True, eq=False)
class UnitStates:
    """The states of all hidden units.

    Attributes
    ----------
    states : ndarray of int8, shape (n_units,)
        `UnitState` of each.
    proofs : ndarray of int8, shape (n_units,)
        By what, as a place in `PROOFS`.
    bounds : Bounds
        The bounds that were used.
    seconds : float
    """

    states: NDArray[np.int8]
    proofs: NDArray[np.int8]
    bounds: Bounds
    seconds: float

    def of_layer(self, network: Network, layer: int) -> NDArray[np.int8]:
        """The states of one layer's hidden units (layer from 0)."""
        return self.states[network.layer_bits(layer)]


@dataclass
class _Board:
    """States while they are found."""

    states: NDArray[np.int8]
    proofs: NDArray[np.int8]
    # The bit that samples show of a unit not seen on both sides; -1 where no sign is clear.
    seen: NDArray[np.int8] = field(init=False)

    def __post_init__(self) -> None:
        self.seen = np.full(len(self.states), -1, dtype=np.int8)

    def open(self) -> NDArray[np.intp]:
        """Units of which nothing is known."""
        return np.flatnonzero(self.states == UnitState.OPEN)

    def set(self, units: NDArray[np.intp], state: UnitState, proof: str) -> None:
        """Note what was found of some units."""
        self.states[units] = state
        self.proofs[units] = PROOFS.index(proof)


def unit_states(
    network: Network, domain: Domain, settings: StateSettings | None = None
) -> UnitStates:
    """Find out which units are always on, always off, or both, on a domain.

    Parameters
    ----------
    network : Network
    domain : Domain
    settings : StateSettings, optional

    Raises
    ------
    CheckFailedError
        If a sample contradicts a proof.
    DomainError
        If the domain does not fit.
    """
    settings = settings or StateSettings()
    begin = time.monotonic()
    deadline = begin + settings.max_seconds
    board = _Board(*(np.zeros(network.n_units, dtype=np.int8) for _ in range(2)))
    n_weights = sum(layer.affine.n_in * layer.affine.n_out for layer in network.layers)
    bounds = pre_activation_bounds(network, domain, method="interval")
    _note_bounds(board, network, bounds, "interval")
    if board.open().size:
        bounds = pre_activation_bounds(network, domain, method="crown", deadline=deadline)
        _note_bounds(board, network, bounds, "crown")
    _note_samples(board, network, domain, settings.seed)
    if board.open().size and n_weights <= _LP_WEIGHTS and domain.bounded:
        share = begin + 0.4 * settings.max_seconds
        bounds = pre_activation_bounds(network, domain, method="lp", deadline=share)
        _note_bounds(board, network, bounds, "lp")
    if settings.solver and board.open().size and n_weights <= _SOLVER_WEIGHTS:
        _note_solver(board, network, domain, bounds, begin + 0.7 * settings.max_seconds)
        _note_list(board, network, domain, settings, deadline)
    return UnitStates(board.states, board.proofs, bounds, time.monotonic() - begin)


def _note_bounds(board: _Board, network: Network, bounds: Bounds, method: str) -> None:
    low = [b[layer.units] for layer, b in zip(network.layers, bounds.lower, strict=True)]
    high = [b[layer.units] for layer, b in zip(network.layers, bounds.upper, strict=True)]
    left = board.states == UnitState.OPEN
    off = left & (np.concatenate([*high, np.zeros(0)]) <= 0)
    on = left & ~off & (np.concatenate([*low, np.zeros(0)]) >= 0)
    board.set(np.flatnonzero(off), UnitState.OFF, method)
    board.set(np.flatnonzero(on), UnitState.ON, method)


def _note_samples(board: _Board, network: Network, domain: Domain, seed: int) -> None:
    """Units that random inputs show on both sides; proofs must not contradict any of them."""
    if not network.n_units:
        return
    random = np.random.default_rng(seed)
    widest = max(network.n_inputs, *(layer.affine.n_out for layer in network.layers))
    block = max(16, min(_SAMPLES, _BLOCK_NUMBERS // widest))
    on, off = (np.zeros(network.n_units, dtype=np.bool_) for _ in range(2))
    for start in range(0, _SAMPLES, block):
        x = domain.sample(min(block, _SAMPLES - start), random)
        above, below = clear_sides(network, x)
        on |= above.any(axis=0)
        off |= below.any(axis=0)
        if widest > 1 << 13:
            break
    wrong = (on & (board.states == UnitState.OFF)) | (off & (board.states == UnitState.ON))
    if wrong.any():
        raise CheckFailedError(
            "units",
            f"a sample contradicts the proved state of unit {int(np.argmax(wrong))}",
            hint="please report it",
        )
    left = board.states == UnitState.OPEN
    board.set(np.flatnonzero(left & on & off), UnitState.BOTH, "samples")
    board.seen[on] = 1
    board.seen[off & ~on] = 0


def clear_sides(network: Network, x: Dense) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which hidden units are above 0, and which below, by more than rounding: (n, n_units) each."""
    zs = [
        z[:, layer.units]
        for layer, z in zip(network.layers, network.pre_activations(x), strict=True)
    ]
    z = np.concatenate([*zs, np.zeros((len(x), 0))], axis=1)
    clear = _CLEAR * (1.0 + np.abs(z).max(axis=0, initial=0.0))
    return z > clear, z < -clear


def _note_solver(
    board: _Board, network: Network, domain: Domain, bounds: Bounds, deadline: float
) -> None:
    try:
        domain.require_polyhedral("mixed-integer program")
    except DomainError:
        return
    if not domain.bounded:
        return
    for layer in range(len(network.layers)):
        bits = network.layer_bits(layer)
        todo = bits.start + np.flatnonzero(
            (board.states[bits] == UnitState.OPEN) & (board.seen[bits] >= 0)
        )
        if not todo.size:
            continue
        both, claimed = solver_claims(
            network, domain, bounds, layer, todo, board.seen[todo], deadline
        )
        board.set(both, UnitState.BOTH, "solver")
        board.set(claimed[board.seen[claimed] == 1], UnitState.CLAIMED_ON, "solver")
        board.set(claimed[board.seen[claimed] == 0], UnitState.CLAIMED_OFF, "solver")


def _note_list(
    board: _Board, network: Network, domain: Domain, settings: StateSettings, deadline: float
) -> None:
    unproved = (UnitState.OPEN, UnitState.CLAIMED_ON, UnitState.CLAIMED_OFF)
    for layer in range(len(network.layers)):
        bits = network.layer_bits(layer)
        todo = bits.start + np.flatnonzero(np.isin(board.states[bits], unproved))
        if not todo.size:
            continue
        found = listed_bits(network, domain, layer + 1, settings.max_regions, deadline)
        if found is None:
            return
        ever_on, ever_off = (values[todo] for values in found)
        board.set(todo[ever_on & ever_off], UnitState.BOTH, "list")
        board.set(todo[ever_on & ~ever_off], UnitState.ON, "list")
        board.set(todo[~ever_on], UnitState.OFF, "list")
