"""``encode``: the big-M program as a file for any solver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cpwl_milp.cli.arguments.options import bound_option, domain_options, json_option, model_options
from cpwl_milp.cli.arguments.requests import DomainRequest, ModelRequest
from cpwl_milp.cli.output import print_json


@click.command(name="encode")
@model_options
@domain_options
@click.option(
    "-o",
    "--output-file",
    "file",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="A .mps or .lp file.",
)
@bound_option
@click.option(
    "--margin",
    type=click.FloatRange(min=0, max=1, max_open=True),
    default=1e-6,
    show_default=True,
    help="What active units must exceed, as a share of their range; 0 is the closed program.",
)
@json_option
def command(
    model: ModelRequest,
    domain: DomainRequest,
    file: Path,
    bound_method: str,
    margin: float,
    as_json: bool,
) -> None:
    """Write the mixed-integer program to a file.

    Variables: x (inputs), on (a binary for each unstable unit, 1 iff active), z_plus and z_minus
    (the positive and negative part of its pre-activation), value (units that are linear on the
    domain), y (outputs). The objective is zero: put your own question in.

    \b
    Examples:
      cpwl-milp encode network.onnx --box -1,1 -o network.mps
      cpwl-milp encode acas.onnx --vnnlib prop_3.vnnlib --bounds lp -o acas.lp
    """
    from cpwl_milp.bounding import pre_activation_bounds
    from cpwl_milp.cli.arguments import checks, domains, question
    from cpwl_milp.core.problem import Problem
    from cpwl_milp.encoding.big_m import encode
    from cpwl_milp.encoding.compile import compile_encoding
    from cpwl_milp.encoding.export import export_program, require_format

    domains.require_named(domain)
    require_format(file)
    checks.require_place_for(file)
    imported = question.load(model)
    where = domains.resolve(domain, imported)
    question.checked(imported, where)
    problem = Problem.of(imported.network, where)
    problem.domain.require_polyhedral("encode")
    bounds = pre_activation_bounds(problem.network, problem.domain, method=bound_method)
    encoding = encode(problem.network, problem.domain, bounds, margin=margin, outputs=True)
    export_program(encoding, file)
    program = compile_encoding(encoding).program
    answer: dict[str, Any] = {
        "schema": "cpwl-milp/encode/1",
        "model": question.described(imported),
        "domain": where.describe(),
        "file": str(file),
        "rows": program.n_rows,
        "columns": program.n_columns,
        "binaries": int(program.integer.sum()),
        "stable_units": int((encoding.stable_bits >= 0).sum()),
        "margin": margin,
    }
    if as_json:
        print_json(answer)
    else:
        click.echo(
            f"{file}: {answer['rows']:,} rows, {answer['columns']:,} columns, "
            f"{answer['binaries']:,} of them binary; stable units: {answer['stable_units']:,}"
        )
