"""``maximum``: the largest output, margin or slope on a domain, and where."""

from __future__ import annotations

import math
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
    from cpwl_milp.questions import LipschitzConstant, Maximum

# Up to so many inputs regions are listed rather than a program solved, where nothing is said.
_FEW_INPUTS = 3


@click.command(name="maximum")
@model_options
@domain_options
@click.option("--of", "text", metavar="SUM", help="Outputs, as y0 or 'y0 - 2*y1' (default: y0).")
@click.option(
    "--margin",
    type=click.IntRange(min=0),
    metavar="K",
    help="By how much output K is larger than all others.",
)
@click.option(
    "--lipschitz",
    type=click.Choice(["1", "2", "inf"]),
    help="The Lipschitz constant in this norm.",
)
@click.option(
    "--by",
    type=click.Choice(["auto", "regions", "program"]),
    default="auto",
    show_default=True,
    help="A linear program on each region, or one mixed-integer program.",
)
@condition_options
@engine_options
@limit_options
@jobs_option
@json_option
def command(
    model: ModelRequest,
    domain: DomainRequest,
    text: str | None,
    margin: int | None,
    lipschitz: str | None,
    by: str,
    condition: ConditionRequest,
    engine: EngineRequest,
    limits: LimitRequest,
    jobs: int,
    as_json: bool,
) -> None:
    """Find the largest value of an output, of a margin, or of the slope, and where it is attained.

    `value` is the network at `point`, in float64; `upper` is what no input exceeds. The minimum of
    y0 is minus the maximum of --of -y0; with --margin K a negative maximum says that K is never
    the largest output.

    \b
    Examples:
      cpwl-milp maximum network.onnx --box -1,1 --of "y0 - y1"
      cpwl-milp maximum classifier.onnx --box -1,1 --margin 3 --where "x0 > 0.5"
      cpwl-milp maximum network.onnx --box -1,1 --lipschitz 2
    """
    from cpwl_milp.census import CountSettings
    from cpwl_milp.cli.arguments import domains, question
    from cpwl_milp.enumeration.progress import progress_on
    from cpwl_milp.questions import (
        Objective,
        lipschitz_constant,
        maximum_by_program,
        maximum_over_regions,
    )

    domains.require_named(domain)
    _require_one(text, margin, lipschitz, by, condition, limits)
    imported = question.load(model)
    where = domains.resolve(domain, imported)
    question.checked(imported, where, engine.seed)
    network = imported.network
    asked = condition.resolved(network)
    settings = CountSettings(engine.settings(), limits.limits(), engine.bound_method, jobs=jobs)
    progress = progress_on(sys.stderr)
    found: Maximum | LipschitzConstant
    if lipschitz is not None:
        name = f"Lipschitz constant in the {lipschitz}-norm"
        found = lipschitz_constant(network, where, lipschitz, asked, settings, progress)
    else:
        if margin is not None:
            objective = Objective.margin(margin, network.n_outputs)
        else:
            objective = Objective.of(text or "y0", network.n_outputs)
        name = objective.name
        if by == "auto":
            few = where.box.free.size <= _FEW_INPUTS
            by = "regions" if few or condition.given else "program"
        if by == "regions":
            found = maximum_over_regions(network, where, objective, asked, settings, progress)
        else:
            found = maximum_by_program(network, where, objective, settings)
    answer = _as_json(name, found)
    if as_json:
        from cpwl_milp.core.versions import versions

        print_json(
            {
                "schema": "cpwl-milp/maximum/1",
                "model": question.described(imported),
                "domain": where.describe(),
                "condition": asked.to_json() if asked else None,
                **answer,
                "versions": versions(),
            }
        )
    else:
        _show(answer)
    if not found.complete:
        click.get_current_context().exit(3)


def _require_one(
    text: str | None,
    margin: int | None,
    lipschitz: str | None,
    by: str,
    condition: ConditionRequest,
    limits: LimitRequest,
) -> None:
    given = [
        option
        for option, value in (("--of", text), ("--margin", margin), ("--lipschitz", lipschitz))
        if value is not None
    ]
    if len(given) > 1:
        raise click.UsageError(f"give one: {' and '.join(given)} exclude each other")
    if by == "program" and (lipschitz is not None or condition.given):
        raise click.UsageError("--by program goes with --of and --margin, without conditions")
    if limits.max_per_layer is not None:
        raise click.UsageError("--max-per-layer does not go with maximum")


def _as_json(name: str, found: Maximum | LipschitzConstant) -> dict[str, Any]:
    from cpwl_milp.questions import Maximum

    upper = found.upper if isinstance(found, Maximum) else found.value
    nothing = found.point is None
    return {
        "of": name,
        "complete": found.complete,
        "reason": found.reason,
        "value": None if nothing else found.value,
        "upper": upper if not nothing and (found.complete or isinstance(found, Maximum)) else None,
        "point": None if found.point is None else found.point.tolist(),
        "by": found.by if isinstance(found, Maximum) else "regions",
        "regions": found.regions,
        "programs": found.programs if isinstance(found, Maximum) else 0,
        "seconds": round(found.seconds, 3),
    }


def _show(answer: dict[str, Any]) -> None:
    if answer["point"] is None:
        nothing = "no input is asked about" if answer["complete"] else "nothing found"
        click.echo(f"{answer['of']}: {nothing}")
    else:
        point = ", ".join(f"{value:g}" for value in (answer["point"] or [])[:8])
        more = ", ..." if len(answer["point"] or []) > 8 else ""
        click.echo(f"{answer['of']}: {answer['value']:.9g} at ({point}{more})")
    if answer["upper"] is not None and math.isfinite(answer["upper"]):
        click.echo(f"no input exceeds {answer['upper']:.9g}")
    if not answer["complete"]:
        click.echo(f"incomplete: {answer['reason'].removeprefix('unresolved: ')}")
    click.echo(
        f"by {answer['by']}: {answer['regions']:,} regions, {answer['programs']:,} programs; "
        f"{answer['seconds']:.2f} s"
    )
