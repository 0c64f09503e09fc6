"""What changed between two audits: a retrained model, a new exporter, another version."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from cpwl_milp.audit.summary import flat
from cpwl_milp.storage.audit_rows import Row

# Not compared: times and memory, which differ from run to run, and where files lie.
FIELDS = (
    *("sha256", "state", "reason", "n_inputs", "n_units", "n_layers", "lower", "upper"),
    *("linear_regions", "affine_maps", "n_samples", "entropy_bits", "mi_labels_bits"),
)
# Sums of floats in another order.
_RELATIVE = 1e-9

Name: TypeAlias = tuple[str, str, str, str]
"""Model, question, domain, data: what makes rows of two audits the same row."""


@dataclass(frozen=True)
class Change:
    """A row that both audits have, and the fields in which they differ: (first, second)."""

    name: Name
    fields: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Comparison:
    """Two audits, row by row.

    Attributes
    ----------
    same : int
        Rows that do not differ.
    changes : tuple of Change
    only_first, only_second : tuple of Name
        Rows that one of them alone has.
    """

    same: int
    changes: tuple[Change, ...]
    only_first: tuple[Name, ...]
    only_second: tuple[Name, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not (self.changes or self.only_first or self.only_second)


def compared(first: Sequence[Row], second: Sequence[Row]) -> Comparison:
    """Compare two audits: rows of the same model name, question, domain and data."""
    one, other = _by_name(first), _by_name(second)
    changes = []
    for name, row in one.items():
        if name in other:
            fields = _differing(row, other[name])
            if fields:
                changes.append(Change(name, fields))
    common = sum(name in other for name in one)
    return Comparison(
        common - len(changes),
        tuple(changes),
        tuple(name for name in one if name not in other),
        tuple(name for name in other if name not in one),
    )


def _by_name(rows: Sequence[Row]) -> dict[Name, Mapping[str, Any]]:
    found: dict[Name, Mapping[str, Any]] = {}
    for row in rows:
        asked = row.asked
        found[asked.label, asked.question, asked.domain, asked.data] = flat(row)
    return found


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (one[name], other[name]) for name in FIELDS if not _equal(one[name], other[name])}


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_RELATIVE, abs_tol=1e-12)
    return bool(one == other)
