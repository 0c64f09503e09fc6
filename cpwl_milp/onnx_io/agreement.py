"""The check that the imported network computes what the file computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cpwl_milp.core.affine import Affine, Dense
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.errors import CheckFailedError, DomainError
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
        Largest difference of an output or pre-activation that the layers before do not explain,
        over its scale, see `check_agreement`.
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
    arithmetic cannot avoid there even where the sum itself cancels. Where the values a already
    differ by d (within their own, perhaps much larger scale), a map cannot but differ by
    ``|W| d``; only what goes beyond counts.

    Parameters
    ----------
    domain : Domain or None
        Where to sample; without one, half of the samples lie in [0, 1]^n, half in [-1, 1]^n.

    Raises
    ------
    CheckFailedError
        If a relative difference exceeds 1e-5 (1e-9 for a model in float64).
    DomainError
        If the model overflows on the domain.
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
    with np.errstate(over="ignore"):
        x = model.referee.rounded(x)
        theirs, inner = model.referee.probed(x)
    if domain is not None and not all(np.isfinite(v).all() for v in (x, theirs, *inner)):
        raise DomainError(
            domain.origin,
            f"inputs so large that {model.referee.name} gives infinite or NaN values there",
            "a domain on which the model can be evaluated",
        )
    tolerance = _TOLERANCE_FLOAT64 if model.double else _TOLERANCE
    worst = 0.0
    values, apart = x, np.zeros_like(x)
    for index, layer in enumerate(model.network.layers):
        named = [
            (f"'{probe.tensor}', unit", slice(probe.start, probe.start + probe.size), z)
            for probe, z in zip(model.probes, inner, strict=True)
            if probe.layer == index
        ]
        z, inherited, relative = _compared(layer.affine, values, apart, named, tolerance, model)
        worst = max(worst, relative)
        values = layer.activate(z)
        # A unit that the graph does not compute under a name hands on what it inherits.
        apart = inherited * np.maximum(1.0, np.abs(layer.slope))
        for _, here, reference in named:
            other = np.where(reference > 0, reference, layer.slope[here] * reference)
            apart[:, here] = np.abs(values[:, here] - other)
    output = model.network.output
    if theirs.shape[1] != output.n_out:
        raise CheckFailedError(
            model.path,
            f"{output.n_out} outputs, but {model.referee.name} gives {theirs.shape[1]}",
            hint="please report this model",
        )
    named = [("output", slice(0, output.n_out), theirs)]
    z, _, relative = _compared(output, values, apart, named, tolerance, model)
    gap = float(np.abs(z - theirs).max(initial=0.0))
    return Agreement(len(x), gap, max(worst, relative))


def _compared(
    affine: Affine,
    values: Dense,
    apart: Dense,
    named: Sequence[tuple[str, slice, Dense]],
    tolerance: float,
    model: ImportedModel,
) -> tuple[Dense, Dense, float]:
    """One map of values that are `apart` from onnxruntime's, against what the latter found.

    Returns
    -------
    ndarray, ndarray
        The mapped values, and how far they are apart for that reason alone.
    float
        The largest relative difference.
    """
    z = affine(values)
    terms = _magnitudes(affine, values) + np.abs(affine.bias)
    inherited = _magnitudes(affine, apart)
    worst = 0.0
    for name, here, reference in named:
        # A NaN stays one, and is a mismatch, too.
        beyond = np.maximum(np.abs(z[:, here] - reference) - inherited[:, here], 0.0)
        relative = _relative(beyond, terms[:, here])
        if not np.all(relative <= tolerance):
            k = int(np.argmax(np.nan_to_num(relative, nan=np.inf)))
            raise CheckFailedError(
                model.path,
                f"the imported network differs from {model.referee.name} by {relative[k]:.2g} of "
                f"the scale of {name} {k}",
                f"at most {tolerance:g}",
                "do not trust the import; please report this model",
            )
        worst = max(worst, float(relative.max(initial=0.0)))
    return z, inherited, worst


def _relative(gap: Dense, scale: Dense) -> Dense:
    """Largest gap of each column over the column's largest scale."""
    most, size = gap.max(axis=0, initial=0.0), scale.max(axis=0, initial=0.0)
    relative = np.where(most == 0, 0.0, np.inf)
    np.divide(most, size, out=relative, where=size > 0)
    return relative


def _magnitudes(affine: Affine, values: Dense) -> Dense:
    """The sums of the absolute values of the terms of each map, shape (n, n_out)."""
    return np.asarray((affine.magnitude() @ np.abs(values).T).T)
