"""A survey as columns, one row a point, radius and network: what files hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.local.survey import Surroundings


def columns_of(found: Sequence[Surroundings], models: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The columns.

    Numbers of regions of any size are decimal text beside their logarithm. What does not exist is
    -1 (integers), NaN (numbers) or empty text; layers count from 1, units from 0.

    Parameters
    ----------
    found : sequence of Surroundings
    models : sequence of str
        Names of the networks.
    """
    n_layers = max([0, *(len(one.crossing) for one in found)])
    n_bytes = max([1, *(len(one.crossing_units) for one in found)])
    crossing = np.zeros((len(found), n_bytes), dtype=np.uint8)
    for row, one in enumerate(found):
        crossing[row, : len(one.crossing_units)] = one.crossing_units
    columns: dict[str, NDArray[Any]] = {
        "model": np.array([models[one.model] for one in found], dtype=np.str_),
        "set": np.array([one.points for one in found], dtype=np.str_),
        "index": _integers(one.index for one in found),
        "label": _integers(_or_none(one.label) for one in found),
        "radius": np.array([one.radius for one in found]),
        "regions": _integers(_or_none(one.regions) for one in found),
        "lower": _integers(one.count.lower for one in found),
        "sampled_patterns": _integers(one.count.sampled for one in found),
        "reason": np.array([one.count.reason for one in found], dtype=np.str_),
        "upper": _texts(one.upper for one in found),
        "log10_upper": np.array([math.log10(one.upper) for one in found]),
        "upper_zhu": _texts(one.product for one in found),
        "log10_upper_zhu": np.array(
            [math.nan if one.product is None else math.log10(one.product) for one in found]
        ),
        "first_layer_upper": _texts(one.first_layer for one in found),
        "boundary_distance": np.array(
            [one.distance if math.isfinite(one.distance) else math.nan for one in found]
        ),
        "boundary_layer": _integers(one.nearest[0] + 1 if one.nearest else -1 for one in found),
        "boundary_unit": _integers(one.nearest[1] if one.nearest else -1 for one in found),
        "sign_changes": _integers(one.sign_changes for one in found),
        "boundary_density": np.array([one.density for one in found]),
    }
    for layer in range(n_layers):
        columns[f"crossing_layer_{layer + 1}"] = _integers(
            one.crossing[layer] if layer < len(one.crossing) else -1 for one in found
        )
    columns["crossing_bits"] = crossing
    return columns


def _or_none(value: int | None) -> int:
    return -1 if value is None else value


def _integers(values: Any) -> NDArray[np.int64]:
    return np.array(list(values), dtype=np.int64)


def _texts(values: Any) -> NDArray[np.str_]:
    return np.array(["" if value is None else str(value) for value in values], dtype=np.str_)
