"""``bounds``: closed-form bounds of the count, every formula by name."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from cpwl_milp.cli.arguments.options import (
    SEED,
    bound_option,
    domain_options,
    json_option,
    model_options,
    rigorous_option,
)
from cpwl_milp.cli.arguments.requests import DomainRequest, ModelRequest
from cpwl_milp.cli.output import print_json, proof_text

if TYPE_CHECKING:
    from cpwl_milp.core.bounds import Bounds
    from cpwl_milp.core.problem import Problem

# For the search of a common zero of many units.
_ZEROS_SECONDS = 5.0


@click.command(name="bounds")
@model_options
@domain_options
@bound_option
@click.option(
    "--samples",
    type=click.IntRange(min=0),
    default=10_000,
    show_default=True,
    help="Random inputs for the lower bound by samples.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the samples.")
@rigorous_option
@json_option
def command(
    model: ModelRequest,
    domain: DomainRequest,
    bound_method: str,
    samples: int,
    seed: int,
    rigorous: bool,
    as_json: bool,
) -> None:
    """Bound the number of regions by every formula.

    Per layer and in all, for MODEL in a domain.

    Formulas marked `architecture` bound the largest count over all weights of these widths, not
    this network's.

    With --rigorous every bound is a theorem: ties of units' bounds with 0 and of samples with
    hyperplanes are settled in rational numbers. The formulas are exact integers anyway.

    \b
    Examples:
      cpwl-milp bounds network.onnx --box -1,1
      cpwl-milp bounds network.onnx --box -1,1 --rigorous
      cpwl-milp bounds acas.onnx --vnnlib prop_3.vnnlib --bounds lp --json
    """
    from cpwl_milp.bounding import pre_activation_bounds
    from cpwl_milp.census.sampled import distinct_patterns
    from cpwl_milp.cli.arguments import domains, question
    from cpwl_milp.core.problem import Problem
    from cpwl_milp.counting import count_bounds
    from cpwl_milp.counting.common_zeros import MANY_INPUTS, common_zeros

    if rigorous and bound_method == "milp":
        raise click.UsageError(
            "--rigorous needs bounds that no solver's tolerance enters: not milp"
        )
    domains.require_named(domain)
    imported = question.load(model)
    where = domains.resolve(domain, imported)
    question.checked(imported, where, seed)
    problem = Problem.of(imported.network, where)
    network = problem.network
    began = time.monotonic()
    pre = pre_activation_bounds(network, problem.domain, method=bound_method)
    proof = None
    if rigorous:
        pre, seen, proof = _proved(problem, pre, samples, seed, began)
    else:
        seen = distinct_patterns(problem, pre, samples, seed) if samples else None
    zeros = None
    if not rigorous and samples and problem.domain.dim >= MANY_INPUTS:
        zeros = common_zeros(problem, pre, time.monotonic() + _ZEROS_SECONDS).counts
    found = count_bounds(
        problem.plain,
        pre.stability(network),
        n_sampled=seen,
        n_zeros=zeros[-1] if zeros else None,
    )
    answer: dict[str, Any] = {
        "schema": "cpwl-milp/bounds/1",
        "model": question.described(imported),
        "domain": where.describe(),
        "lower": found.lower,
        "upper": found.upper,
        "proof": proof,
        "bounds": [
            {
                "name": bound.name,
                "kind": bound.kind,
                "of": bound.of,
                "value": bound.value,
                "log10": bound.log10,
                "source": bound.source,
                "reason": bound.reason,
            }
            for bound in found.bounds
        ],
        "layers": [
            {
                "layer": layer.layer,
                "units": layer.units,
                "always_active": layer.always_active,
                "always_inactive": layer.always_inactive,
                "unstable": layer.unstable,
                "upper_bound": layer.prefix_upper,
                "upper_bound_name": layer.prefix_name,
                "own_upper_bound": layer.own_upper,
            }
            for layer in found.layers
        ],
    }
    if as_json:
        print_json(answer)
    else:
        _show(answer)


def _proved(
    problem: Problem, pre: Bounds, samples: int, seed: int, began: float
) -> tuple[Bounds, int | None, dict[str, Any]]:
    """Bounds with ties settled, proved samples (None if none were asked for), and the account."""
    from cpwl_milp.census.proved_fates import proved_fates
    from cpwl_milp.census.proved_samples import ProvedSamples, proved_samples

    fates = proved_fates(problem.network, problem.domain, pre)
    seen = ProvedSamples(0, 0, 0)
    if samples:
        seen = proved_samples(problem, fates.bounds, samples, seed)
    account = {
        "complete": True,
        "reason": "",
        "decisions_float": fates.floats + seen.floats,
        "decisions_extended": 0,
        "decisions_rational": fates.rationals + seen.rationals,
        "seconds": round(time.monotonic() - began, 3),
    }
    return fates.bounds, seen.regions if samples else None, account


def _show(answer: dict[str, Any]) -> None:
    from cpwl_milp.report.tables import bracket_text, count_text, show_table

    click.echo(f"regions: {bracket_text(answer['lower'], answer['upper'])}")
    if answer["proof"] is not None:
        click.echo(proof_text(answer["proof"]))
    show_table(
        "bounds",
        ("name", "kind", "of", "value", "log10", "remark"),
        [
            (
                bound["name"],
                bound["kind"],
                bound["of"],
                count_text(bound["value"]),
                "-" if bound["log10"] is None else f"{bound['log10']:.2f}",
                bound["reason"],
            )
            for bound in answer["bounds"]
        ],
    )
    show_table(
        "per layer",
        ("layer", "units", "active", "inactive", "unstable", "prefix at most", "by", "own at most"),
        [
            (
                str(layer["layer"]),
                str(layer["units"]),
                str(layer["always_active"]),
                str(layer["always_inactive"]),
                str(layer["unstable"]),
                count_text(layer["upper_bound"]),
                layer["upper_bound_name"],
                count_text(layer["own_upper_bound"]),
            )
            for layer in answer["layers"]
        ],
    )
