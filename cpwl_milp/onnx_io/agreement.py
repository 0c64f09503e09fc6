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
_TOLERANCE = 1e-5
_TOLERANCE_FLOAT64 = 1e-9


@dataclass(frozen=True)
class Agreement:
    """How far the network and onnxruntime are apart.

    Attributes
    ----------
    n_samples : int
    max_absolute : float
        Largest difference of an output.
    max_relative : float
        Largest difference of an output or pre-activation over its scale, see `check_agreement`.
    """

    n_samples: int
    max_absolute: float
    max_relative: float


def check_agreement(
    model: ImportedModel, domain: Domain | None, *, n_samples: int = 64, seed: int = 0
) -> Agreement:
    """Compare the network with onnxruntime on random inputs.

    Compared are the outputs and the pre-activations of all units that the graph computes under
    a name, inactive units included. The scale of such a value is the largest, over the samples,
    of ``|W| |a| + |b|``, where W, b are the coefficients of its affine map and a the values the
    map reads: the size of the terms that are added up, and so of the rounding that float32
    arithmetic cannot avoid there even where the sum itself cancels.

    Parameters
    ----------
    domain : Domain or None
        Where to sample; without one, half of the samples lie in [0, 1]^n, half in [-1, 1]^n.

    Raises
    ------
    CheckFailedError
        If a relative difference exceeds 1e-5 (1e-9 for a model in float64).
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
    theirs, inner = model.referee.probed(x)
    values, terms = _with_terms(model.network, x)
    if theirs.shape != values[-1].shape:
        raise CheckFailedError(
            model.path,
            f"{values[-1].shape[1]} outputs, but onnxruntime gives {theirs.shape[1]}",
            hint="please report this model",
        )
    tolerance = _TOLERANCE_FLOAT64 if model.double else _TOLERANCE
    worst = 0.0
    pairs = [("output", theirs, values[-1], terms[-1])]
    for probe, z in zip(model.probes, inner, strict=True):
        here = slice(probe.start, probe.start + probe.size)
        pairs.append(
            (
                f"'{probe.tensor}', unit",
                z,
                values[probe.layer][:, here],
                terms[probe.layer][:, here],
            )
        )
    for name, reference, ours, scale in pairs:
        relative = _relative(np.abs(ours - reference), scale)
        if not np.all(relative <= tolerance):  # NaN is a mismatch too
            k = int(np.argmax(np.nan_to_num(relative, nan=np.inf)))
            raise CheckFailedError(
                model.path,
                f"the imported network differs from onnxruntime by {relative[k]:.2g} of the scale "
                f"of {name} {k}",
                f"at most {tolerance:g}",
                "do not trust the import; please report this model",
            )
        worst = max(worst, float(relative.max(initial=0.0)))
    gap = float(np.abs(values[-1] - theirs).max(initial=0.0))
    return Agreement(len(x), gap, worst)


def _relative(gap: Dense, scale: Dense) -> Dense:
    """Largest gap of each column over the column's largest scale."""
    most, size = gap.max(axis=0, initial=0.0), scale.max(axis=0, initial=0.0)
    relative = np.where(most == 0, 0.0, np.inf)
    np.divide(most, size, out=relative, where=size > 0)
    return relative


def _with_terms(network: Network, x: Dense) -> tuple[list[Dense], list[Dense]]:
    """Values of each affine map, and the sums of the absolute values of their terms."""
    values, terms = [], []
    a = x
    for affine in (*(layer.affine for layer in network.layers), network.output):
        values.append(affine(a))
        terms.append(np.asarray((affine.magnitude() @ np.abs(a).T).T) + np.abs(affine.bias))
        if len(values) <= len(network.layers):
            a = network.layers[len(values) - 1].activate(values[-1])
    return values, terms
