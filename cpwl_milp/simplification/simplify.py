"""An equivalent smaller network on a domain.

Lossless compression as in Serra, Kumar and Ramalingam, "Lossless compression of deep neural
networks", CPAIOR 2020, for any two-piece units; beyond it, a layer's linear rows are carried by its
inputs, or by what they add to the next layer, where these are fewer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cpwl_milp.core.domain import Domain
from cpwl_milp.core.network import Network
from cpwl_milp.simplification.draft import Draft, DraftLayer, Origin, Reason, scaled_columns
from cpwl_milp.simplification.states import StateSettings, UnitState, UnitStates, unit_states
from cpwl_milp.simplification.steps import (
    drop_constant_rows,
    drop_unused_rows,
    fold_linear_layers,
    fold_linear_rows,
    merge_duplicates,
)


@dataclass(frozen=True, eq=False)
class Simplification:
    """A smaller network, and why it is the same on the domain.

    Attributes
    ----------
    network : Network
        With the same outputs on the domain, up to rounding of sums of weights.
    states : UnitStates
        What was proved of the units of the network given.
    removed : mapping
        The reason for each row of it that is gone, by layer (from 1) and row (from 0).
    added : int
        Rows put in to carry linear ones.
    """

    network: Network
    states: UnitStates
    removed: Mapping[Origin, Reason]
    added: int

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows are gone for each reason."""
        found = dict.fromkeys((str(reason) for reason in Reason), 0)
        for reason in self.removed.values():
            found[str(reason)] += 1
        return found


def simplified(
    network: Network,
    domain: Domain,
    settings: StateSettings | None = None,
    states: UnitStates | None = None,
) -> Simplification:
    """Take out what makes no difference on a domain.

    Only what is proved of units is used, never what a solver claims.

    Parameters
    ----------
    network : Network
    domain : Domain
    settings : StateSettings, optional
    states : UnitStates, optional
        Where they are known already.

    Raises
    ------
    CheckFailedError, DomainError
        As `unit_states`.
    """
    if states is None:
        states = unit_states(network, domain, settings)
    draft = _begun(network, states)
    while True:
        steps = (
            drop_constant_rows(draft),
            drop_unused_rows(draft),
            merge_duplicates(draft),
            fold_linear_layers(draft),
        )
        if not any(steps) and not fold_linear_rows(draft):
            break
    return Simplification(draft.network(), states, draft.removed, draft.added)


def _begun(network: Network, states: UnitStates) -> Draft:
    """The draft without units that are off, others linear where that is proved."""
    layers = []
    for index, layer in enumerate(network.layers):
        n = layer.affine.n_out
        state = np.full(n, UnitState.BOTH, dtype=np.int8)
        state[layer.units] = states.of_layer(network, index)
        on, off = state == UnitState.ON, state == UnitState.OFF
        layers.append(
            DraftLayer(
                layer.affine.weight,
                layer.affine.bias,
                layer.slope,
                on | off | (layer.slope == 1.0),
                on,
                [(index + 1, row) for row in range(n)],
            )
        )
    draft = Draft(layers, network.output)
    for index, layer in enumerate(network.layers):
        rows = draft.layers[index]
        off = rows.linear & ~rows.nonnegative & (layer.slope != 1.0)
        if not off.any():
            continue
        # Below 0 a unit multiplies by its slope: what follows does so instead.
        weight, bias = draft.after(index)
        factor = np.where(off, layer.slope, 1.0)
        if np.any(off & (layer.slope != 0.0)):
            draft.set_after(index, scaled_columns(weight, factor), bias)
        draft.drop(index, off & (layer.slope == 0.0), Reason.OFF)
    return draft
