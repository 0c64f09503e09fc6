"""The benchmark's networks, by name, as plain arrays that every tool can take.

``3-16-16`` is a random network of 3 inputs and two hidden layers, seed 1 (``3-16-16#7``: seed 7);
``small/reach/gcas.onnx@small/reach/vnnlib/gcas_3.vnnlib`` a public network from beside the checkout
on the inputs of a VNN-LIB file, without the part after ``@`` on [-1, 1]^n. The variable
CPWL_SHARED_MODELS names another folder of public networks.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Pair: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
# Weight (n_out, n_in) and bias (n_out,) of each layer; the last pair is the output.
Chain: TypeAlias = list[Pair]

SHARED_MODELS = Path(
    os.environ.get("CPWL_SHARED_MODELS")
    or Path(__file__).resolve().parent.parent.parent / "shared" / "models"
)
_SEED = 1


def chain(name: str) -> Chain:
    """The network of a name, over coordinates in which its domain is the box [-1, 1]^n.

    Raises
    ------
    ValueError
        If a public network is not a chain of plain ReLU layers.
    """
    if not is_public(name):
        shape, _, seed = name.partition("#")
        n_inputs, *widths = (int(part) for part in shape.split("-"))
        return random_chain(np.random.default_rng(int(seed or _SEED)), n_inputs, widths)
    model, _, inputs = name.partition("@")
    pairs = _imported(SHARED_MODELS / model)
    return _over_inputs(pairs, SHARED_MODELS / inputs) if inputs else pairs


def is_public(name: str) -> bool:
    """Whether a name means a file and not a random network."""
    return ".onnx" in name


def missing(name: str) -> str:
    """The file that a network needs and that is not there; "" if it can be had."""
    if not is_public(name):
        return ""
    parts = name.split("@")
    return next((part for part in parts if not (SHARED_MODELS / part).is_file()), "")


def random_chain(rng: np.random.Generator, n_inputs: int, widths: list[int]) -> Chain:
    """He-normal weights, biases N(0, 0.1^2), one output: as `tests.networks.random_network`."""
    return [
        (rng.normal(0, np.sqrt(2 / m), (n, m)), rng.normal(0, 0.1, n))
        for m, n in itertools.pairwise([n_inputs, *widths, 1])
    ]


def _imported(path: Path) -> Chain:
    from cpwl_milp import load_model

    network = load_model(path).network
    if any(layer.slope.any() for layer in network.layers):
        raise ValueError(f"{path}: not a chain of plain ReLU layers")
    maps = [*(layer.affine for layer in network.layers), network.output]
    return [(_dense(affine.weight), affine.bias) for affine in maps]


def _over_inputs(pairs: Chain, inputs: Path) -> Chain:
    """The box of a VNN-LIB file scaled to [-1, 1]^n, inputs that it fixes taken out."""
    from cpwl_milp.onnx_io import read_vnnlib_boxes

    (weight, bias), *rest = pairs
    (box,) = read_vnnlib_boxes(inputs, weight.shape[1])
    centre, radius = (box.lower + box.upper) / 2, (box.upper - box.lower) / 2
    free = radius > 0
    return [(weight[:, free] * radius[free], bias + weight @ centre), *rest]


def _dense(weight: object) -> NDArray[np.float64]:
    toarray = getattr(weight, "toarray", None)
    return np.asarray(weight if toarray is None else toarray(), dtype=np.float64)
