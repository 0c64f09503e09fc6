"""``boundary``: how many pieces the decision boundary has."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from cpwl_milp.cli.arguments.conditions import ConditionRequest, condition_options
from cpwl_milp.cli.arguments.options import (
    domain_options,
    engine_options,
    jobs_option,
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
    from cpwl_milp.questions import Boundary


def _pair(
    ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[int, int], ...]:
    found = []
    for value in values:
        parts = value.split(",")
        if len(parts) != 2 or not all(part.isascii() and part.isdigit() for part in parts):
            raise click.BadParameter(f"{value!r} is not of the form I,J, two outputs from 0")
        found.append((int(parts[0]), int(parts[1])))
    return tuple(found)


@click.command(name="boundary")
@model_options
@domain_options
@click.option(
    "--pair",
    "pairs",
    multiple=True,
    metavar="I,J",
    callback=_pair,
    help="Only the boundary between outputs I and J (from 0).",
)
@click.option(
    "--level",
    type=float,
    default=0.0,
    show_default=True,
    help="Of a model with one output: its pieces where the output is equal to this.",
)
@condition_options
@engine_options
@limit_options
@jobs_option
@json_option
def command(
    model: ModelRequest,
    domain: DomainRequest,
    pairs: tuple[tuple[int, int], ...],
    level: float,
    condition: ConditionRequest,
    engine: EngineRequest,
    limits: LimitRequest,
    jobs: int,
    as_json: bool,
) -> None:
    """Count the pieces of the decision boundary: regions on which two outputs tie and lead.

    A region holds a piece between I and J iff the two are equal, and larger than all other outputs,
    on a part of it of one dimension less, and each of them is the larger on one side.
    --max-seconds is for all pairs together.

    \b
    Examples:
      cpwl-milp boundary classifier.onnx --box -1,1
      cpwl-milp boundary classifier.onnx --box -1,1 --pair 3,8 --where "x0 > 0.5"
      cpwl-milp boundary score.onnx --box -1,1 --level 0.5
    """
    from cpwl_milp.census import CountSettings
    from cpwl_milp.cli.arguments import domains, question
    from cpwl_milp.enumeration.progress import progress_on
    from cpwl_milp.questions import boundary_pieces

    domains.require_named(domain)
    if condition.class_ is not None:
        raise click.UsageError(
            "no class is larger than all others where two tie: leave --class out"
        )
    if limits.max_per_layer is not None:
        raise click.UsageError("--max-per-layer does not go with boundary")
    imported = question.load(model)
    where = domains.resolve(domain, imported)
    question.checked(imported, where, engine.seed)
    asked = condition.resolved(imported.network)
    found = boundary_pieces(
        imported.network,
        where,
        pairs or None,
        level=level,
        condition=asked,
        settings=CountSettings(engine.settings(), limits.limits(), engine.bound_method, jobs=jobs),
        progress=progress_on(sys.stderr),
    )
    if as_json:
        from cpwl_milp.core.versions import versions

        print_json(
            {
                "schema": "cpwl-milp/boundary/1",
                "model": question.described(imported),
                "domain": where.describe(),
                "condition": asked.to_json() if asked else None,
                **_as_json(found),
                "versions": versions(),
            }
        )
    else:
        _show(found)
    if not found.complete:
        click.get_current_context().exit(3)


def _as_json(found: Boundary) -> dict[str, Any]:
    return {
        "definition": "regions with a part of one dimension less on which the outputs tie and "
        "lead (or one is equal to the level), each of them larger on one side",
        "complete": found.complete,
        "reason": found.reason,
        "pieces": found.pieces.lower,
        "lower": found.pieces.lower,
        "upper": found.pieces.upper,
        "parts": [
            {
                "outputs": list(part.outputs),
                "level": part.level,
                "pieces": part.pieces.lower,
                "lower": part.pieces.lower,
                "upper": part.pieces.upper,
                "complete": not part.reason,
                "reason": part.reason,
                "engine": part.engine,
                "seconds": round(part.seconds, 3),
            }
            for part in found.parts
        ],
        "seconds": round(found.seconds, 3),
    }


def _show(found: Boundary) -> None:
    from cpwl_milp.report.tables import bracket_text, show_table

    count = bracket_text(found.pieces.lower, found.pieces.upper)
    how = "exact" if found.complete else f"incomplete: {found.reason.removeprefix('unresolved: ')}"
    click.echo(f"{count} boundary pieces ({how})")
    show_table(
        "per pair of outputs" if len(found.parts[0].outputs) == 2 else "level set",
        ("outputs", "pieces", "engine", "time"),
        [
            (
                ", ".join(map(str, part.outputs)),
                bracket_text(part.pieces.lower, part.pieces.upper),
                part.engine,
                f"{part.seconds:.2f} s",
            )
            for part in found.parts
        ],
    )
    click.echo(f"{found.seconds:.2f} s")
