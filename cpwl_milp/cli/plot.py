"""``plot``: the regions of a two-dimensional box as a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from cpwl_milp.cli.options import (
    domain_options,
    engine_options,
    json_option,
    limit_options,
    model_options,
)
from cpwl_milp.cli.output import print_json
from cpwl_milp.cli.requests import DomainRequest, EngineRequest, LimitRequest, ModelRequest


@click.command(name="plot")
@model_options
@domain_options
@click.option(
    "-o",
    "--output-file",
    "file",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="A .png or .svg file.",
)
@click.option("--data", metavar="FILE", help="Samples to draw on top (.npy, .npz or .csv).")
@click.option("--labels", metavar="FILE", help="Their classes, as colours.")
@engine_options
@limit_options
@json_option
def command(
    model: ModelRequest,
    domain: DomainRequest,
    file: Path,
    data: str | None,
    labels: str | None,
    engine: EngineRequest,
    limits: LimitRequest,
    as_json: bool,
) -> None:
    """Draw the regions of a two-dimensional box.

    Each region gets a colour of its pattern; the areas of all polygons are added up and held
    against the box's.

    \b
    Examples:
      cpwl-milp plot network.onnx --box -1,1 -o regions.png
      cpwl-milp plot moons.onnx --box -2,3 --data X.npy --labels y.npy -o moons.svg
    """
    from cpwl_milp.cli import checks, domains, question
    from cpwl_milp.core.errors import DomainError, InputError
    from cpwl_milp.core.problem import Problem
    from cpwl_milp.enumeration.listing import list_regions
    from cpwl_milp.enumeration.progress import progress_on
    from cpwl_milp.partition.polygons import region_polygons
    from cpwl_milp.report.region_plot import FORMATS, draw_regions

    domains.require_named(domain)
    checks.require_place_for(file)
    if file.suffix.lower() not in FORMATS:
        raise InputError(str(file), f"ending {file.suffix!r}", "a .png or .svg file")
    imported = question.load(model)
    where = domains.resolve(domain, imported)
    problem = Problem.of(imported.network, where)
    if problem.domain.dim != 2:
        raise DomainError(
            where.box.origin,
            f"{problem.domain.dim} inputs vary",
            "2",
            "fix the others in a box file with equal lower and upper bounds",
        )
    question.checked(imported, where, engine.seed)
    points, classes = question.samples_of(imported, data, labels)
    regions, outcome = list_regions(
        problem,
        engine.settings(),
        bound_method=engine.bound_method,
        limits=limits.limits(),
        progress=progress_on(sys.stderr),
    )
    polygons = region_polygons(problem.network, problem.domain.box, regions.patterns)
    share = float(polygons.areas().sum() / (4 * problem.domain.box.half_widths.prod()))
    count = f"{len(regions):,} regions" + ("" if outcome.complete else " so far")
    draw_regions(
        file,
        polygons,
        regions.patterns,
        problem.domain.box,
        axis_names=question.input_names(imported, where.box.free),
        title=f"{Path(imported.path).name}: {count}",
        points=None if points is None else problem.project(points[where.contains(points)]),
        classes=None if points is None or classes is None else classes[where.contains(points)],
    )
    answer: dict[str, Any] = {
        "schema": "cpwl-milp/plot/1",
        "model": question.described(imported),
        "domain": where.describe(),
        "file": str(file),
        "regions": len(regions),
        "complete": outcome.complete,
        "reason": outcome.reason,
        "area_share": share,
    }
    if as_json:
        print_json(answer)
    else:
        click.echo(f"{count} drawn to {file}; their areas add up to {share:.12g} of the box")
    if not outcome.complete:
        click.get_current_context().exit(3)
    if abs(share - 1.0) > 1e-6:
        question.fail_check("plot", f"areas add up to {share:.12g} of the box", "1")
