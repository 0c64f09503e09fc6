"""``verify``: whether a property holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cpwl_milp.cli.arguments.options import SEED, json_option, model_options
from cpwl_milp.cli.arguments.requests import ModelRequest
from cpwl_milp.cli.output import print_json

if TYPE_CHECKING:
    from cpwl_milp.core.affine import Vector
    from cpwl_milp.core.property import Property
    from cpwl_milp.onnx_io import ImportedModel
    from cpwl_milp.verification import Counterexample, Verification

# Numbers of a vector that are shown.
_SHOWN = 10
_PROOFS = {
    "rounding-safe": "proved: every rounding is charged",
    "solver": "by the solver's word, which is no proof",
}


@click.command(name="verify")
@model_options
@click.argument("property_file", metavar="PROPERTY", type=click.Path(path_type=Path))
@click.option(
    "--method",
    type=click.Choice(["auto", "boxes", "units", "milp"]),
    default="auto",
    show_default=True,
    help="What decides where bounds and the search for counterexamples do not.",
)
@click.option(
    "--solver",
    default="highs",
    show_default=True,
    metavar="NAME",
    help="Solver of the mixed-integer program: highs, or any that Pyomo knows.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Answer unknown after this many seconds.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Random seed.")
@json_option
def command(
    model: ModelRequest,
    property_file: Path,
    method: str,
    solver: str,
    max_seconds: float | None,
    seed: int,
    as_json: bool,
) -> None:
    """Decide whether a VNN-LIB property holds.

    PROPERTY describes what must not happen: bounds of all inputs and linear constraints over
    inputs and outputs, joined by `and` and `or`. The answer is `holds`, `violated` with an input
    that shows it, or (exit code 3) `unknown`. A counterexample is judged in exact arithmetic and
    run again in onnxruntime; no tolerance is granted to either side.

    \b
    Examples:
      cpwl-milp verify acas.onnx prop_3.vnnlib
      cpwl-milp verify mnist.onnx prop_7_0.03.vnnlib --max-seconds 60 --json
      cpwl-milp verify network.onnx property.vnnlib --method milp --solver scip_direct
    """
    from cpwl_milp.cli.arguments import question
    from cpwl_milp.onnx_io.vnnlib_property import read_vnnlib_property
    from cpwl_milp.verification import VerifySettings, verify

    if solver != "highs":
        from cpwl_milp.encoding.pattern_search import pyomo_solver

        # Now, not when the first program comes up, if one does.
        pyomo_solver(solver)
    imported = question.load(model)
    network = imported.network
    prop = read_vnnlib_property(property_file, network.n_inputs, network.n_outputs)
    question.checked(imported, prop.boxes[0], seed)
    settings = VerifySettings(method, solver, max_seconds, seed)
    answer = verify(network, prop, settings)
    found = answer.counterexample
    shown = None if found is None else _counterexample(imported, prop, found)
    if as_json:
        print_json(_as_json(answer, shown, imported, prop))
    else:
        _show(answer, shown)
    if answer.status == "unknown":
        click.get_current_context().exit(3)


def _counterexample(
    imported: ImportedModel, prop: Property, found: Counterexample
) -> dict[str, Any]:
    """A counterexample, and what the file itself makes of it."""
    case = prop.cases[found.case]
    received = imported.runtime.rounded(found.x[None])
    theirs = imported.run(found.x[None])
    return {
        "input": found.x.tolist(),
        "output": found.y.tolist(),
        "case": found.case,
        "excess": found.excess,
        "float32": found.single,
        "rerun": {
            "by": imported.runtime.name,
            "output": theirs[0].tolist(),
            "input_in_box": bool(case.box.contains(received)[0]),
            "violates": _meets(prop, found.case, received, theirs),
        },
    }


def _meets(prop: Property, case: int, x: Any, y: Any) -> bool:
    """Whether all rows of a case hold, in float64."""
    rows = prop.cases[case].rows
    excess = rows.excess(x, y)[0]
    return bool(((excess < 0) | ((excess == 0) & ~rows.strict)).all())


def _as_json(
    answer: Verification,
    counterexample: dict[str, Any] | None,
    imported: ImportedModel,
    prop: Property,
) -> dict[str, Any]:
    from cpwl_milp.cli.arguments import question
    from cpwl_milp.core.versions import versions

    return {
        "schema": "cpwl-milp/verify/1",
        "model": question.described(imported),
        "property": prop.describe(),
        "status": answer.status,
        "method": answer.method or None,
        "proof": answer.proof or None,
        "reason": answer.reason or None,
        "counterexample": counterexample,
        "cases": {
            "all": answer.cases,
            "excluded_by_first_bounds": answer.cases_by_bounds,
            "open": answer.cases_open,
        },
        "work": answer.work,
        "seconds": round(answer.seconds, 3),
        "versions": versions(),
    }


def _show(answer: Verification, found: dict[str, Any] | None) -> None:
    work = ", ".join(f"{count:,} {what}" for what, count in answer.work.items() if count)
    if answer.status == "holds":
        click.echo(f"holds (by {answer.method}, {_PROOFS[answer.proof]})")
    elif answer.status == "unknown":
        click.echo(
            f"unknown ({answer.reason}): {answer.cases_open} of {answer.cases} cases are open"
        )
    if found is not None:
        click.echo(f"violated (found by {answer.method}, judged in exact arithmetic)")
        click.echo(f"  input   {_listed(found['input'])}")
        click.echo(f"  output  {_listed(found['output'])}")
        rerun = found["rerun"]
        verdict = "violates as well" if rerun["violates"] else "does not violate by its rounding"
        click.echo(f"  {rerun['by']}  {_listed(rerun['output'])}: {verdict}")
        if not rerun["input_in_box"]:
            click.echo("  note: in the model's precision the input is rounded out of the box")
    click.echo(f"{answer.seconds:.2f} s: {work}")


def _listed(values: Vector | list[float]) -> str:
    text = ", ".join(f"{value:.9g}" for value in values[:_SHOWN])
    more = len(values) - _SHOWN
    return f"[{text}{f', and {more} more: see --json' if more > 0 else ''}]"
