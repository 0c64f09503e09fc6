"""``estimate``: about how many regions, where they are too many to list."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from cpwl_milp.estimation import RegionEstimate
    from cpwl_milp.estimation.intervals import Interval
    from cpwl_milp.estimation.species import Species


@click.command(name="estimate")
@model_options
@domain_options
@bound_option
@click.option(
    "--population",
    type=click.IntRange(min=2),
    default=500,
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
    seed: int,
    as_json: bool,
) -> None:
    """Estimate the number of regions of MODEL in a domain.

    Random probes go down the search tree, each with a population of cells; the estimate is
    unbiased, and its interval holds for many probes. Beside it: a lower bound with a stated
    confidence that needs no such assumption (Markov), regions that random inputs fell into with
    the species estimate from them (a heuristic), and bounds that are proven.

    \b
    Examples:
      cpwl-milp estimate network.onnx --box -1,1
      cpwl-milp estimate acas.onnx --vnnlib prop_3.vnnlib --max-seconds 30 --json
    """
    from cpwl_milp.bounding import pre_activation_bounds
    from cpwl_milp.cli.arguments import domains, question
    from cpwl_milp.core.problem import Problem
    from cpwl_milp.estimation import EstimateSettings, estimate_regions
    from cpwl_milp.estimation.species import seen_species

    domains.require_named(domain)
    imported = question.load(model)
    where = domains.resolve(domain, imported)
    question.checked(imported, where, seed)
    problem = Problem.of(imported.network, where)
    bounds = pre_activation_bounds(problem.network, problem.domain, method=bound_method)
    settings = EstimateSettings(population, probes, level, seed, max_seconds)
    found = estimate_regions(problem, bounds, settings, _Told())
    species = seen_species(problem, bounds, samples, seed) if samples else None
    if species is not None:
        # A sample that is clear of rounding shows a region.
        found = replace(found, proven_lower=max(found.proven_lower, species.seen))
    if as_json:
        head = {
            "schema": "cpwl-milp/estimate/1",
            "model": question.described(imported),
            "domain": where.describe(),
        }
        print_json({**head, **estimate_json(found), "samples": _species_json(species)})
    else:
        show_estimate(found)
        _show_species(species)
    if found.reason:
        click.get_current_context().exit(3)


class _Told:
    """Progress on a terminal: one line that is written over."""

    def __call__(self, done: int, of: int) -> None:
        if sys.stderr.isatty():
            end = "\n" if done == of else ""
            click.echo(f"\r{done} of {of} probes{end}", err=True, nl=False)


def estimate_json(found: RegionEstimate) -> dict[str, Any]:
    """What `estimate` answers, and `count` where it ends with a bracket."""
    from cpwl_milp.core.versions import versions

    return {
        "complete": found.exact,
        "reason": found.reason,
        "estimate": {
            **_interval_json(found.regions),
            "level": found.level,
            "method": "stochastic enumeration",
            "promise": "the count" if found.exact else "unbiased; the interval is asymptotic",
        },
        "lower_bound": {
            "log10": found.lower,
            "level": found.level,
            "method": "markov",
            "promise": "one-sided with this confidence",
        },
        "lower": found.proven_lower,
        "upper": found.proven_upper,
        "layers": [
            {"layer": layer.layer, "prefix_regions": _interval_json(layer.regions)}
            for layer in found.layers
        ],
        "population": found.population,
        "probes": found.probes,
        "stages": found.stages,
        "seconds": round(found.seconds, 3),
        "versions": versions(),
    }


def _interval_json(interval: Interval) -> dict[str, Any]:
    return {
        "value": interval.value,
        "log10": interval.log10,
        "log10_interval": [interval.low, interval.high],
        "relative_spread": interval.spread,
    }


def _species_json(species: Species | None) -> dict[str, Any] | None:
    if species is None:
        return None
    return {
        "n_samples": species.n_samples,
        "seen": species.seen,
        "chao1": species.chao1,
        "missing_mass": species.missing_mass,
        "promise": "heuristic",
    }


def headline(found: RegionEstimate) -> str:
    """The estimate in one line."""
    interval = f"{100 * found.level:g} % interval {_ends(found.regions)}"
    return f"about {_text(found.regions)} regions ({interval})"


def show_estimate(found: RegionEstimate) -> None:
    """The estimate for people."""
    from cpwl_milp.report.tables import bracket_text, show_table

    if found.exact:
        click.echo(f"{found.proven_lower:,} regions (all cells were kept: nothing is estimated)")
        return
    what = f"{100 * found.level:g} %"
    click.echo(headline(found))
    if found.lower is not None:
        click.echo(f"more than {_number(found.lower)} with {what} confidence (Markov)")
    click.echo(f"proven: {bracket_text(found.proven_lower, found.proven_upper)}")
    show_table(
        "per layer",
        ("layer", "prefix regions", f"{what} interval"),
        [(str(k.layer), _text(k.regions), _ends(k.regions)) for k in found.layers],
    )
    click.echo(
        f"{found.probes} probes of {found.population} cells at {found.stages} stages, "
        f"{found.seconds:.2f} s"
    )
    if found.reason:
        click.echo(f"note: fewer probes than asked for: {found.reason}", err=True)


def _show_species(species: Species | None) -> None:
    if species is not None:
        click.echo(
            f"{species.n_samples:,} random inputs fell into {species.seen:,} regions; at least "
            f"about {species.chao1:,.0f} by Chao1, {species.missing_mass:.3g} of the volume unseen"
        )


def _text(interval: Interval) -> str:
    return _number(interval.log10)


def _ends(interval: Interval) -> str:
    return f"{_number(interval.low)} .. {_number(interval.high)}"


def _number(log10: float) -> str:
    """Three digits are more than an estimate knows."""
    if log10 < 6:
        return f"{round(10**log10):,}"
    whole = int(log10)
    return f"{10 ** (log10 - whole):.3g}e{whole}"
