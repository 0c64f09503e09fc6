"""Digits of 8x8 pixels: a dense network 64-32-32-10 and a small convolutional one (PyTorch)."""

from __future__ import annotations

import numpy as np
from training import datasets, outputs, torch_networks

TRAIN_ROWS = 300


def main() -> None:
    """Train, export, and say what was written."""
    arguments = outputs.parser(__doc__, epochs=100).parse_args()
    folder = outputs.OutputFolder(arguments.out)
    data = datasets.digits(arguments.seed)
    recipe = torch_networks.Recipe(arguments.epochs, 2e-3, 100, arguments.seed)
    checkpoints = torch_networks.log_spaced_epochs(recipe.epochs, 4)

    for name in ("dense", "conv"):
        torch_networks.make_deterministic(recipe.seed)
        network = (
            torch_networks.dense((64, 32, 32, 10))
            if name == "dense"
            else torch_networks.small_conv()
        )
        for point in torch_networks.train(network, data, recipe, checkpoints):
            model = torch_networks.to_onnx(network, n_inputs=64)
            folder.save_model(f"digits_{name}_epoch_{point.epoch:04d}", model, str(point))

    # Multiples of 1/16 up to 1 are exact in float16.
    folder.save_array("digits_test_x", data.test_x.astype(np.float16))
    folder.save_array("digits_test_y", data.test_y.astype(np.uint8))
    # Enough of the training part to look at the regions around it.
    folder.save_array("digits_train_x", data.train_x[:TRAIN_ROWS].astype(np.float16))
    folder.save_array("digits_train_y", data.train_y[:TRAIN_ROWS].astype(np.uint8))


if __name__ == "__main__":
    main()
