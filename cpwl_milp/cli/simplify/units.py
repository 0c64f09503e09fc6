"""``units``: which units never change on a domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cpwl_milp.cli.arguments.options import domain_options, json_option, model_options
from cpwl_milp.cli.arguments.requests import DomainRequest, ModelRequest
from cpwl_milp.cli.output import print_json
from cpwl_milp.cli.simplify.options import StateRequest, state_options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cpwl_milp.core.network import Network
    from cpwl_milp.simplification import Simplification

_NAMES = ("open", "both", "always_on", "always_off", "claimed_on", "claimed_off")


@click.command(name="units")
@model_options
@domain_options
@state_options
@click.option("--list", "listed", is_flag=True, help="Name each unit that is not seen to change.")
@json_option
def command(
    model: ModelRequest, domain: DomainRequest, states: StateRequest, listed: bool, as_json: bool
) -> None:
    """Say which units are always on, always off, or both, on a domain.

    By bounds that hold in spite of rounding, samples, a series of mixed-integer programs, and a
    proved list of regions where there are few. `on` and `off` are proved; `claimed` are what the
    solver says within its tolerances; `open` is what time did not suffice for. `simplify` removes
    only what is proved.

    \b
    Examples:
      cpwl-milp units network.onnx --box -1,1
      cpwl-milp units acas.onnx --vnnlib prop_3.vnnlib --list --json
    """
    from cpwl_milp.cli.arguments import domains, question
    from cpwl_milp.simplification import simplified

    domains.require_named(domain)
    imported = question.load(model)
    where = domains.resolve(domain, imported)
    question.checked(imported, where, states.seed)
    found = simplified(imported.network, where, states.settings())
    answer = {
        "schema": "cpwl-milp/units/1",
        "model": question.described(imported),
        "domain": where.describe(),
        **states_json(imported.network, found),
        "units": _units(imported.network, found) if listed else [],
        "removable": found.reasons,
        "seconds": round(found.states.seconds, 3),
    }
    if as_json:
        from cpwl_milp.core.versions import versions

        print_json({**answer, "versions": versions()})
        return
    show_states(answer["layers"])
    reasons = ", ".join(f"{count:,} {name}" for name, count in found.reasons.items() if count)
    click.echo(f"removable: {reasons or 'nothing'}")
    for unit in answer["units"]:
        click.echo(f"{unit['layer']}.{unit['unit']} {unit['state']} ({unit['proof']})")
    click.echo(f"{found.states.seconds:.2f} s")


def states_json(network: Network, found: Simplification) -> dict[str, Any]:
    """How many units are in which state, layer by layer."""
    return {
        "layers": [
            {
                "layer": k + 1,
                "units": network.widths[k],
                **_counted(found.states.of_layer(network, k)),
            }
            for k in range(len(network.layers))
        ]
    }


def _counted(states: NDArray[np.int8]) -> dict[str, int]:
    return {name: int((states == k).sum()) for k, name in enumerate(_NAMES)}


def _units(network: Network, found: Simplification) -> list[dict[str, Any]]:
    from cpwl_milp.simplification.states import PROOFS

    rows = []
    for k in range(len(network.layers)):
        bits = network.layer_bits(k)
        for place in range(bits.start, bits.stop):
            state = int(found.states.states[place])
            if _NAMES[state] != "both":
                rows.append(
                    {
                        "layer": k + 1,
                        "unit": place - bits.start,
                        "state": _NAMES[state],
                        "proof": PROOFS[found.states.proofs[place]],
                    }
                )
    return rows


def show_states(layers: list[dict[str, Any]]) -> None:
    """The states for people."""
    from cpwl_milp.report.tables import show_table

    shown = ("always_on", "always_off", "both", "claimed_on", "claimed_off", "open")
    show_table(
        "units per layer",
        ("layer", "units", *(name.replace("_", " ") for name in shown)),
        [
            (str(row["layer"]), str(row["units"]), *(str(row[name]) for name in shown))
            for row in layers
        ],
    )
