"""From what was typed to a model and a domain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
import numpy as np
from numpy.typing import NDArray

from cpwl_milp.cli.requests import DomainRequest, ModelRequest
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.errors import DomainError

if TYPE_CHECKING:
    from cpwl_milp.onnx_io import ImportedModel
    from cpwl_milp.storage.question import Question
    from cpwl_milp.storage.run_folder import RunFolder

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


def domain_of(description: Mapping[str, Any], where: str) -> Domain:
    """The domain that a run folder describes.

    Raises
    ------
    DomainError
        If it is of a kind that this version does not know.
    """
    if description.get("kind") != "box":
        raise DomainError(where, f"a domain of kind {description.get('kind')!r}", "a box")
    dim = int(description["dim"])
    lower, upper = (
        np.broadcast_to(np.array(description[k], dtype=np.float64), dim).copy()
        for k in ("lower", "upper")
    )
    return Box(lower, upper, str(description["origin"]))


def _box(text: str, n_inputs: int) -> Box:
    if Path(text).suffix.lower() in {".npz", ".json"}:
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

    if path.suffix.lower() == ".npz":
        low, high = (read_array(str(path), key=k).ravel() for k in ("lower", "upper"))
        for values in (low, high):
            if values.dtype.kind not in "buif":
                raise DomainError(str(path), f"bounds of type {values.dtype}", "real numbers")
        return Box(low, high, str(path))
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        lower, upper = (np.array(data[k], dtype=np.float64).ravel() for k in ("lower", "upper"))
    except OSError as error:
        raise DomainError(str(path), error.strerror or str(error), "a readable file") from None
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise DomainError(
            str(path), "not a box", 'JSON {"lower": [numbers], "upper": [numbers]}'
        ) from None
    return Box(lower, upper, str(path))


def _vnnlib_box(text: str, n_inputs: int) -> Box:
    from cpwl_milp.onnx_io.vnnlib_inputs import read_vnnlib_boxes

    name, colon, chosen = text.rpartition(":")
    if not (colon and chosen.isascii() and chosen.isdigit()):
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


def samples_of(
    model: ImportedModel, data: str | None, labels: str | None
) -> tuple[NDArray[Any] | None, NDArray[np.intp] | None]:
    """Samples for the model and the ids of their classes, each None where no file is named."""
    from cpwl_milp.information.labels import as_labels
    from cpwl_milp.storage.arrays import read_array, read_samples

    if data is None:
        if labels is not None:
            raise click.UsageError("--labels needs --data")
        return None, None
    samples = read_samples(data, model.network.n_inputs, input_shape=sample_shape(model))
    if labels is None:
        return samples, None
    return samples, as_labels(read_array(labels, text=True), len(samples), where=labels).ids


def sample_shape(model: ImportedModel) -> tuple[int, ...] | None:
    """The shape of one sample without its batch axis; None for several inputs joined."""
    if len(model.inputs) != 1:
        return None
    shape = model.inputs[0].shape
    return tuple(shape[1:]) if len(shape) > 1 and shape[0] == 1 else tuple(shape)


def input_names(model: ImportedModel, places: NDArray[np.intp]) -> list[str]:
    """Names of some coordinates of the input vector, for axes."""
    names = []
    for info in model.inputs:
        size = int(np.prod(info.shape))
        names += [info.name] if size == 1 else [f"{info.name}[{k}]" for k in range(size)]
    return [names[k] for k in places]


def fail_check(where: str, found: str, expected: str) -> NoReturn:
    """A built-in check failed: exit code 4."""
    from cpwl_milp.core.errors import CheckFailedError

    raise CheckFailedError(where, found, expected, "please report it")


def stored_run(path: Path) -> RunFolder:
    """A run folder, for reading."""
    from cpwl_milp.storage.run_folder import RunFolder

    return RunFolder.read(path)


def require_same_model(model: ImportedModel, request: ModelRequest, stored: Question) -> None:
    """Stop if the model, or what its inputs are fixed to, is not what the run was made of.

    Raises
    ------
    RunFolderError
    """
    from cpwl_milp.core.errors import RunFolderError

    if model.sha256 != stored.model_sha256:
        raise RunFolderError(
            model.path,
            f"sha256 {model.sha256[:16]}...",
            f"{stored.model_sha256[:16]}..., the model of the run",
            "the file has changed since",
        )
    for name, now in request.described()["fixed"].items():
        if now != stored.model_options["fixed"][name]:
            raise RunFolderError(
                f"--fix {name}", f"{now['path']} has changed", "the values that the run was made of"
            )
