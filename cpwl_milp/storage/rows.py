"""The columns of a part file: what is stored of each region."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.pattern import packed_size
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.storage.question import Layout, Question

PART_SCHEMA = "cpwl-milp/regions/1"


@dataclass(frozen=True, eq=False)
class OutputMaps:
    """The affine map ``x -> coefficients x + bias`` of the output on each of n regions.

    Attributes
    ----------
    coefficients : ndarray, shape (n, n_outputs, dim)
        Over the domain's own coordinates.
    bias : ndarray, shape (n, n_outputs)
    """

    coefficients: Dense
    bias: Dense


def region_columns(
    layout: Layout, regions: Sequence[RegionBatch], maps: Sequence[OutputMaps]
) -> dict[str, NDArray[Any]]:
    """One part's columns; NaN where an engine gave no point or inradius.

    NaN rather than null, because not every Parquet reader takes null fixed-size lists.
    """
    size, dim = packed_size(layout.n_units), layout.dim
    points, inradii = [], []
    for batch in regions:
        n = len(batch)
        if batch.patterns.shape != (n, size) or batch.points.shape not in ((n, dim), (0, dim)):
            raise ValueError(
                f"a batch of patterns {batch.patterns.shape} and points {batch.points.shape} "
                f"for rows of {size} bytes and {dim} coordinates"
            )
        points.append(batch.points if len(batch.points) == n else np.full((n, dim), np.nan))
        inradii.append(batch.inradii if len(batch.inradii) == n else np.full(n, np.nan))
    columns: dict[str, NDArray[Any]] = {
        "pattern": np.concatenate([batch.patterns for batch in regions]),
        "point": np.concatenate(points),
        "inradius": np.concatenate(inradii),
    }
    if layout.unbounded:
        columns["unbounded"] = np.concatenate([_marks(batch) for batch in regions])
    if layout.n_outputs is not None:
        n = len(columns["pattern"])
        coefficients = np.concatenate([m.coefficients for m in maps])
        columns["output_coefficients"] = coefficients.reshape(n, layout.n_outputs * dim)
        columns["output_bias"] = np.concatenate([m.bias for m in maps])
    return columns


def _marks(batch: RegionBatch) -> NDArray[np.bool_]:
    if batch.unbounded is None:
        raise ValueError("a batch without marks for a layout that stores them")
    return batch.unbounded


def region_batch(columns: dict[str, NDArray[Any]]) -> RegionBatch:
    """Rows read back; the inverse of `region_columns`, up to how they were cut into batches."""
    points, inradii = columns["point"], columns["inradius"]
    if np.all(np.isnan(points)):
        points = points[:0]
    if np.all(np.isnan(inradii)):
        inradii = inradii[:0]
    return RegionBatch(columns["pattern"], points, inradii)


def part_metadata(question: Question) -> dict[str, str]:
    """The key-value metadata of each part file, so that it explains itself."""
    layout = question.layout
    return {
        "cpwl_milp.schema": PART_SCHEMA,
        "cpwl_milp.n_units": str(layout.n_units),
        "cpwl_milp.widths": json.dumps(list(layout.widths)),
        "cpwl_milp.bit_order": "little",
        "cpwl_milp.model_sha256": question.model_sha256,
    }
