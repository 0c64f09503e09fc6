"""``estimate``: about how many regions, where they are too many to list."""

from __future__ import annotations

import sys
from dataclasses import replace

import click

from cpwl_milp.cli.arguments.options import (
    SEED,
    bound_option,
    domain_options,
    json_option,
    model_options,
)
from cpwl_milp.cli.arguments.requests import DomainRequest, ModelRequest
from cpwl_milp.cli.output import print_json


@click.command(name="estimate")
@model_options
@domain_options
@bound_option
@click.option(
    "--population",
    type=click.IntRange(min=2),
    default=400,
    show_default=True,
    help="Cells that a probe keeps at every stage; fewer where --max-seconds is short.",
)
@click.option(
    "--probes",
    type=click.IntRange(min=2),
    default=20,
    show_default=True,
    help="Independent probes, whose spread gives the interval.",
)
@click.option(
    "--level",
    type=click.FloatRange(0.5, 0.9999),
    default=0.95,
    show_default=True,
    help="Confidence of the interval and of the lower bound.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=0),
    default=20_000,
    show_default=True,
    help="Random inputs, for the regions seen and the species estimate.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Choose fewer cells and probes so that it takes about as long, and end by then.",
)
@click.option(
    "--xor-trials",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Also bound the count from below by so many mixed-integer programs with random parities.",
)
@click.option(
    "--xor-size",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Units in a parity: larger ones bound better, and are harder.",
)
@click.option(
    "--xor-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="For all programs with parities together.",
)
@click.option(
    "--solver",
    default="highs",
    show_default=True,
    help="Of the programs with parities: highs, or any that Pyomo knows.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of everything random.")
@json_option
def command(
    model: ModelRequest,
    domain: DomainRequest,
    bound_method: str,
    population: int,
    probes: int,
    level: float,
    samples: int,
    max_seconds: float | None,
    xor_trials: int,
    xor_size: int,
    xor_seconds: float,
    solver: str,
    seed: int,
    as_json: bool,
) -> None:
    """Estimate the number of regions of MODEL in a domain.

    Random probes go down the search tree, each with a population of cells; the estimate is
    unbiased, and its interval holds for many probes. Beside it: a lower bound with a stated
    confidence that needs no such assumption (Markov), regions that random inputs fell into with
    the species estimate from them (a heuristic), and bounds that are proven. With --xor-trials
    also a lower bound that knows nothing of the search tree: how often some region has random
    parities (MIPBound).

    \b
    Examples:
      cpwl-milp estimate network.onnx --box -1,1
      cpwl-milp estimate acas.onnx --vnnlib prop_3.vnnlib --max-seconds 30 --json
      cpwl-milp estimate network.onnx --box -1,1 --xor-trials 10
    """
    from cpwl_milp.bounding import pre_activation_bounds
    from cpwl_milp.cli.arguments import domains, question
    from cpwl_milp.cli.estimate import answer
    from cpwl_milp.core.problem import Problem
    from cpwl_milp.estimation import EstimateSettings, estimate_regions
    from cpwl_milp.estimation.parity import ParitySettings, parity_lower_bound
    from cpwl_milp.estimation.species import seen_patterns, species_of

    domains.require_named(domain)
    imported = question.load(model)
    where = domains.resolve(domain, imported)
    question.checked(imported, where, seed)
    problem = Problem.of(imported.network, where)
    bounds = pre_activation_bounds(problem.network, problem.domain, method=bound_method)
    settings = EstimateSettings(population, probes, level, seed, max_seconds)
    found = estimate_regions(problem, bounds, settings, _Told("probes"))
    seen = seen_patterns(problem, bounds, samples, seed) if samples else None
    species = None if seen is None else species_of(seen)
    if species is not None:
        # A sample that is clear of rounding shows a region.
        found = replace(found, proven_lower=max(found.proven_lower, species.seen))
    xors = ParitySettings(xor_trials, xor_size, level, seed, xor_seconds, solver)
    parity = None
    if xor_trials:
        parity = parity_lower_bound(problem, bounds, xors, _Told("trials"), seen)
    if as_json:
        head = {
            "schema": "cpwl-milp/estimate/1",
            "model": question.described(imported),
            "domain": where.describe(),
        }
        beside = {
            "samples": answer.species_json(species),
            "xor_bound": answer.parity_json(parity),
        }
        print_json({**head, **answer.estimate_json(found), **beside})
    else:
        answer.show_estimate(found)
        answer.show_parity(parity)
        answer.show_species(species)
    if found.reason:
        click.get_current_context().exit(3)


class _Told:
    """Progress on a terminal: one line that is written over."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __call__(self, done: int, of: int) -> None:
        if sys.stderr.isatty():
            end = "\n" if done == of else ""
            click.echo(f"\r{done} of {of} {self._what}{end}", err=True, nl=False)
