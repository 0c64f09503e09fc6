"""``simplify``: a smaller network with the same outputs on a domain."""

from __future__ import annotations

from pathlib import Path

import click

from cpwl_milp.cli.arguments.options import domain_options, json_option, model_options
from cpwl_milp.cli.arguments.requests import DomainRequest, ModelRequest
from cpwl_milp.cli.output import print_json
from cpwl_milp.cli.simplify.options import StateRequest, state_options


@click.command(name="simplify")
@model_options
@domain_options
@click.option(
    "-o",
    "--output-file",
    "output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="SMALLER.onnx",
    help="Where to write the smaller network.",
)
@state_options
@json_option
def command(
    model: ModelRequest,
    domain: DomainRequest,
    output: Path,
    states: StateRequest,
    as_json: bool,
) -> None:
    """Write an equivalent smaller network: equal on the domain, whatever it does elsewhere.

    Units that are proved to be always off go, units that are always on become part of the affine
    maps around them, as do layers without a kink; multiples of other units are merged. Written is a
    chain of Gemm and Relu, LeakyRelu or PRelu, compared with the model on random inputs and corners
    of the domain by onnxruntime. `units` says what each unit does.

    \b
    Examples:
      cpwl-milp simplify network.onnx --box -1,1 -o smaller.onnx
      cpwl-milp simplify acas.onnx --vnnlib prop_3.vnnlib -o smaller.onnx --json
    """
    from cpwl_milp.cli.arguments import checks, domains, question
    from cpwl_milp.cli.simplify.units import show_states, states_json
    from cpwl_milp.onnx_io.write import n_weights
    from cpwl_milp.simplification import simplified
    from cpwl_milp.simplification.writing import write_checked

    domains.require_named(domain)
    checks.require_place_for(output)
    imported = question.load(model)
    where = domains.resolve(domain, imported)
    question.checked(imported, where, states.seed)
    found = simplified(imported.network, where, states.settings())
    output.parent.mkdir(parents=True, exist_ok=True)
    equality = write_checked(output, found.network, imported, where, seed=states.seed)
    before, after = imported.network, found.network
    rows_before, rows_after = (
        [layer.affine.n_out for layer in network.layers] for network in (before, after)
    )
    if as_json:
        from cpwl_milp.core.versions import versions

        print_json(
            {
                "schema": "cpwl-milp/simplify/1",
                "model": question.described(imported),
                "domain": where.describe(),
                "output": str(output),
                **states_json(before, found),
                "rows_before": rows_before,
                "rows_after": rows_after,
                "weights_before": n_weights(before),
                "weights_after": n_weights(after),
                "removed": found.reasons,
                "added": found.added,
                "equality": {
                    "n_samples": equality.n_samples,
                    "max_absolute": equality.max_absolute,
                    "max_relative": equality.max_relative,
                    "max_network": equality.max_network,
                    "max_model": equality.max_model,
                },
                "seconds": round(found.states.seconds, 3),
                "versions": versions(),
            }
        )
        return
    show_states(states_json(before, found)["layers"])
    reasons = ", ".join(f"{count:,} {name}" for name, count in found.reasons.items() if count)
    click.echo(f"removed: {reasons or 'nothing'}; {found.added:,} rows added to carry linear ones")
    click.echo(
        f"rows of layers {rows_before} -> {rows_after}; weights {n_weights(before):,} -> "
        f"{n_weights(after):,}"
    )
    click.echo(
        f"written to {output}; differs by at most {equality.max_absolute:.2g} "
        f"({equality.max_relative:.2g} of the scale) on {equality.n_samples:,} inputs; "
        f"{found.states.seconds:.2f} s"
    )
