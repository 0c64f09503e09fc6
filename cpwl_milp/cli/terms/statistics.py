"""The statistics of ``terms`` as JSON, tables, files and figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from cpwl_milp.cli.output import finite
from cpwl_milp.cli.terms.extraction import number
from cpwl_milp.core.errors import InputError
from cpwl_milp.terms.comparison import TermComparison
from cpwl_milp.terms.pairs import PairStatistics, Summary, angles
from cpwl_milp.terms.rays import RayChanges
from cpwl_milp.terms.statistics import RayReport, geometric_mean

if TYPE_CHECKING:
    from cpwl_milp.terms.codes import CodeRow


def as_json(statistics: TermComparison) -> dict[str, Any]:
    """All tables."""
    return {
        "winners": [{"group": row.group, **_pairs(row.pairs)} for row in statistics.winners],
        "patterns": [
            {
                "group": row.group,
                "layer": row.layer,
                "same_bits": asdict(row.same_bits),
                "identical": row.identical,
            }
            for row in statistics.patterns
        ],
        "networks": [
            {
                "name": row.name,
                "same_label": row.same_label,
                **_pairs(row.pairs),
                "same_bits": None
                if row.same_bits is None
                else [asdict(summary) for summary in row.same_bits],
            }
            for row in statistics.networks
        ],
        "coefficients": [
            {"class": table.label, "points": table.n, "coefficients": asdict(table.all)}
            for table in statistics.coefficients
        ],
        "shifts": [asdict(row) for row in statistics.shifts],
        "rays": {
            "rays": len(statistics.rays.exact.pattern),
            "unfinished": int(statistics.rays.exact.unfinished.sum()),
            "cells": asdict(Summary.of(statistics.rays.exact.cells)),
            "exact": _changes(statistics.rays.exact),
            "grid": _changes(statistics.rays.grid),
        },
    }


def _pairs(pairs: PairStatistics) -> dict[str, Any]:
    return {
        "pairs": pairs.n,
        "angle": asdict(pairs.angle),
        "distance": asdict(pairs.distance),
        "correlation": asdict(pairs.correlation),
    }


def _changes(changes: RayChanges) -> dict[str, Any]:
    return {
        name: {
            **asdict(Summary.of(distances)),
            "geometric_mean": geometric_mean(distances),
            "never": int(np.isinf(distances).sum()),
        }
        for name, distances in (("pattern", changes.pattern), ("label", changes.label))
    }


def codes_as_json(rows: Sequence[CodeRow]) -> list[dict[str, Any]]:
    """One entry a layer, and one for all units."""
    return [asdict(row) for row in rows]


def write(statistics: TermComparison, folder: Path) -> list[Path]:
    """Write tables and figures into a folder."""
    from cpwl_milp.report.term_plots import draw_pairs, draw_rays, draw_shares
    from cpwl_milp.storage.atomic import write_whole
    from cpwl_milp.storage.npz_files import write_npz

    files = [
        folder / name
        for name in ("statistics.json", "coefficients.npz", "pairs.svg", "growth.svg", "rays.svg")
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(finite(as_json(statistics)), indent=1)
        write_whole(files[0], text.encode())
    except OSError as error:
        raise InputError(str(folder), error.strerror or str(error), "a writable folder") from None
    tables = statistics.coefficients
    names = ("mean", "median", "std", "least", "largest")
    stacked = {name: np.stack([getattr(table, name) for table in tables]) for name in names}
    write_npz(files[1], [{"class": np.array([t.label for t in tables]), **stacked}])
    known, training = statistics.test.known, statistics.training.known
    pairs = {}
    for row in statistics.winners:
        here, there = row.places
        first, second = known.linear[here, 1:], training.linear[there, 1:]
        pairs[row.group] = angles(first, second), np.linalg.norm(first - second, axis=1)
    draw_pairs(files[2], pairs)
    draw_shares(
        files[3],
        {
            report.name: (
                [row.share for row in report.growth],
                [row.agreement for row in report.growth],
                [row.accuracy for row in report.growth],
            )
            for report in (statistics.training, statistics.test)
        },
    )
    rays = statistics.rays
    draw_rays(
        files[4],
        {"exact": rays.exact.pattern, "grid": rays.grid.pattern},
        {"exact": rays.exact.label, "grid": rays.grid.label},
    )
    return files


def show(statistics: TermComparison) -> None:
    """Print tables."""
    from cpwl_milp.report.tables import show_table

    show_table(
        "terms of test points against terms of training points",
        ("pairs", "n", "angle", "mean", "correlation", "distance"),
        [(row.group, *_pair_cells(row.pairs)) for row in statistics.winners],
    )
    show_table(
        "their patterns",
        ("pairs", "layer", "same bits", "least", "identical"),
        [
            (
                row.group,
                str(row.layer),
                number(row.same_bits.mean),
                number(row.same_bits.least),
                number(row.identical),
            )
            for row in statistics.patterns
            if row.same_bits.n
        ],
    )
    if statistics.networks:
        show_table(
            "the same points in other networks",
            ("network", "n", "angle", "mean", "correlation", "distance", "same class"),
            [
                (row.name, *_pair_cells(row.pairs), number(row.same_label))
                for row in statistics.networks
            ],
        )
    show_table(
        "coefficients of terms, by class",
        ("class", "points", "mean", "median", "std", "least", "largest"),
        [
            (
                str(table.label),
                f"{table.n:,}",
                number(table.all.mean),
                number(table.all.median),
                number(table.all.std),
                number(table.all.least),
                number(table.all.largest),
            )
            for table in statistics.coefficients
        ],
    )
    if statistics.shifts:
        show_table(
            "shifted images",
            ("down", "right", "class kept", "extracted", "accuracy", "angle", "moved along"),
            [
                (
                    str(row.down),
                    str(row.right),
                    number(row.same_label),
                    number(row.extracted_same_label),
                    number(row.accuracy),
                    number(row.angle_to_own.median),
                    number(row.angle_to_shifted.median),
                )
                for row in statistics.shifts
            ],
        )
    _show_rays(statistics.rays)


def _show_rays(rays: RayReport) -> None:
    from cpwl_milp.report.tables import show_table

    rows = []
    for name, changes in (("exact", rays.exact), ("grid", rays.grid)):
        for what, row in _changes(changes).items():
            cells = [number(row[key]) for key in ("least", "median", "mean", "geometric_mean")]
            rows.append((what, name, str(row["n"]), *cells, str(row["never"])))
    show_table(
        f"first change along {len(rays.exact.pattern)} random rays",
        ("change", "found", "n", "least", "median", "mean", "geometric", "never"),
        rows,
    )
    given_up = int(rays.exact.unfinished.sum())
    if given_up:
        click.echo(f"{given_up} rays were given up before their class changed: see --ray-cells")


def _pair_cells(pairs: PairStatistics) -> tuple[str, str, str, str, str]:
    return (
        f"{pairs.n:,}",
        number(pairs.angle.median),
        number(pairs.angle.mean),
        number(pairs.correlation.median),
        number(pairs.distance.median),
    )


def show_codes(rows: Sequence[CodeRow]) -> None:
    """Print the table of codes."""
    from cpwl_milp.report.tables import show_table

    show_table(
        "patterns as codes of the training points, tried on the test points",
        ("layer", "bits", "distinct", "redundancy", "seen", "k-NN", "logistic", "k-means"),
        [
            (
                "all" if row.layer is None else str(row.layer),
                f"{row.bits:,}",
                f"{row.distinct:,}",
                number(row.redundancy),
                number(row.seen),
                number(row.neighbours),
                number(row.logistic),
                number(row.clusters),
            )
            for row in rows
        ],
    )
