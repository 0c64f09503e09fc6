"""From what was typed to a model and a domain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from cpwl_milp.cli.options import DomainRequest, ModelRequest
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.errors import DomainError

if TYPE_CHECKING:
    from cpwl_milp.onnx_io import ImportedModel

_DOMAINS = "--box LO,HI or --vnnlib FILE"


def load(request: ModelRequest) -> ImportedModel:
    """Read the model and pass its notices on."""
    from cpwl_milp.onnx_io import load_model
    from cpwl_milp.storage.arrays import read_array

    model = load_model(
        request.path,
        inputs=request.inputs,
        outputs=request.outputs,
        dims=request.dims,
        fixed_inputs={name: read_array(str(path)) for name, path in request.fixed.items()},
        strip_output=request.strip_output,
    )
    for notice in model.notices:
        click.echo(f"note: {notice}", err=True)
    return model


def checked(model: ImportedModel, domain: Domain | None, seed: int = 0) -> Mapping[str, Any]:
    """Compare the import with onnxruntime on the domain; the agreement as JSON."""
    from cpwl_milp.onnx_io import check_agreement

    agreement = check_agreement(model, domain, seed=seed)
    return {
        "n_samples": agreement.n_samples,
        "max_absolute": agreement.max_absolute,
        "max_relative": agreement.max_relative,
    }


def require_named(request: DomainRequest) -> None:
    """Stop before anything slow if no domain was named.

    Raises
    ------
    click.UsageError
    """
    if not request.given:
        raise click.UsageError(f"no domain: name one with {_DOMAINS}")


def resolve(request: DomainRequest, n_inputs: int) -> Domain:
    """The domain that was asked for.

    Raises
    ------
    click.UsageError
        If none was named.
    DomainError
        If it cannot be read or does not fit the model.
    """
    require_named(request)
    if request.box is not None:
        return _box(request.box, n_inputs)
    assert request.vnnlib is not None
    return _vnnlib_box(request.vnnlib, n_inputs)


def _box(text: str, n_inputs: int) -> Box:
    if Path(text).suffix in {".npz", ".json"}:
        return _fitting(_box_file(Path(text)), n_inputs)
    parts = text.split(",")
    try:
        lower, upper = (float(part) for part in parts)
    except ValueError:
        raise DomainError("--box", f"{text!r}", "two numbers LO,HI or an .npz/.json file") from None
    return Box(np.full(n_inputs, lower), np.full(n_inputs, upper), "--box")


def _fitting(box: Box, n_inputs: int) -> Box:
    if box.dim != n_inputs:
        raise DomainError(
            box.origin, f"bounds for {box.dim} inputs", f"{n_inputs}, the inputs of the model"
        )
    return box


def _box_file(path: Path) -> Box:
    from cpwl_milp.storage.arrays import read_array

    if path.suffix == ".npz":
        low, high = (read_array(str(path), key=k).ravel() for k in ("lower", "upper"))
        return Box(low, high, str(path))
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        lower, upper = (np.array(data[k], dtype=np.float64).ravel() for k in ("lower", "upper"))
    except OSError as error:
        raise DomainError(str(path), error.strerror or str(error), "a readable file") from None
    except (ValueError, TypeError, KeyError):
        raise DomainError(
            str(path), "not a box", 'JSON {"lower": [numbers], "upper": [numbers]}'
        ) from None
    return Box(lower, upper, str(path))


def _vnnlib_box(text: str, n_inputs: int) -> Box:
    from cpwl_milp.onnx_io.vnnlib_inputs import read_vnnlib_boxes

    name, colon, chosen = text.rpartition(":")
    if not (colon and chosen.isdigit()):
        name, chosen = text, ""
    boxes = read_vnnlib_boxes(Path(name), n_inputs)
    if chosen:
        if int(chosen) >= len(boxes):
            raise DomainError(text, f"{len(boxes)} input boxes", f"a number below {len(boxes)}")
        return boxes[int(chosen)]
    if len(boxes) > 1:
        raise DomainError(
            text,
            f"{len(boxes)} input boxes",
            "one",
            f"choose one with --vnnlib {name}:0 to {name}:{len(boxes) - 1}",
        )
    return boxes[0]


def described(model: ImportedModel) -> dict[str, Any]:
    """The `model` field of every answer."""
    return {
        "path": model.path,
        "sha256": model.sha256,
        "n_inputs": model.network.n_inputs,
        "n_units": model.network.n_units,
    }
