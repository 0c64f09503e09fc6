"""The check that the imported network computes what the file computes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.network import Network
from cpwl_milp.onnx_io.load import ImportedModel

# Largest relative difference that rounding explains: about 80 units in the last place.
_TOLERANCE = {"float64": 1e-9}
_FLOAT32_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Agreement:
    """How far the network and onnxruntime are apart.

    Attributes
    ----------
    n_samples : int
    max_absolute : float
        Largest difference of an output.
    max_relative : float
        Largest difference over the scale of the output, see `check_agreement`.
    """

    n_samples: int
    max_absolute: float
    max_relative: float


def check_agreement(
    model: ImportedModel, domain: Domain | None, *, n_samples: int = 64, seed: int = 0
) -> Agreement:
    """Compare the network with onnxruntime on random inputs.

    The scale of an output is the largest, over the samples, of its absolute value and of
    ``|W| |a| + |b|``, where W, b are the coefficients of the last affine map and a the values
    it reads: the size of the terms that are added up, and so of the rounding that float32
    arithmetic cannot avoid there even where the sum itself cancels.

    Parameters
    ----------
    domain : Domain or None
        Where to sample; without one, half of the samples lie in [0, 1]^n, half in [-1, 1]^n.

    Raises
    ------
    CheckFailedError
        If the relative difference exceeds 1e-5 (1e-9 for a model in float64).
    """
    rng = np.random.default_rng(seed)
    n = model.network.n_inputs
    if domain is None:
        half = n_samples // 2
        x = np.vstack(
            [
                Box.uniform(0.0, 1.0, n).sample(half, rng),
                Box.uniform(-1.0, 1.0, n).sample(n_samples - half, rng),
            ]
        )
    else:
        x = domain.sample(n_samples, rng)
    x = model.referee.rounded(x)
    theirs = model.referee(x)
    ours, terms = _with_terms(model.network, x)
    if theirs.shape != ours.shape:
        raise CheckFailedError(
            model.path,
            f"{ours.shape[1]} outputs, but onnxruntime gives {theirs.shape[1]}",
            hint="please report this model",
        )
    gap = np.abs(ours - theirs).max(axis=0, initial=0.0)
    scale = np.maximum(np.abs(theirs), terms).max(axis=0, initial=0.0)
    relative = np.divide(gap, scale, out=np.where(gap > 0, np.inf, 0.0), where=scale > 0)
    kinds = {info.dtype for info in (*model.inputs, *model.outputs)}
    precision = "float64" if kinds == {"float64"} else "float32"
    tolerance = _TOLERANCE.get(precision, _FLOAT32_TOLERANCE)
    worst = int(relative.argmax()) if relative.size else 0
    found = Agreement(len(x), float(gap.max(initial=0.0)), float(relative.max(initial=0.0)))
    if not found.max_relative <= tolerance:  # NaN is a mismatch too
        raise CheckFailedError(
            model.path,
            f"the imported network differs from onnxruntime by {found.max_relative:.2g} of the "
            f"scale of output {worst}",
            f"at most {tolerance:g}",
            "do not trust the import; please report this model",
        )
    return found


def _with_terms(network: Network, x: Dense) -> tuple[Dense, Dense]:
    """Outputs, and the sums of the absolute values of their terms, both (n, n_outputs)."""
    a = x
    for layer in network.layers:
        a = layer.activate(layer.affine(a))
    last = network.output
    size = np.asarray((last.magnitude() @ np.abs(a).T).T) + np.abs(last.bias)
    return last(a), size
