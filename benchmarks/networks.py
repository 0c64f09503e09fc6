"""The benchmark's networks, by name, as plain arrays that every tool can take.

``3-16-16`` is a random network of 3 inputs and two hidden layers; ``3-16-16#7`` the same with
seed 7; ``shared:small/marabou/fc1.onnx`` a public network from beside the checkout.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

# Weight (n_out, n_in) and bias (n_out,) of each layer; the last pair is the output.
Chain: TypeAlias = list[tuple[NDArray[np.float64], NDArray[np.float64]]]

SHARED_MODELS = Path(__file__).resolve().parent.parent.parent / "shared" / "models"
_SHARED = "shared:"


def chain(name: str) -> Chain:
    """The network of a name; its domain is the box [-1, 1]^n.

    Raises
    ------
    ValueError
        If a public network is not a chain of plain ReLU layers.
    """
    if name.startswith(_SHARED):
        return _imported(SHARED_MODELS / name.removeprefix(_SHARED))
    shape, _, seed = name.partition("#")
    n_inputs, *widths = (int(part) for part in shape.split("-"))
    return random_chain(np.random.default_rng(int(seed or 0)), n_inputs, widths)


def available(name: str) -> bool:
    """Whether the network can be had here."""
    return not name.startswith(_SHARED) or (SHARED_MODELS / name.removeprefix(_SHARED)).is_file()


def random_chain(rng: np.random.Generator, n_inputs: int, widths: list[int]) -> Chain:
    """He-normal weights, biases N(0, 0.1^2), one output."""
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


def _dense(weight: object) -> NDArray[np.float64]:
    toarray = getattr(weight, "toarray", None)
    return np.asarray(weight if toarray is None else toarray(), dtype=np.float64)
