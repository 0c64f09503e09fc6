"""``inspect``: what a model is, and that it was read right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cpwl_milp.cli.arguments.options import SEED, domain_options, json_option, model_options
from cpwl_milp.cli.arguments.requests import DomainRequest, ModelRequest
from cpwl_milp.cli.output import print_json

if TYPE_CHECKING:
    from cpwl_milp.onnx_io import TensorInfo


@click.command(name="inspect")
@model_options
@domain_options
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the random inputs.")
@json_option
def command(model: ModelRequest, domain: DomainRequest, seed: int, as_json: bool) -> None:
    """Show what a model is, and that it was read right.

    Layers, shapes, units and operators of MODEL, and its agreement with onnxruntime.

    The random inputs come from the domain if one is named, else from [-1, 1] and [0, 1].

    \b
    Examples:
      cpwl-milp inspect network.onnx
      cpwl-milp inspect classifier.onnx --strip-output --box 0,1 --json
    """
    from cpwl_milp.cli.arguments import domains, question

    imported = question.load(model)
    network = imported.network
    where = domains.resolve(domain, imported) if domain.given else None
    answer: dict[str, Any] = {
        "schema": "cpwl-milp/inspect/1",
        "model": question.described(imported),
        "inputs": [_tensor(info) for info in imported.inputs],
        "outputs": [_tensor(info) for info in imported.outputs],
        "operators": imported.operators,
        "layers": [
            {
                "layer": index + 1,
                "inputs": layer.affine.n_in,
                "units": layer.n_units,
                "passed_on": layer.affine.n_out - layer.n_units,
                "slopes": sorted({float(s) for s in layer.slope[layer.units]}),
                "sparse": layer.affine.is_sparse,
            }
            for index, layer in enumerate(network.layers)
        ],
        "agreement": question.checked(imported, where, seed),
        "notices": list(imported.notices),
    }
    if as_json:
        print_json(answer)
    else:
        _show(answer)


def _tensor(info: TensorInfo) -> dict[str, Any]:
    return {"name": info.name, "shape": list(info.shape), "type": info.dtype}


def _show(answer: dict[str, Any]) -> None:
    from cpwl_milp.report.tables import show_table

    model = answer["model"]
    click.echo(f"{model['path']}  (sha256 {model['sha256'][:16]}...)")
    for kind in ("inputs", "outputs"):
        tensors = ", ".join(f"{t['name']} {t['type']}{t['shape']}" for t in answer[kind])
        click.echo(f"{kind}: {tensors}")
    click.echo("operators: " + ", ".join(f"{k} x{n}" for k, n in answer["operators"].items()))
    click.echo(f"{model['n_inputs']} inputs, {model['n_units']} hidden units")
    if answer["layers"]:
        show_table(
            "layers",
            ("layer", "inputs", "units", "passed on", "slopes", "weights"),
            [
                (
                    str(layer["layer"]),
                    str(layer["inputs"]),
                    str(layer["units"]),
                    str(layer["passed_on"]),
                    _slopes(layer["slopes"]),
                    "sparse" if layer["sparse"] else "dense",
                )
                for layer in answer["layers"]
            ],
        )
    agreement = answer["agreement"]
    click.echo(
        f"agrees with onnxruntime on {agreement['n_samples']} inputs: largest difference "
        f"{agreement['max_absolute']:.2g} absolute, {agreement['max_relative']:.2g} relative"
    )


def _slopes(slopes: list[float]) -> str:
    text = ", ".join(f"{s:g}" for s in slopes[:4])
    return text if len(slopes) <= 4 else f"{text}, ... ({len(slopes)} different)"
