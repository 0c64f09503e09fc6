"""What the region bounds need to know of a layer: a handful of integers.

Notation, for one layer on one region of the layers before it, where the values that enter are
``A x + c`` with ``rank A <= d``:

- Only hidden units of varying bit cut the region. Units that pass their input on (slope 1, skip
  connections) and units of constant bit do not. The cutting hyperplanes have normals in the rows
  of ``W_cut A``, so their rank is at most ``min(d, rank W_cut)``.
- The values that leave are ``D W A x + const``, D diagonal. A row of it vanishes only for an
  inactive unit of slope 0. An inactive LeakyReLU or Abs unit keeps its row up to a factor, and
  so does a unit that passes its input on: each counts like an always-active one. With j
  inactive units of slope 0 among the cutting ones, the rank is at most
  ``min(d, rank W_alive, n_alive - j)``, where the alive rows are those that are not always
  zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.bounds import UnitStability
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.counting.rank import RankBudget, rank_bound


@dataclass(frozen=True)
class LayerShape:
    """One layer, reduced to counts.

    Attributes
    ----------
    n_units : int
        Hidden units, the bits of the layer.
    always_active, always_inactive : int
        Hidden units of constant bit.
    vanishing : int
        Units of varying bit whose value is 0 when inactive (slope 0).
    keeping : int
        Units of varying bit whose value goes on when inactive (other slopes).
    alive : int
        Values that are not 0 on the whole domain, passed-on ones included.
    cut_rank, image_rank : int
        Upper bounds of ``rank W_cut`` and ``rank W_alive``.
    span : int
        Upper bound of the dimension of the affine hull of all values that enter.
    """

    n_units: int
    always_active: int
    always_inactive: int
    vanishing: int
    keeping: int
    alive: int
    cut_rank: int
    image_rank: int
    span: int

    @property
    def cutting(self) -> int:
        """Units of varying bit."""
        return self.vanishing + self.keeping


def layer_shapes(
    network: Network, stability: tuple[UnitStability, ...] | None, budget: RankBudget
) -> tuple[LayerShape, ...]:
    """The shapes of all layers; without `stability`, every unit counts as cutting.

    The span grows by one at most for each unit of varying bit, since all other values of a
    layer are affine in the ones before: ``span' <= min(alive, min(span, fixed) + cutting)``.
    """
    shapes = []
    entering = np.ones(network.n_inputs, dtype=np.bool_)
    span = rank = network.n_inputs
    for index, layer in enumerate(network.layers):
        fate = None if stability is None else stability[index]
        shape, leaving = _layer_shape(layer, fate, entering, span, rank, budget)
        shapes.append(shape)
        entering = leaving
        fixed = shape.alive - shape.cutting
        span = min(shape.alive, min(span, fixed) + shape.cutting)
        rank = min(rank, shape.image_rank)
    return tuple(shapes)


def _layer_shape(
    layer: Layer,
    stability: UnitStability | None,
    entering: NDArray[np.bool_],
    span: int,
    rank: int,
    budget: RankBudget,
) -> tuple[LayerShape, NDArray[np.bool_]]:
    units = layer.units
    cutting = np.ones(units.size, dtype=np.bool_)
    inactive = np.zeros(units.size, dtype=np.bool_)
    if stability is not None:
        cutting, inactive = stability.unstable, stability.always_inactive
    vanishes = layer.slope[units] == 0.0
    alive = np.ones(layer.affine.n_out, dtype=np.bool_)
    alive[units[inactive & vanishes]] = False
    cut = np.zeros(layer.affine.n_out, dtype=np.bool_)
    cut[units[cutting]] = True
    weight = layer.affine.weight
    # Beyond the span, respectively the rank, of what enters no rank can matter.
    cut_rank = rank_bound(weight, cut, entering, span, budget)
    image_rank = cut_rank
    if not np.array_equal(cut, alive):
        image_rank = rank_bound(weight, alive, entering, rank, budget)
    shape = LayerShape(
        n_units=int(units.size),
        always_active=int(units.size - np.count_nonzero(cutting) - np.count_nonzero(inactive)),
        always_inactive=int(np.count_nonzero(inactive)),
        vanishing=int(np.count_nonzero(cutting & vanishes)),
        keeping=int(np.count_nonzero(cutting & ~vanishes)),
        alive=int(np.count_nonzero(alive)),
        cut_rank=cut_rank,
        image_rank=image_rank,
        span=span,
    )
    return shape, alive
