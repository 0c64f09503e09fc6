"""``count``: how many regions."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from cpwl_milp.cli.arguments.conditions import ConditionRequest, condition_options
from cpwl_milp.cli.arguments.options import (
    cluster_option,
    domain_options,
    engine_options,
    jobs_option,
    json_option,
    limit_options,
    model_options,
    rigorous_option,
)
from cpwl_milp.cli.arguments.requests import (
    DomainRequest,
    EngineRequest,
    LimitRequest,
    ModelRequest,
)
from cpwl_milp.cli.output import print_json
from cpwl_milp.core.errors import InputError

if TYPE_CHECKING:
    from cpwl_milp.core.problem import Problem
    from cpwl_milp.estimation import RegionEstimate

# Of the time given: for an estimate where the count does not end.
_ESTIMATE_SHARE = 0.2
# An estimate needs time for so many regions, at the rate of the search.
_LEAST_REGIONS = 2_000


@click.command(name="count")
@model_options
@domain_options
@condition_options
@engine_options
@limit_options
@jobs_option
@cluster_option
@click.option(
    "--scope",
    default="all",
    show_default=True,
    metavar="all|prefix:L|own:L",
    help="Count the patterns of all layers, of layers 1..L, or of layer L alone (L may be `last`).",
)
@click.option(
    "--linear-regions",
    "linear",
    is_flag=True,
    help="Also count linear regions and distinct affine maps of the output.",
)
@rigorous_option
@json_option
def command(
    model: ModelRequest,
    domain: DomainRequest,
    condition: ConditionRequest,
    engine: EngineRequest,
    limits: LimitRequest,
    jobs: int,
    cluster: str | None,
    scope: str,
    linear: bool,
    rigorous: bool,
    as_json: bool,
) -> None:
    """Count regions: exactly, or as a bracket.

    A region is a proper activation region: a pattern of all hidden units whose cell has an
    interior and meets the domain's. Per layer, `prefix` counts the regions of layers 1..l and
    `own` the distinct patterns of layer l alone. Where --max-seconds ends the count, it closes
    with an estimate between the proven bounds (see `estimate`).

    With --class, --where or --pattern only the regions count that meet the condition: that have the
    bits, and whose part where the inequalities hold has an interior.

    \b
    Examples:
      cpwl-milp count network.onnx --box -1,1
      cpwl-milp count network.onnx --box -1,1 --rigorous
      cpwl-milp count acas.onnx --vnnlib prop_3.vnnlib --max-seconds 60 --json
      cpwl-milp count network.onnx --box -1,1 --class 2 --where "y2 - y0 > 0.5"
    """
    from cpwl_milp.census import CountSettings, count_own_patterns, count_regions
    from cpwl_milp.cli.arguments import domains, question, workers
    from cpwl_milp.cli.count import answer
    from cpwl_milp.core.problem import Problem
    from cpwl_milp.engines.choice import chosen_engine
    from cpwl_milp.enumeration.progress import progress_on

    domains.require_named(domain)
    kind, layer = _parsed(scope)
    if linear and kind != "all":
        raise click.UsageError("--linear-regions needs --scope all")
    if rigorous and kind == "own":
        raise click.UsageError("--rigorous needs --scope all or prefix:L")
    if condition.given:
        _require_whole(kind, linear=linear, rigorous=rigorous, limits=limits)
    imported = question.load(model)
    where = domains.resolve(domain, imported)
    question.checked(imported, where, engine.seed)
    if condition.given:
        from cpwl_milp.cli.count.conditioned import count_and_show

        count_and_show(imported, where, condition, engine, limits, jobs, cluster, as_json=as_json)
        return
    problem = Problem.of(imported.network, where)
    n_layers = len(problem.network.layers)
    layer = layer or n_layers
    if kind != "all" and not 1 <= layer <= n_layers:
        raise InputError("--scope", f"layer {layer}", f"one of the {n_layers} hidden layers")
    began = time.monotonic()
    limit = limits.limits()
    if kind != "own" and limit.max_seconds is not None:
        limit = replace(limit, max_seconds=(1 - _ESTIMATE_SHARE) * limit.max_seconds)
    searched = "milp" if kind == "own" else chosen_engine(problem, engine.settings())
    who = workers.searchers(searched, jobs, cluster)
    settings = CountSettings(engine.settings(), limit, engine.bound_method, linear, who, rigorous)
    progress = progress_on(sys.stderr)
    if kind == "own":
        count = count_own_patterns(problem, layer, settings, progress)
    else:
        problem = problem.truncated(layer) if kind == "prefix" else problem
        count = count_regions(problem, settings, progress)
    estimate = None
    if kind != "own" and count.reason == "max-seconds" and limits.max_seconds is not None:
        left = limits.max_seconds - (time.monotonic() - began)
        if count.found * left > _LEAST_REGIONS * count.seconds:
            estimate = _estimated(problem, engine, left)
        else:
            click.echo("note: no estimate: the search is too slow on this network", err=True)
    scoped = kind if kind == "all" else f"{kind}:{layer}"
    if as_json:
        print_json(
            answer.as_json(count, estimate, scoped, question.described(imported), where.describe())
        )
    else:
        answer.show(count, estimate, scoped)
    unseen = linear and count.linear_regions is None
    if unseen:
        why = "interrupted" if count.complete else "that needs all regions listed"
        click.echo(f"note: linear regions are not counted: {why}", err=True)
    if unseen or not count.complete:
        click.get_current_context().exit(3)


def _require_whole(kind: str, *, linear: bool, rigorous: bool, limits: LimitRequest) -> None:
    """Stop where a condition does not go with what else was asked."""
    for given, option in (
        (kind != "all", "--scope other than all (see the layers of the answer)"),
        (linear, "--linear-regions"),
        (rigorous, "--rigorous"),
        (limits.max_per_layer is not None, "--max-per-layer"),
    ):
        if given:
            raise click.UsageError(f"--class, --where and --pattern do not go with {option}")


def _estimated(problem: Problem, engine: EngineRequest, seconds: float) -> RegionEstimate | None:
    """The estimate that closes a bracket, where one can be had in time."""
    from cpwl_milp.bounding import pre_activation_bounds
    from cpwl_milp.core.errors import CpwlError
    from cpwl_milp.estimation import EstimateSettings, estimate_regions

    began = time.monotonic()
    bounds = pre_activation_bounds(
        problem.network,
        problem.domain,
        method=engine.bound_method,
        deadline=began + _ESTIMATE_SHARE * seconds,
    )
    seconds -= time.monotonic() - began
    settings = EstimateSettings(seed=engine.seed, max_seconds=max(0.01, seconds))
    try:
        return estimate_regions(problem, bounds, settings)
    except CpwlError as error:
        click.echo(f"note: no estimate: {error.found}", err=True)
        return None


def _parsed(scope: str) -> tuple[str, int]:
    """Kind and layer of a scope; layer 0 stands for the last one."""
    kind, _, layer = scope.partition(":")
    if scope == "all":
        return "all", 0
    if kind in ("own", "prefix"):
        if layer == "last":
            return kind, 0
        if layer.isascii() and layer.isdigit() and int(layer) > 0:
            return kind, int(layer)
    raise click.BadParameter(
        f"{scope!r} is not all, prefix:L or own:L with L from 1", param_hint="--scope"
    )
