"""The answer of ``terms``: from points to files, JSON and tables."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from cpwl_milp.cli.arguments import question
from cpwl_milp.cli.terms import extraction, statistics
from cpwl_milp.core.pattern import unpack
from cpwl_milp.core.versions import versions
from cpwl_milp.terms.checks import TOLERANCE, Check, TropicalChecks, linear_deviation
from cpwl_milp.terms.extracted import TermSet
from cpwl_milp.terms.extraction_report import ExtractionReport
from cpwl_milp.terms.linear import LinearTerms, linear_term_blocks
from cpwl_milp.terms.summary import TermSummary
from cpwl_milp.terms.tropical import Tropical, TropicalTerms

if TYPE_CHECKING:
    from cpwl_milp.onnx_io import ImportedModel
    from cpwl_milp.terms.codes import CodeRow
    from cpwl_milp.terms.comparison import TermComparison

_TROPICAL = ("positive", "positive_bias", "negative", "negative_bias")


@dataclass(eq=False)
class TermsAnswer:
    """What was found.

    Attributes
    ----------
    model : ImportedModel
    summary : TermSummary
    classes : ndarray of int64, or None
        What the points are labelled as.
    checks : list of Check
    terms : TermSet or None
        The terms of all points, if the tropical form was asked for.
    points : list of dict
        One a point, as JSON, if asked for.
    reports : sequence of ExtractionReport
    statistics : TermComparison or None
    codes : sequence of CodeRow
    files : sequence of Path
        Of the statistics.
    file : Path or None
    seconds : float
        Of the terms alone.
    """

    model: ImportedModel
    summary: TermSummary
    classes: NDArray[np.int64] | None
    checks: list[Check]
    terms: TermSet | None = None
    points: list[dict[str, Any]] = field(default_factory=list)
    reports: Sequence[ExtractionReport] = ()
    statistics: TermComparison | None = None
    codes: Sequence[CodeRow] = ()
    files: Sequence[Path] = ()
    file: Path | None = None
    seconds: float = 0.0

    @property
    def accuracy(self) -> float | None:
        """Share of points whose class is their label."""
        if self.classes is None:
            return None
        return float((self.classes == self.summary.labels).mean())


def of_points(
    model: ImportedModel,
    points: NDArray[Any],
    classes: NDArray[np.int64] | None,
    file: Path | None,
    tropical: Tropical | None,
    tropical_checks: TropicalChecks,
    *,
    listed: bool,
) -> TermsAnswer:
    """Pass all points; write their terms to a file, or list them point by point, as asked."""
    begin = time.monotonic()
    linear = Check("linear term = f", TOLERANCE)
    answer = TermsAnswer(model, TermSummary(), classes, [linear], file=file)
    parts: list[TermSet] = []

    def passed() -> Iterator[Mapping[str, NDArray[Any]]]:
        for rows, terms in linear_term_blocks(model.network, points):
            block = np.asarray(points[rows], dtype=np.float64)
            linear.take(linear_deviation(terms, block), rows.start)
            answer.summary.add(terms)
            both = None
            if tropical is not None:
                both = tropical.terms(terms, block)
                tropical_checks.take_terms(terms, both, block, rows.start)
                parts.append(TermSet.of(terms, both, block))
            if listed:
                whole = file is None
                answer.points += _points(terms, both, rows, model.network.n_units, whole=whole)
            arrays: dict[str, NDArray[Any]] = {
                "coefficients": terms.coefficients,
                "bias": terms.bias,
                "outputs": terms.outputs,
                "labels": terms.labels,
                "patterns": terms.patterns,
            }
            if both is not None:
                arrays |= {name: getattr(both, name) for name in _TROPICAL}
            yield arrays

    if file is None:
        for _ in passed():
            pass
    elif file.suffix.lower() == ".npz":
        from cpwl_milp.storage.npz_files import write_npz

        write_npz(file, passed())
    else:
        _write_parquet(file, passed(), model)
    if parts:
        answer.terms = TermSet.joined(parts)
    answer.seconds = time.monotonic() - begin
    return answer


def _write_parquet(
    file: Path, batches: Iterator[Mapping[str, NDArray[Any]]], model: ImportedModel
) -> None:
    from cpwl_milp.storage.tables import write_table

    file.parent.mkdir(parents=True, exist_ok=True)
    flat = (
        {
            name: values.reshape(len(values), -1) if values.ndim > 2 else values
            for name, values in batch.items()
        }
        for batch in batches
    )
    network = model.network
    write_table(
        file,
        flat,
        {
            "model_sha256": model.sha256,
            "coefficients": f"{network.n_outputs} x {network.n_inputs}, row by row",
        },
    )


def _points(
    terms: LinearTerms, both: TropicalTerms | None, rows: slice, n_units: int, *, whole: bool
) -> Iterator[dict[str, Any]]:
    bits = unpack(terms.patterns, n_units) if whole else None
    for k, label in enumerate(terms.labels.tolist()):
        yield {
            "index": rows.start + k,
            "label": label,
            "coefficients": terms.coefficients[k].tolist() if whole else None,
            "bias": terms.bias[k].tolist(),
            "pattern": None if bits is None else "".join("01"[bit] for bit in bits[k].astype(int)),
            **{
                name: getattr(both, name)[k].tolist() if both is not None and whole else None
                for name in _TROPICAL
            },
        }


def as_json(answer: TermsAnswer) -> dict[str, Any]:
    """The whole answer."""
    summary = answer.summary
    return {
        "schema": "cpwl-milp/terms/1",
        "model": question.described(answer.model),
        "outputs": answer.model.network.n_outputs,
        "n_points": len(summary.labels),
        "on_boundary": summary.on_boundary,
        "distinct_patterns": summary.distinct_patterns,
        "distinct_terms": summary.distinct_terms,
        "accuracy": answer.accuracy,
        "classes": list(_classes(answer)),
        "tropical": extraction.as_json(answer.reports),
        "statistics": None if answer.statistics is None else statistics.as_json(answer.statistics),
        "codes": statistics.codes_as_json(answer.codes),
        "checks": checks_as_json(answer.checks),
        "points": answer.points,
        "file": None if answer.file is None else str(answer.file),
        "files": [str(file) for file in answer.files],
        "seconds": round(answer.seconds, 3),
        "versions": versions(),
    }


def checks_as_json(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """What was checked, and how well it held."""
    return [
        {
            "name": check.name,
            "points": check.n,
            "largest": check.largest,
            "tolerance": check.tolerance,
        }
        for check in checks
    ]


def _classes(answer: TermsAnswer) -> Iterator[dict[str, Any]]:
    labels, steepness = answer.summary.labels, answer.summary.steepness
    for k in range(answer.model.network.n_outputs):
        here = labels == k
        right = None
        if answer.classes is not None and (answer.classes == k).any():
            right = float(here[answer.classes == k].mean())
        yield {
            "class": k,
            "points": int(here.sum()),
            "accuracy": right,
            "median_norm": float(np.median(steepness[here])) if here.any() else None,
        }


def show(answer: TermsAnswer) -> None:
    """Print tables."""
    from cpwl_milp.report.tables import show_table
    from cpwl_milp.terms.summary import DECIMALS

    summary = answer.summary
    n = len(summary.labels)
    click.echo(
        f"{n:,} points, {summary.distinct_patterns:,} patterns, {summary.distinct_terms:,} "
        f"different terms of their classes (rounded to {DECIMALS} decimals)"
    )
    if summary.on_boundary:
        click.echo(
            f"{summary.on_boundary:,} points have a unit at exactly 0: it counts as off there"
        )
    show_table(
        "classes, as the network sees them",
        ("class", "points", "median norm", "accuracy"),
        [
            (
                str(row["class"]),
                f"{row['points']:,}",
                extraction.number(row["median_norm"]),
                extraction.number(row["accuracy"]),
            )
            for row in _classes(answer)
        ],
    )
    if answer.accuracy is not None:
        click.echo(f"accuracy {answer.accuracy:.4f}")
    if answer.reports:
        extraction.show(answer.reports)
    if answer.codes:
        statistics.show_codes(answer.codes)
    if answer.statistics is not None:
        statistics.show(answer.statistics)
    for check in answer.checks:
        click.echo(
            f"checked at {check.n:,} points: {check.name}, largest deviation {check.largest:.1e}"
        )
    if answer.file is not None:
        click.echo(f"terms are in {answer.file}")
    if answer.files:
        click.echo("statistics are in " + ", ".join(str(file) for file in answer.files))
    click.echo(f"{answer.seconds:.2f} s")
