"""The tropical part of ``terms``: extracted classifiers as JSON and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click
import numpy as np

from cpwl_milp.terms.extraction_report import ExtractionReport


def as_json(reports: Sequence[ExtractionReport]) -> list[dict[str, Any]]:
    """One entry a set of points."""
    return [
        {
            "set": report.name,
            "points": len(report.known),
            "agreement": report.agreement,
            "accuracy": report.accuracy,
            "network_accuracy": report.network_accuracy,
            "magnitude": magnitude(report),
            "straight_terms": int(report.found.straight.sum()),
            "straight_agreement": report.agreement_on(report.found.straight),
            "cross_terms": int((~report.found.straight).sum()),
            "cross_agreement": report.agreement_on(~report.found.straight),
            "growth": [asdict(row) for row in report.growth],
        }
        for report in reports
    ]


def magnitude(report: ExtractionReport) -> float | None:
    """How many times larger F is than f, at most."""
    largest = float(np.abs(report.known.outputs).max())
    return float(np.abs(report.known.upper).max()) / largest if largest else None


def show(reports: Sequence[ExtractionReport]) -> None:
    """Print tables."""
    from cpwl_milp.report.tables import show_table

    show_table(
        "classifier extracted from the training points",
        (
            "points",
            "n",
            "agreement",
            "accuracy",
            "network's",
            "straight",
            "agree",
            "cross",
            "agree",
        ),
        [
            (
                row["set"],
                f"{row['points']:,}",
                number(row["agreement"]),
                number(row["accuracy"]),
                number(row["network_accuracy"]),
                f"{row['straight_terms']:,}",
                number(row["straight_agreement"]),
                f"{row['cross_terms']:,}",
                number(row["cross_agreement"]),
            )
            for row in as_json(reports)
        ],
    )
    show_table(
        "from random parts of the training points",
        ("points", "share", "terms", "agreement", "least", "most", "accuracy"),
        [
            (
                report.name,
                f"{row.share:.2g}",
                f"{row.terms:,}",
                number(row.agreement),
                number(row.least_agreement),
                number(row.most_agreement),
                number(row.accuracy),
            )
            for report in reports
            for row in report.growth
        ],
    )
    ratio = magnitude(reports[0])
    if ratio is not None:
        click.echo(f"F is at most {ratio:.3g} times as large as f")


def number(value: float | None) -> str:
    """A number as tables show it."""
    return "-" if value is None or not np.isfinite(value) else f"{value:.4g}"
