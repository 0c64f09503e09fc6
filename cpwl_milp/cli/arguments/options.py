"""Bundles of options that several commands share, each gathered into one value."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from cpwl_milp.cli.arguments.requests import (
    DomainRequest,
    EngineRequest,
    LimitRequest,
    ModelRequest,
)

_Command = Callable[..., Any]

SEED = click.IntRange(min=0, max=2**31 - 1)
"""What every random generator here takes, HiGHS's included."""


def model_options(command: _Command) -> _Command:
    """Add MODEL and the options on how to read it; the command gets `model`."""
    return _model_argument(command, required=True)


def optional_model_options(command: _Command) -> _Command:
    """The same with a MODEL that may be left out; `model` is None then."""
    return _model_argument(command, required=False)


def _model_argument(command: _Command, *, required: bool) -> _Command:
    metavar = "MODEL" if required else "[MODEL]"

    @click.argument(
        "model_path", metavar=metavar, type=click.Path(path_type=Path), required=required
    )
    @_model_reading_options
    @functools.wraps(command)
    def gathered(model_path: Path | None, **rest: Any) -> Any:
        request = model_request(model_path or Path(), rest)
        return command(model=None if model_path is None else request, **rest)

    return gathered


def several_models_options(command: _Command) -> _Command:
    """Add MODEL... and the options on how to read them; the command gets `models`."""

    @click.argument(
        "model_paths",
        metavar="MODEL...",
        type=click.Path(path_type=Path),
        nargs=-1,
        required=True,
    )
    @_model_reading_options
    @functools.wraps(command)
    def gathered(model_paths: tuple[Path, ...], **rest: Any) -> Any:
        reading = model_request(Path(), rest)
        return command(models=tuple(reading.at(path) for path in model_paths), **rest)

    return gathered


def model_request(path: Path, options: dict[str, Any]) -> ModelRequest:
    """Take the options on reading a model out of `options`."""
    return ModelRequest(
        path=path,
        inputs=options.pop("inputs"),
        outputs=options.pop("outputs"),
        dims=dict(options.pop("dims")),
        fixed=dict(options.pop("fixed")),
        strip_output=options.pop("strip_output"),
    )


def _model_reading_options(command: _Command) -> _Command:
    for option in reversed(
        (
            click.option(
                "--input",
                "inputs",
                multiple=True,
                metavar="NAME",
                help="Input of the model that varies (default: all, joined in graph order).",
            ),
            click.option(
                "--output",
                "outputs",
                multiple=True,
                metavar="NAME",
                help="Output of the model to keep (default: all, joined in graph order).",
            ),
            click.option(
                "--fix",
                "fixed",
                multiple=True,
                metavar="NAME=FILE.npy",
                callback=_pairs(Path),
                help="Fix an input that does not vary to the values in a file.",
            ),
            click.option(
                "--dim",
                "dims",
                multiple=True,
                metavar="NAME=K",
                callback=_pairs(int),
                help="Set a free dimension of the model.",
            ),
            click.option(
                "--strip-output",
                is_flag=True,
                help="Cut a final Softmax, LogSoftmax, Sigmoid or ArgMax off.",
            ),
        )
    ):
        command = option(command)
    return command


def _pairs(kind: Callable[[str], Any]) -> Callable[..., tuple[tuple[str, Any], ...]]:
    def parse(
        ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
    ) -> tuple[tuple[str, Any], ...]:
        found = []
        for value in values:
            name, equals, text = value.partition("=")
            try:
                if not (name and equals):
                    raise ValueError
                found.append((name, kind(text)))
            except ValueError:
                raise click.BadParameter(f"{value!r} is not of the form NAME=VALUE") from None
        return tuple(found)

    return parse


def domain_options(command: _Command) -> _Command:
    """Add the domain options; the command gets `domain`."""

    @_listed(_DOMAIN_OPTIONS)
    @functools.wraps(command)
    def gathered(**given: Any) -> Any:
        names = [field.name for field in fields(DomainRequest)]
        domain = DomainRequest(**{name: given.pop(name) for name in names})
        return command(domain=domain, **given)

    return gathered


_DOMAIN_OPTIONS = (
    click.option(
        "--box",
        metavar="LO,HI|FILE",
        help="Bounds of every input, or an .npz/.json file with `lower` and `upper`.",
    ),
    click.option(
        "--ball",
        metavar="CENTER",
        help="A ball around a,b,c or a row of a data file (data.npy:17); needs --radius.",
    ),
    click.option(
        "--radius", type=click.FloatRange(min=0, min_open=True), help="Radius of the ball."
    ),
    click.option("--norm", type=click.Choice(["1", "2", "inf"]), help="Of the ball (default: 2)."),
    click.option(
        "--polytope",
        type=click.Path(path_type=Path),
        metavar="FILE.npz",
        help="The inputs with A x <= b, of the arrays `A` and `b`.",
    ),
    click.option(
        "--vnnlib",
        metavar="FILE[:K]",
        help="The inputs of a VNN-LIB file: bounds and linear constraints (its K-th box from 0).",
    ),
    click.option("--whole-space", is_flag=True, help="All of R^n."),
    click.option(
        "--slice",
        "slice_file",
        type=click.Path(path_type=Path),
        metavar="FILE.npz",
        help="A slice of the domain: a point `origin` and directions `basis`, a row each.",
    ),
    click.option(
        "--plane",
        metavar="DATA:I,J,K",
        help="The plane through three rows of a data file, as a slice of the domain.",
    ),
)


def _listed(options: Sequence[Callable[[_Command], _Command]]) -> Callable[[_Command], _Command]:
    """Options in the order in which --help is to show them."""

    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def limit_options(command: _Command) -> _Command:
    """Add the limits; the command gets `limits`."""

    @click.option("--max-regions", type=click.IntRange(min=1), help="Stop after this many regions.")
    @click.option(
        "--max-seconds",
        type=click.FloatRange(min=0, min_open=True),
        help="Stop after this many seconds.",
    )
    @click.option(
        "--max-per-layer",
        type=click.IntRange(min=1),
        help="List at most this many patterns of any one layer (own and prefix).",
    )
    @functools.wraps(command)
    def gathered(
        max_regions: int | None,
        max_seconds: float | None,
        max_per_layer: int | None,
        **rest: Any,
    ) -> Any:
        return command(limits=LimitRequest(max_regions, max_seconds, max_per_layer), **rest)

    return gathered


def engine_options(command: _Command) -> _Command:
    """Add --engine, --solver, --bounds and --seed; the command gets `engine`."""

    @click.option(
        "--engine",
        "name",
        type=click.Choice(["auto", "cells", "tree", "milp", "sampling"]),
        default="auto",
        show_default=True,
        help="How to search.",
    )
    @click.option(
        "--solver",
        default="highs",
        show_default=True,
        metavar="NAME",
        help="Solver of the milp engine: highs, or any that Pyomo knows.",
    )
    @bound_option
    @click.option("--seed", type=SEED, default=0, show_default=True, help="Random seed.")
    @functools.wraps(command)
    def gathered(name: str, solver: str, bound_method: str, seed: int, **rest: Any) -> Any:
        if solver != "highs":
            from cpwl_milp.encoding.pattern_search import pyomo_solver

            # Now, not when the first mixed-integer program comes up, if one does.
            pyomo_solver(solver)
        return command(engine=EngineRequest(name, solver, bound_method, seed), **rest)

    return gathered


def bound_option(command: _Command) -> _Command:
    """Add --bounds; the command gets `bound_method`."""
    return click.option(
        "--bounds",
        "bound_method",
        type=click.Choice(["interval", "crown", "lp", "milp"]),
        default="crown",
        show_default=True,
        help="How to bound pre-activations.",
    )(command)


def jobs_option(command: _Command) -> _Command:
    """Add --jobs; the command gets `jobs`."""
    return click.option(
        "--jobs",
        type=click.IntRange(min=0, max=1024),
        default=1,
        show_default=True,
        metavar="N",
        help="Search in N threads, 0 for one a core; the answer is the same.",
    )(command)


def cluster_option(command: _Command) -> _Command:
    """Add --cluster; the command gets `cluster`."""
    return click.option(
        "--cluster",
        metavar="ADDRESS|local",
        help="Use the workers of a Dask scheduler, or --jobs processes here; the answer is the "
        "same.",
    )(command)


def rigorous_option(command: _Command) -> _Command:
    """Add --rigorous; the command gets `rigorous`."""
    return click.option(
        "--rigorous",
        is_flag=True,
        help="Prove every decision, in error-bounded floats or whole numbers.",
    )(command)


def json_option(command: _Command) -> _Command:
    """Add --json; the command gets `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)
