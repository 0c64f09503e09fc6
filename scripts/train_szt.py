"""The 12-bit data of Shwartz-Ziv and Tishby: networks 12-10-7-5-4-3-2 along their training.

A tanh network is not piecewise linear, so it has no regions to count: it is made for comparison by
binning or noise, as in the literature on the information plane.
"""

from __future__ import annotations

from torch import nn
from training import datasets, outputs, szt, torch_networks

WIDTHS = (12, 10, 7, 5, 4, 3, 2)


def main() -> None:
    """Train, export, and say what was written."""
    parser = outputs.parser(__doc__, epochs=400)
    parser.add_argument(
        "--checkpoints", type=int, default=10, help="about so many, log-spaced (default 10)"
    )
    arguments = parser.parse_args()
    folder = outputs.OutputFolder(arguments.out)
    data = datasets.szt_bits(arguments.seed)
    recipe = torch_networks.Recipe(arguments.epochs, 4e-3, 256, arguments.seed)
    checkpoints = torch_networks.log_spaced_epochs(recipe.epochs, arguments.checkpoints)

    for name, activation in (("relu", nn.ReLU), ("tanh", nn.Tanh)):
        torch_networks.make_deterministic(recipe.seed)
        network = torch_networks.dense(WIDTHS, activation)
        for point in torch_networks.train(network, data, recipe, checkpoints):
            model = torch_networks.to_onnx(network, n_inputs=12)
            folder.save_model(f"szt_{name}_epoch_{point.epoch:04d}", model, str(point))

    inputs, labels = szt.inputs_and_labels()
    folder.save_array("szt_x", inputs)
    folder.save_array("szt_y", labels)


if __name__ == "__main__":
    main()
