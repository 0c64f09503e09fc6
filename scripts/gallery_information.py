"""Measure what docs/gallery/information-along-training.md tells of several seeds.

    python scripts/gallery_information.py --work build/information

Trains the networks (PyTorch, the extra `exporters`), asks `cpwl-milp plane` about them, and
replaces what stands between the marks of the page. A quarter of an hour on one core. What is in the
work folder already is neither trained nor asked again.
"""

from __future__ import annotations

import argparse
import csv
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from training import datasets, outputs, szt, torch_networks

PAGE = Path(__file__).resolve().parent.parent / "docs" / "gallery" / "information-along-training.md"
SEEDS = 5
SZT = (12, 10, 7, 5, 4, 3, 2)
MOONS = {"16-16": (2, 16, 16, 2), "16-2-16": (2, 16, 2, 16, 2)}
# A fall of this many bits is more than the noise of propagation.
FALL = 0.1

Course = NDArray[np.float64]


def main() -> None:
    """Train, ask, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for networks and answers")
    work = parser.parse_args().work
    tanh = [szt_run(work, "tanh", seed) for seed in range(SEEDS)]
    relu = [szt_run(work, "relu", seed) for seed in range(SEEDS)]
    moons = {name: [moons_run(work, name, seed) for seed in range(SEEDS)] for name in MOONS}
    tables = {
        "tanh seeds": rises_and_falls(tanh),
        "relu seeds": learning(relu, ("prefix", "own")),
        "relu layers": by_layer(relu),
        "moons seeds": "\n\n".join(
            f"2-{name}-2:\n\n{learning(runs, ('prefix', 'own'))}" for name, runs in moons.items()
        ),
        "moons layers": "\n\n".join(
            f"2-{name}-2:\n\n{by_layer(runs)}" for name, runs in moons.items()
        ),
    }
    text = PAGE.read_text(encoding="utf-8")
    for name, table in tables.items():
        mark = re.compile(f"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        assert mark.search(text), name
        text = mark.sub(lambda found, table=table: f"{found[1]}\n{table}\n\n{found[2]}", text)
    PAGE.write_text(text, encoding="utf-8")


class Run:
    """The table of one call of `plane`: a quantity as an array of epochs x layers."""

    def __init__(self, folder: Path) -> None:
        with (folder / "plane.csv").open(encoding="utf-8") as file:
            self.rows = list(csv.DictReader(file))
        self.epochs = sorted({int(row["epoch"]) for row in self.rows})

    def of(self, column: str) -> Course:
        """Values, NaN where there are none."""
        found = [
            [float(row[column] or "nan") for row in self.rows if int(row["epoch"]) == epoch]
            for epoch in self.epochs
        ]
        values = np.array(found)
        return values[:, ~np.isnan(values).all(axis=0)]


def szt_run(work: Path, activation: str, seed: int) -> Run:
    """All inputs of the 12-bit data through one training; nothing but noise is estimated."""
    folder = work / f"szt-{activation}-{seed}"
    trained(folder, SZT, activation, datasets.szt_bits(seed), 400, 4e-3, 256, seed)
    x, y = szt.inputs_and_labels()
    np.save(work / "szt_x.npy", x)
    np.save(work / "szt_y.npy", y)
    more = ["--atoms", "--permutations", "100", "--activations", "binning,propagation"]
    return asked(work, folder, "szt_x.npy", "szt_y.npy", [*more, "--noise-draws", "1"])


def moons_run(work: Path, name: str, seed: int) -> Run:
    """Held-out samples through one training."""
    folder = work / f"moons-{name}-{seed}"
    data = datasets.moons(seed)
    trained(folder, MOONS[name], "relu", data, 100, 0.01, 50, seed)
    np.save(work / f"moons_{seed}_x.npy", data.test_x)
    np.save(work / f"moons_{seed}_y.npy", data.test_y)
    return asked(work, folder, f"moons_{seed}_x.npy", f"moons_{seed}_y.npy", [])


def trained(
    folder: Path,
    widths: Sequence[int],
    activation: str,
    data: datasets.Dataset,
    epochs: int,
    rate: float,
    batch: int,
    seed: int,
) -> None:
    """Write checkpoints, unless they are there."""
    if folder.is_dir():
        return
    from torch import nn

    recipe = torch_networks.Recipe(epochs, rate, batch, seed)
    torch_networks.make_deterministic(seed)
    network = torch_networks.dense(widths, nn.ReLU if activation == "relu" else nn.Tanh)
    files = outputs.OutputFolder(folder.with_suffix(".part"))
    points = torch_networks.log_spaced_epochs(epochs, 14)
    for point in torch_networks.train(network, data, recipe, points):
        model = torch_networks.to_onnx(network, n_inputs=widths[0])
        files.save_model(f"epoch_{point.epoch:04d}", model, str(point))
    files.path.rename(folder)


def asked(work: Path, folder: Path, x: str, y: str, more: Sequence[str]) -> Run:
    """One call of the command line, which goes on where it was stopped."""
    answer = work / "planes" / folder.name
    if not (answer / "plane.csv").exists():
        command = [sys.executable, "-m", "cpwl_milp.cli", "plane", folder.name]
        command += ["--data", x, "--labels", y, "-o", f"planes/{folder.name}", *more]
        subprocess.run(command, cwd=work, check=True, stdout=subprocess.DEVNULL)
        print(answer)
    return Run(answer)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def rises_and_falls(runs: Sequence[Run]) -> str:
    """Of each layer: at the beginning, at its largest after epoch 0, and at the end."""
    rows = []
    for title, column in (
        ("I(X; T + Z)", "propagation_mi_inputs_bits"),
        ("H(Bin)", "bin_entropy_bits"),
    ):
        for layer in range(5):
            courses = [run.of(column)[:, layer] for run in runs]
            after = [int(course[1:].argmax()) + 1 for course in courses]
            falls = sum(c[k] - c[-1] > FALL for c, k in zip(courses, after, strict=True))
            rises = sum(c[k] - c[0] > FALL for c, k in zip(courses, after, strict=True))
            rows.append(
                [
                    f"{title}, layer {layer + 1}",
                    ", ".join(f"{c[0]:.1f}" for c in courses),
                    ", ".join(
                        f"{c[k]:.1f} ({run.epochs[k]})"
                        for run, c, k in zip(runs, courses, after, strict=True)
                    ),
                    ", ".join(f"{c[-1]:.1f}" for c in courses),
                    f"{rises} of {len(runs)}",
                    f"{falls} of {len(runs)}",
                ]
            )
    head = ["bits", "epoch 0", "largest (epoch)", "last epoch", "rises", "falls again"]
    return table(head, rows)


def learning(runs: Sequence[Run], kinds: Sequence[str]) -> str:
    """I(Y; patterns) before and after training, and what permuted labels give then."""
    rows = []
    n_layers = runs[0].of("own_regions").shape[1]
    for kind in kinds:
        for layer in range(n_layers):
            told = [run.of(f"{kind}_mi_labels_bits")[:, layer] for run in runs]
            null = [run.of(f"{kind}_null_mean")[:, layer] for run in runs]
            # What exceeds the null, as counts of patterns change along training, too.
            gains = [(a[-1] - b[-1]) - (a[0] - b[0]) for a, b in zip(told, null, strict=True)]
            rows.append(
                [
                    f"{kind}, layer {layer + 1}",
                    ", ".join(f"{a[0]:.2f}" for a in told),
                    ", ".join(f"{a[-1]:.2f}" for a in told),
                    ", ".join(f"{b[-1]:.2f}" for b in null),
                    f"{sum(gain > 0.01 for gain in gains)} of {len(runs)}",
                ]
            )
    head = ["I(Y; patterns), bits", "epoch 0", "last epoch", "null, last", "more beyond the null"]
    return table(head, rows)


def by_layer(runs: Sequence[Run]) -> str:
    """What layers hold after training."""
    rows = []
    for title, column, form in (
        ("own patterns seen", "own_regions", "{:.0f}"),
        ("prefixes seen", "prefix_regions", "{:.0f}"),
        ("H of own, bits", "own_entropy_bits", "{:.1f}"),
        ("I(Y; own), bits", "own_mi_labels_bits", "{:.2f}"),
        ("I(Y; prefix), bits", "prefix_mi_labels_bits", "{:.2f}"),
    ):
        courses = [run.of(column)[-1] for run in runs]
        rows.append(
            [
                title,
                *(
                    ", ".join(form.format(course[layer]) for course in courses)
                    for layer in range(len(courses[0]))
                ),
            ]
        )
    head = ["last epoch", *(f"layer {k + 1}" for k in range(len(rows[0]) - 1))]
    return table(head, rows)


if __name__ == "__main__":
    main()
