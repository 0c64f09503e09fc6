"""A simplified model as a file, checked against the model that it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.errors import CheckFailedError, InputError
from cpwl_milp.core.network import Network
from cpwl_milp.onnx_io import ImportedModel, load_model
from cpwl_milp.onnx_io.write import write_network

# Of the size of the terms of an output. The first is about float64 alone.
_NETWORK_TOLERANCE = 1e-9
_TOLERANCE = 1e-5
_TOLERANCE_FLOAT64 = 1e-9


@dataclass(frozen=True)
class Equality:
    """How far two models are apart on a domain.

    Attributes
    ----------
    n_samples : int
    max_absolute : float
        Largest difference of an output, each model by onnxruntime (or its referee).
    max_relative : float
        The same over the largest size of the terms that the output is added up from.
    max_network : float
        The latter of the two networks in float64.
    max_model : float
        The latter of the model itself: by onnxruntime, from its network in float64.
    """

    n_samples: int
    max_absolute: float
    max_relative: float
    max_network: float
    max_model: float


def write_checked(
    path: Path,
    network: Network,
    model: ImportedModel,
    domain: Domain,
    *,
    n_samples: int = 256,
    seed: int = 0,
) -> Equality:
    """Write a network that is to equal a model on a domain; keep the file only if it does.

    Parameters
    ----------
    path : Path
        Of the ONNX file.
    network : Network
    model : ImportedModel
    domain : Domain
    n_samples : int
        Random inputs; of a box as many corners, too.
    seed : int

    Raises
    ------
    CheckFailedError
        If the two differ by more than rounding explains.
    InputError
        If the file cannot be written, is too large, or would replace the model.
    """
    if path.exists() and path.samefile(model.path):
        raise InputError(str(path), "the model itself", "another file")
    draft = path.with_name(f".{path.name}.part")
    try:
        write_network(draft, network, model.inputs, model.outputs, double=model.double)
        found = _compared(draft, network, model, _inputs(domain, n_samples, seed))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return found


def _inputs(domain: Domain, n: int, seed: int) -> Dense:
    random = np.random.default_rng(seed)
    x = domain.sample(n, random)
    if isinstance(domain, Box):
        corners = np.where(random.random((n, domain.dim)) < 0.5, domain.lower, domain.upper)
        x = np.concatenate([x, corners])
    return x


def _compared(draft: Path, network: Network, model: ImportedModel, x: Dense) -> Equality:
    written = load_model(draft)
    x = model.referee.rounded(x)
    theirs, ours = model.referee(x), written.referee(x)
    scale = _scale(model.network, x)
    exact = model.network(x)

    def over_scale(first: Dense, second: Dense) -> float:
        return float((np.abs(first - second).max(axis=0) / scale).max(initial=0.0))

    in_float64 = over_scale(exact, network(x))
    relative = over_scale(theirs, ours)
    tolerance = _TOLERANCE_FLOAT64 if model.double else _TOLERANCE
    for value, most in ((in_float64, _NETWORK_TOLERANCE), (relative, tolerance)):
        if not value <= most:
            raise CheckFailedError(
                model.path,
                f"the simplified network differs by {value:.2g} of the scale of its outputs",
                f"at most {most:g}",
                "nothing was written; please report it",
            )
    return Equality(
        n_samples=len(x),
        max_absolute=float(np.abs(theirs - ours).max(initial=0.0)),
        max_relative=relative,
        max_network=in_float64,
        max_model=over_scale(exact, theirs),
    )


def _scale(network: Network, x: Dense) -> Dense:
    """Of each output, the largest sum of the sizes of its terms over some inputs."""
    values = x
    for layer in network.layers:
        values = layer.activate(layer.affine(values))
    output = network.output
    sizes = np.asarray((output.magnitude() @ np.abs(values).T).T) + np.abs(output.bias)
    largest: Dense = sizes.max(axis=0, initial=0.0)
    return np.where(largest > 0, largest, 1.0)
