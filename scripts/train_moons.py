"""Two moons, 2-16-16-2: trained with PyTorch and with scikit-learn, exported to ONNX."""

from __future__ import annotations

import numpy as np
from training import datasets, outputs, sklearn_networks, torch_networks


def main() -> None:
    """Train, export, and say what was written."""
    arguments = outputs.parser(__doc__, epochs=100).parse_args()
    folder = outputs.OutputFolder(arguments.out)
    data = datasets.moons(arguments.seed)

    recipe = torch_networks.Recipe(arguments.epochs, 0.01, 50, arguments.seed)
    torch_networks.make_deterministic(recipe.seed)
    network = torch_networks.dense((2, 16, 16, 2))
    checkpoints = torch_networks.log_spaced_epochs(recipe.epochs, 4)
    for point in torch_networks.train(network, data, recipe, checkpoints):
        model = torch_networks.to_onnx(network, n_inputs=2)
        folder.save_model(f"moons_torch_epoch_{point.epoch:04d}", model, str(point))

    classifier = sklearn_networks.train_classifier(
        data, (16, 16), epochs=arguments.epochs, seed=arguments.seed
    )
    accuracy = classifier.score(data.test_x, data.test_y)
    exported = sklearn_networks.to_onnx(classifier)
    folder.save_model("moons_sklearn_classifier", exported, f"accuracy {accuracy:.3f} held out")
    folder.save_model("moons_sklearn_score", sklearn_networks.cut_at_score(exported))

    folder.save_array("moons_test_x", data.test_x)
    folder.save_array("moons_test_y", data.test_y.astype(np.uint8))


if __name__ == "__main__":
    main()
