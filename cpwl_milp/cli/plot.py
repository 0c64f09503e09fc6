"""``plot``: the regions of a two-dimensional domain as a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cpwl_milp.cli.arguments.options import (
    domain_options,
    engine_options,
    json_option,
    limit_options,
    model_options,
)
from cpwl_milp.cli.arguments.requests import (
    DomainRequest,
    EngineRequest,
    LimitRequest,
    ModelRequest,
)
from cpwl_milp.cli.output import print_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cpwl_milp.core.domain import Domain
    from cpwl_milp.core.pattern import Packed
    from cpwl_milp.core.problem import Problem
    from cpwl_milp.onnx_io import ImportedModel
    from cpwl_milp.partition.outlines import Outline
    from cpwl_milp.partition.polygons import Polygons
    from cpwl_milp.partition.wide_polygons import WidePolygons
    from cpwl_milp.report.region_plot import RegionPicture


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
@click.option(
    "--colour",
    type=click.Choice(["pattern", "class", "layer", "mass"]),
    default="pattern",
    show_default=True,
    help="Fill by pattern, by output class or by the share of --data's samples, or draw each line "
    "in the colour of its unit's layer.",
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
    colour: str,
    data: str | None,
    labels: str | None,
    engine: EngineRequest,
    limits: LimitRequest,
    as_json: bool,
) -> None:
    """Draw the regions of a two-dimensional domain.

    A box of two inputs (or with all but two fixed), a polytope or ball of two, or a plane through
    any: its own coordinates run from the first point to the second. Each region gets a colour of
    its pattern, or its part of each class the class's (the largest output; the sign of a single
    one). The areas of all polygons are added up and held against the domain's.

    \b
    Examples:
      cpwl-milp plot network.onnx --box -1,1 -o regions.png
      cpwl-milp plot moons.onnx --box -2,3 --data X.npy --labels y.npy -o moons.svg
      cpwl-milp plot moons.onnx --box -2,3 --data X.npy --colour mass -o mass.svg
      cpwl-milp plot mnist.onnx --box 0,1 --plane X.npy:3,17,42 --colour class -o plane.png
    """
    from cpwl_milp.bounding import pre_activation_bounds
    from cpwl_milp.cli.arguments import checks, domains, question
    from cpwl_milp.core.errors import InputError
    from cpwl_milp.core.problem import Problem
    from cpwl_milp.enumeration.listing import list_regions
    from cpwl_milp.enumeration.progress import progress_on
    from cpwl_milp.partition.outlines import outline_of
    from cpwl_milp.partition.polygons import region_polygons
    from cpwl_milp.partition.wide_polygons import wide_polygons
    from cpwl_milp.report.region_plot import FORMATS, draw_regions

    domains.require_named(domain)
    if colour == "mass" and data is None:
        raise click.UsageError("--colour mass needs --data")
    checks.require_place_for(file)
    if file.suffix.lower() not in FORMATS:
        raise InputError(str(file), f"ending {file.suffix!r}", "a .png or .svg file")
    imported = question.load(model)
    where = domains.resolve(domain, imported)
    problem = Problem.of(imported.network, where)
    outline = outline_of(problem.domain)
    question.checked(imported, where, engine.seed)
    points, classes = question.samples_of(imported, data, labels)
    bounds = pre_activation_bounds(problem.network, problem.domain, method=engine.bound_method)
    regions, outcome = list_regions(
        problem,
        engine.settings(),
        bounds=bounds,
        limits=limits.limits(),
        progress=progress_on(sys.stderr),
    )
    wide = wide_polygons(problem, bounds, regions.patterns)
    if wide is None:
        polygons = region_polygons(problem.network, outline, regions.patterns)
    else:
        polygons = wide.polygons
    share = float(polygons.areas(outline.disc).sum() / outline.area)
    count = f"{len(regions):,} regions" + ("" if outcome.complete else " so far")
    shown = None if points is None else where.contains(points)
    samples = None
    if colour == "mass":
        assert points is not None
        counts = _counts(problem, points[shown], regions.patterns, complete=outcome.complete)
        samples = (counts, len(points))
    picture = _picture(
        problem,
        polygons,
        outline,
        regions.patterns,
        colour,
        wide,
        samples,
        axis_names=_axes(imported, where),
        title=f"{Path(imported.path).name}: {count}",
        points=None if points is None else problem.project(points[shown]),
        classes=None if classes is None else classes[shown],
    )
    draw_regions(file, picture)
    answer: dict[str, Any] = {
        "schema": "cpwl-milp/plot/1",
        "model": question.described(imported),
        "domain": where.describe(),
        "file": str(file),
        "colour": colour,
        "regions": len(regions),
        "complete": outcome.complete,
        "reason": outcome.reason,
        "area_share": share,
    }
    if as_json:
        print_json(answer)
    else:
        click.echo(f"{count} drawn to {file}; their areas add up to {share:.12g} of the domain")
    if not outcome.complete:
        click.get_current_context().exit(3)
    if abs(share - 1.0) > 1e-6:
        question.fail_check("plot", f"areas add up to {share:.12g} of the domain", "1")


def _picture(
    problem: Problem,
    polygons: Polygons,
    outline: Outline,
    patterns: Packed,
    colour: str,
    wide: WidePolygons | None,
    samples: tuple[NDArray[np.int64], int] | None,
    **words: Any,
) -> RegionPicture:
    """Polygons with their colours; `samples` holds those in each region, and how many in all."""
    import numpy as np

    from cpwl_milp.partition.polygons import class_polygons
    from cpwl_milp.report import region_plot as plot

    if colour == "class":
        if wide is not None:
            polygons, winners = class_polygons(wide.network, polygons, wide.patterns)
        else:
            polygons, winners = class_polygons(problem.network, polygons, patterns)
        legend = {
            f"class {k}": tuple(plot.class_colours(np.array([k]))[0]) for k in np.unique(winners)
        }
        fills = plot.class_colours(winners)
        return plot.RegionPicture(polygons, outline, fills, None, legend=legend, **words)
    if colour == "layer":
        offsets = np.asarray(problem.network.offsets)
        layers = np.where(
            _active_sides(polygons, patterns),
            np.searchsorted(offsets, polygons.sides, side="right"),
            0,
        )
        there = np.unique(layers[layers > 0])
        colours = plot.layer_colours(there)
        legend = {f"layer {k}": tuple(c) for k, c in zip(there, colours, strict=True)}
        fills = np.zeros((0, 3))
        return plot.RegionPicture(polygons, outline, fills, layers, legend=legend, **words)
    if samples is not None:
        # Samples on top would hide what the colours say.
        words |= {"points": None, "classes": None}
        fills, scale = plot.mass_colours(*samples)
        return plot.RegionPicture(polygons, outline, fills, None, scale=scale, **words)
    fills = plot.pattern_colours(patterns)
    return plot.RegionPicture(polygons, outline, fills, None, **words)


def _counts(
    problem: Problem, inside: NDArray[np.generic], patterns: Packed, *, complete: bool
) -> NDArray[np.int64]:
    """How many of the samples in the domain lie in each listed region."""
    import numpy as np

    from cpwl_milp.partition.mass import RegionJoin
    from cpwl_milp.partition.samples import sample_patterns

    if not len(inside):
        return np.zeros(len(patterns), dtype=np.int64)
    rows = problem.project(np.asarray(inside, dtype=np.float64))
    join = RegionJoin(sample_patterns(problem.network, rows))
    counts = join.masses(patterns).counts
    join.finish(complete=complete)
    return counts


def _active_sides(polygons: Polygons, patterns: Packed) -> NDArray[np.bool_]:
    """Edges on the zero set of a unit that is active in the polygon: one of each edge's two."""
    import numpy as np

    inner = polygons.sides >= 0
    owners = np.repeat(polygons.regions, np.diff(polygons.starts))[inner]
    units = polygons.sides[inner]
    found = np.zeros(len(inner), dtype=np.bool_)
    found[inner] = patterns[owners, units >> 3] >> (units & 7).astype(np.uint8) & 1
    return found


def _axes(model: ImportedModel, where: Domain) -> list[str]:
    """What the two coordinates are."""
    from cpwl_milp.cli.arguments.question import input_names
    from cpwl_milp.core.domains import Slice

    if isinstance(where, Slice):
        return ["along the first direction", "across it"]
    return input_names(model, where.box.free)
