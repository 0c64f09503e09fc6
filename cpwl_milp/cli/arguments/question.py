"""From what was typed to a model and its samples."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
import numpy as np
from numpy.typing import NDArray

from cpwl_milp.cli.arguments.requests import ModelRequest
from cpwl_milp.core.domain import Domain

if TYPE_CHECKING:
    from cpwl_milp.onnx_io import ImportedModel
    from cpwl_milp.onnx_io.activations import ActivationModel
    from cpwl_milp.storage.question import Question
    from cpwl_milp.storage.run_folder import RunFolder


def load(request: ModelRequest) -> ImportedModel:
    """Read the model and pass its notices on."""
    from cpwl_milp.onnx_io import load_model

    model = load_model(request.path, **_reading(request))
    for notice in model.notices:
        click.echo(f"note: {notice}", err=True)
    return model


def load_values(request: ModelRequest) -> ActivationModel:
    """Read the model for the values of its layers."""
    from cpwl_milp.onnx_io.activations import load_activations

    return load_activations(request.path, **_reading(request))


def _reading(request: ModelRequest) -> dict[str, Any]:
    from cpwl_milp.storage.arrays import read_array

    return {
        "inputs": request.inputs,
        "outputs": request.outputs,
        "dims": request.dims,
        "fixed_inputs": {name: read_array(str(path)) for name, path in request.fixed.items()},
        "strip_output": request.strip_output,
    }


def checked(model: ImportedModel, domain: Domain | None, seed: int = 0) -> Mapping[str, Any]:
    """Compare the import with onnxruntime on the domain; the agreement as JSON."""
    from cpwl_milp.onnx_io import check_agreement

    agreement = check_agreement(model, domain, seed=seed)
    return {
        "n_samples": agreement.n_samples,
        "max_absolute": agreement.max_absolute,
        "max_relative": agreement.max_relative,
    }


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


def located(run: Path, stored: Question) -> Path:
    """Where the model of a run lies: as stored, or where it lay as seen from the run's folder.

    Raises
    ------
    RunFolderError
        If it lies at neither place.
    """
    from cpwl_milp.core.errors import ModelError, RunFolderError
    from cpwl_milp.onnx_io.read import read_model

    places = [Path(stored.model_path)]
    if stored.model_from_run:
        places.append(Path(os.path.normpath(run / stored.model_from_run)))
    places = [place for place in places if place.is_file()]
    if not places:
        raise RunFolderError(
            str(run),
            f"no such file: {stored.model_path}, its model",
            f"the file with sha256 {stored.model_sha256[:16]}...",
            "say where it lies now: information RUN --model FILE, enumerate FILE --resume RUN",
        )
    for place in places[1:]:
        try:
            if read_model(places[0]).sha256 == stored.model_sha256:
                break
        except ModelError:
            pass
        return place
    return places[0]


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
            "the file has changed since, or is another",
        )
    for name, now in request.described()["fixed"].items():
        if now["sha256"] != stored.model_options["fixed"][name]["sha256"]:
            raise RunFolderError(
                f"--fix {name}", f"{now['path']} has changed", "the values that the run was made of"
            )
