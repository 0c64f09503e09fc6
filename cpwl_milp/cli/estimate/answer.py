"""How estimates are told: to programs, and to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cpwl_milp.estimation import RegionEstimate
    from cpwl_milp.estimation.intervals import Interval
    from cpwl_milp.estimation.parity import ParityBound
    from cpwl_milp.estimation.species import Species


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


def parity_json(bound: ParityBound | None) -> dict[str, Any] | None:
    """The bound by parities; None where none was asked for."""
    if bound is None:
        return None
    return {
        "log10": bound.lower,
        "level": bound.level,
        "method": "parities (MIPBound)",
        "promise": "one-sided with this confidence",
        "parities": bound.parities,
        "size": bound.size,
        "trials": bound.trials,
        "successes": bound.successes,
        "out_of_time": bound.out_of_time,
        "seconds": round(bound.seconds, 3),
    }


def species_json(species: Species | None) -> dict[str, Any] | None:
    """What random inputs showed; None where there were none."""
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


def show_parity(bound: ParityBound | None) -> None:
    """The bound by parities for people."""
    if bound is None:
        return
    late = f", {bound.out_of_time} out of time" if bound.out_of_time else ""
    what = f"at least {_number(bound.lower)} with {100 * bound.level:g} % confidence"
    click.echo(
        f"{what} ({bound.successes} of {bound.trials} trials with {bound.parities} random "
        f"parities{late}; {bound.seconds:.1f} s)"
    )


def show_species(species: Species | None) -> None:
    """What random inputs showed, for people."""
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
