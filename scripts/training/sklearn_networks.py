"""Networks in scikit-learn: train and export to ONNX through skl2onnx."""

from __future__ import annotations

import warnings

import numpy as np
import onnx
from onnx.utils import Extractor
from skl2onnx import to_onnx as skl_to_onnx
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from training.datasets import Dataset


def train_classifier(
    data: Dataset, hidden: tuple[int, ...], *, epochs: int, seed: int
) -> MLPClassifier:
    """Fit a ReLU network for a fixed number of epochs."""
    classifier = MLPClassifier(
        hidden_layer_sizes=hidden,
        learning_rate_init=0.01,
        max_iter=epochs,
        n_iter_no_change=epochs,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # The number of epochs is our choice: that the loss still falls at its end is no fault.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return classifier.fit(data.train_x, data.train_y)


def to_onnx(classifier: MLPClassifier) -> onnx.ModelProto:
    """The classifier as skl2onnx writes it: float32 input `X`, a label and class probabilities."""
    example = np.zeros((1, classifier.n_features_in_), dtype=np.float32)
    return skl_to_onnx(classifier, example, options={id(classifier): {"zipmap": False}})


def cut_at_score(model: onnx.ModelProto) -> onnx.ModelProto:
    """The part of an exported classifier up to its score, which is piecewise linear.

    What follows (sigmoid or softmax, argmax, the table of class names) keeps the order of the
    scores but is not piecewise linear.
    """
    heads = [node for node in model.graph.node if node.op_type in ("Sigmoid", "Softmax")]
    if len(heads) != 1:
        raise ValueError(f"expected one Sigmoid or Softmax in the exported model, found {heads}")
    inputs = [value.name for value in model.graph.input]
    # Only shape inference gives the score a declared type, which an output needs.
    typed = onnx.shape_inference.infer_shapes(model)
    return Extractor(typed).extract_model(inputs, [heads[0].input[0]])
