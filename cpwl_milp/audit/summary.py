"""A row a job, flat: for tables of one's own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cpwl_milp.audit.folder import SUMMARY_CSV, SUMMARY_PARQUET
from cpwl_milp.storage.audit_rows import Row
from cpwl_milp.storage.records import write_records_csv, write_records_parquet

# Counts grow beyond any integer column: text holds them exactly, log10 is there to plot.
COLUMNS: Mapping[str, type] = {
    "model": str,
    "path": str,
    "sha256": str,
    "question": str,
    "domain": str,
    "data": str,
    "state": str,
    "reason": str,
    "n_inputs": int,
    "n_units": int,
    "n_layers": int,
    "engine": str,
    "lower": str,
    "upper": str,
    "log10_upper": float,
    "linear_regions": int,
    "affine_maps": int,
    "n_samples": int,
    "mi_labels_bits": float,
    "entropy_bits": float,
    "seconds": float,
    "cpu_seconds": float,
    "peak_mb": float,
    "exit_code": int,
    "ended": str,
    "version": str,
}


def write_summary(folder: Path, rows: Iterable[Row]) -> None:
    """Write ``summary.csv`` and ``summary.parquet``."""
    records = [flat(row) for row in rows]
    write_records_csv(folder / SUMMARY_CSV, COLUMNS, records)
    write_records_parquet(folder / SUMMARY_PARQUET, COLUMNS, records)


def flat(row: Row) -> dict[str, Any]:
    """The columns of a row; None where a question has none."""
    asked, result = row.asked, row.result
    answer = result.answer or {}
    model = answer.get("model") or {}
    layers = answer.get("layers")
    last = layers[-1] if asked.question == "information" and layers else None
    mutual = (last["own"]["mi_labels_bits"] or {}) if last else {}
    lower, upper = answer.get("lower"), answer.get("upper")
    return {
        "model": asked.label,
        "path": asked.path,
        "sha256": asked.sha256,
        "question": asked.question,
        "domain": asked.domain,
        "data": asked.data,
        "state": result.state.value,
        "reason": result.reason,
        "n_inputs": model.get("n_inputs"),
        "n_units": model.get("n_units"),
        "n_layers": None if layers is None else len(layers),
        "engine": answer.get("engine"),
        "lower": None if lower is None else str(lower),
        "upper": None if upper is None else str(upper),
        "log10_upper": log10(upper),
        "linear_regions": answer.get("linear_regions"),
        "affine_maps": answer.get("affine_maps"),
        "n_samples": answer.get("n_samples"),
        "mi_labels_bits": mutual.get("miller_madow"),
        "entropy_bits": last["own"]["entropy_bits"]["miller_madow"] if last else None,
        "seconds": result.seconds,
        "cpu_seconds": result.cpu_seconds,
        "peak_mb": round(result.peak_bytes / 1e6, 1),
        "exit_code": result.exit_code,
        "ended": result.ended,
        "version": result.version,
    }


def log10(count: Any) -> float | None:
    """Decimal logarithm of a count of any size; None below 1."""
    if not isinstance(count, int) or count < 1:
        return None
    return math.log10(count)
