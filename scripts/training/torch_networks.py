"""Networks in PyTorch: build, train with checkpoints, export to ONNX."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import onnx
import torch
from torch import nn

from training.datasets import Dataset


@dataclass(frozen=True)
class Recipe:
    """How to train: Adam on the cross-entropy, minibatches in a fresh random order each epoch."""

    epochs: int
    learning_rate: float
    batch_size: int
    seed: int


@dataclass(frozen=True)
class Checkpoint:
    """Where the training stands after `epoch` passes; accuracies between 0 and 1."""

    epoch: int
    train_accuracy: float
    test_accuracy: float

    def __str__(self) -> str:
        return f"accuracy {self.train_accuracy:.3f} in training, {self.test_accuracy:.3f} held out"


def make_deterministic(seed: int) -> None:
    """One thread, deterministic kernels and a fixed seed: the same machine, the same bytes."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)


def dense(widths: Sequence[int], activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Fully connected layers of the given widths, inputs and outputs included."""
    modules: list[nn.Module] = []
    for n_in, n_out in pairwise(widths[:-1]):
        modules += [nn.Linear(n_in, n_out), activation()]
    return nn.Sequential(*modules, nn.Linear(widths[-2], widths[-1]))


def small_conv() -> nn.Sequential:
    """Two 3x3 convolutions of eight channels on an 8x8 picture, then one dense layer."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 8, 3),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * 4 * 4, 10),
    )


def log_spaced_epochs(last: int, count: int) -> tuple[int, ...]:
    """Epoch 0, then about `count - 1` epochs up to `last`, evenly spaced in their logarithm."""
    spaced = np.geomspace(1, last, count - 1).round().astype(int)
    return tuple(sorted({0, *spaced.tolist()}))


def train(
    network: nn.Module, data: Dataset, recipe: Recipe, checkpoints: Sequence[int]
) -> Iterator[Checkpoint]:
    """Train in place, pausing at each epoch of `checkpoints` (0 = before any training)."""
    order = np.random.default_rng(recipe.seed)
    x, y = torch.from_numpy(data.train_x), torch.from_numpy(data.train_y)
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    loss = nn.CrossEntropyLoss()
    for epoch in range(recipe.epochs + 1):
        if epoch in checkpoints:
            yield Checkpoint(
                epoch,
                _accuracy(network, data.train_x, data.train_y),
                _accuracy(network, data.test_x, data.test_y),
            )
        if epoch < recipe.epochs:
            rows = torch.from_numpy(order.permutation(len(x)))
            for batch in rows.split(recipe.batch_size):
                optimiser.zero_grad()
                loss(network(x[batch]), y[batch]).backward()
                optimiser.step()


@torch.no_grad()
def _accuracy(network: nn.Module, x: np.ndarray, y: np.ndarray) -> float:
    winners = network(torch.from_numpy(x)).argmax(dim=1).numpy()
    return float((winners == y).mean())


def to_onnx(network: nn.Module, n_inputs: int) -> onnx.ModelProto:
    """The network as ONNX: input `x` (batch, n_inputs), output `logits`, weights inside the file.

    PyTorch's exporter notes the source lines it traced, which would carry the paths of the machine
    it ran on into the file: these notes are removed.
    """
    buffer = io.BytesIO()
    # The exporter warns of a missing torchvision and of PyTorch's own deprecations.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.onnx.export(
            network.eval(),
            (torch.zeros(2, n_inputs),),
            buffer,
            input_names=["x"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            external_data=False,
            verbose=False,
        )
    model = onnx.load_model_from_string(buffer.getvalue())
    graph = model.graph
    for item in (
        model,
        graph,
        *graph.node,
        *graph.input,
        *graph.output,
        *graph.value_info,
        *graph.initializer,
    ):
        item.doc_string = ""
        del item.metadata_props[:]
    return model
