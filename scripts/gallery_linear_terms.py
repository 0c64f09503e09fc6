"""Measure what docs/gallery/linear-terms-dense-conv.md tells, and write its tables and its figure.

    python scripts/gallery_linear_terms.py --work build/terms

Trains the networks (PyTorch, the extra `exporters`), asks `cpwl-milp terms` about them, and
replaces what stands between the marks of the page. Some minutes on one core. Networks that are in
the work folder already are not trained again, answers there not asked again.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from training import datasets, outputs, torch_networks

PAGE = Path(__file__).resolve().parent.parent / "docs" / "gallery" / "linear-terms-dense-conv.md"
FIGURE = PAGE.with_suffix(".svg")
SEEDS = 5
EPOCHS = 100
# The wide network has as many units, layer by layer, as the convolutional one.
NETWORKS: dict[str, Callable[[], Any]] = {
    "dense 32-32": lambda: torch_networks.dense((64, 32, 32, 10)),
    "dense 288-128": lambda: torch_networks.dense((64, 288, 128, 10)),
    "conv 8-8": torch_networks.small_conv,
}
_FIGURE_SEED = 0

Answers = dict[str, list[dict[str, Any]]]


def main() -> None:
    """Train, ask, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for networks and answers")
    work = parser.parse_args().work
    work.mkdir(parents=True, exist_ok=True)
    answers: Answers = {name: [] for name in NETWORKS}
    for seed in range(SEEDS):
        data = datasets.digits(seed)
        for part in ("train", "test"):
            np.save(work / f"{seed}-{part}-x.npy", getattr(data, f"{part}_x"))
            np.save(work / f"{seed}-{part}-y.npy", getattr(data, f"{part}_y"))
        for name in NETWORKS:
            trained(name, seed, data, work)
            answers[name].append(asked(name, seed, work))
    text = PAGE.read_text(encoding="utf-8")
    for mark, table in tables(answers).items():
        place = re.compile(f"(<!-- {mark} -->\n).*?(<!-- end -->)", re.DOTALL)
        assert place.search(text), mark
        text = place.sub(lambda found, table=table: f"{found[1]}\n{table}\n{found[2]}", text)
    PAGE.write_text(text, encoding="utf-8")
    shutil.copy(work / f"{_slug('conv 8-8')}-{_FIGURE_SEED}" / "pairs.svg", FIGURE)


def _slug(name: str) -> str:
    return name.replace(" ", "-")


def trained(name: str, seed: int, data: datasets.Dataset, work: Path) -> None:
    """A network at the middle and at the end of its training."""
    epochs = (EPOCHS // 2, EPOCHS)
    files = [f"{_slug(name)}-{seed}-epoch_{epoch:04d}" for epoch in epochs]
    if all((work / f"{file}.onnx").exists() for file in files):
        return
    recipe = torch_networks.Recipe(EPOCHS, 2e-3, 100, seed)
    torch_networks.make_deterministic(seed)
    network = NETWORKS[name]()
    folder = outputs.OutputFolder(work)
    points = torch_networks.train(network, data, recipe, epochs)
    for point, file in zip(points, files, strict=True):
        folder.save_model(file, torch_networks.to_onnx(network, n_inputs=64), str(point))


def asked(name: str, seed: int, work: Path) -> dict[str, Any]:
    """The answer of one call of the command line, remembered."""
    start = f"{_slug(name)}-{seed}"
    file = work / f"{start}.json"
    if not file.exists():
        command = [sys.executable, "-m", "cpwl_milp.cli", "terms", f"{start}-epoch_0100.onnx"]
        command += ["--data", f"{seed}-train-x.npy", "--labels", f"{seed}-train-y.npy"]
        command += ["--test", f"{seed}-test-x.npy", "--test-labels", f"{seed}-test-y.npy"]
        command += ["--statistics", "--codes", "--image", "8,8", "--rays", "500"]
        command += ["--against", f"{start}-epoch_0050.onnx", "--folder", start]
        command += ["-o", "terms.npz", "--seed", str(seed), "--json"]
        done = subprocess.run(command, cwd=work, stdout=subprocess.PIPE, text=True, check=True)
        answer = json.loads(done.stdout)
        # What single points say is not needed again.
        del answer["points"]
        file.write_text(json.dumps(answer), encoding="utf-8")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def tables(answers: Answers) -> dict[str, str]:
    """All tables of the page, by their marks."""
    return {
        "claims": claims(answers),
        "growth": growth(answers),
        "shifts and rays": shifts_and_rays(answers),
        "codes": codes(answers),
    }


def _group(answer: dict[str, Any], group: str) -> dict[str, Any]:
    rows = answer["statistics"]["winners"]
    return next(row for row in rows if row["group"] == group)


def _same_bits(answer: dict[str, Any], group: str) -> float:
    rows = [row for row in answer["statistics"]["patterns"] if row["group"] == group]
    return float(np.mean([row["same_bits"]["mean"] for row in rows]))


def _table(
    answers: Answers, rows: Sequence[tuple[str, str, Callable[[dict[str, Any]], float]]]
) -> str:
    lines = ["| | " + " | ".join(answers) + " |", "|---|" + "---|" * len(answers)]
    for text, form, measure in rows:
        cells = []
        for found in answers.values():
            values = [measure(answer) for answer in found]
            each = ", ".join(form.format(value) for value in values)
            cells.append(f"**{form.format(float(np.median(values)))}** ({each})")
        lines.append(f"| {text} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def claims(answers: Answers) -> str:
    """Accuracy, agreement, angles, correlations, distinct terms."""
    rows: list[tuple[str, str, Callable[[dict[str, Any]], float]]] = [
        ("test accuracy of the network", "{:.3f}", lambda a: a["tropical"][1]["network_accuracy"]),
        ("... of the extracted classifier", "{:.3f}", lambda a: a["tropical"][1]["accuracy"]),
        ("agreement, test", "{:.3f}", lambda a: a["tropical"][1]["agreement"]),
        ("distinct terms of 1297 training points", "{:.0f}", lambda a: a["distinct_terms"]),
        ("... distinct patterns", "{:.0f}", lambda a: a["distinct_patterns"]),
        (
            "angle to the winner, agreeing",
            "{:.1f}",
            lambda a: _group(a, "agree")["angle"]["median"],
        ),
        (
            "... disagreeing",
            "{:.0f}",
            lambda a: _group(a, "disagree")["angle"]["median"] or float("nan"),
        ),
        (
            "angle to a random one of the class",
            "{:.1f}",
            lambda a: _group(a, "same class")["angle"]["median"],
        ),
        (
            "winner's angle / random one's",
            "{:.2f}",
            lambda a: (
                _group(a, "agree")["angle"]["median"] / _group(a, "same class")["angle"]["median"]
            ),
        ),
        (
            "correlation with the winner",
            "{:.3f}",
            lambda a: _group(a, "agree")["correlation"]["median"],
        ),
        ("same bits as the winner", "{:.3f}", lambda a: _same_bits(a, "agree")),
        ("... as a random one of the class", "{:.3f}", lambda a: _same_bits(a, "same class")),
        (
            "straight terms, test",
            "{:.2f}",
            lambda a: a["tropical"][1]["straight_terms"] / a["tropical"][1]["points"],
        ),
        (
            "angle to the same point's term at epoch 50",
            "{:.1f}",
            lambda a: a["statistics"]["networks"][0]["angle"]["median"],
        ),
        ("F / f", "{:.0f}", lambda a: a["tropical"][0]["magnitude"]),
    ]
    return _table(answers, rows)


def growth(answers: Answers) -> str:
    """Agreement on test points by the share of training terms."""
    shares = [row["share"] for row in next(iter(answers.values()))[0]["tropical"][1]["growth"]]
    kept = [k for k, share in enumerate(shares) if round(share, 2) in (0.1, 0.2, 0.4, 0.7, 1.0)]
    return _table(
        answers,
        [
            (
                f"{shares[k]:.0%} of the terms",
                "{:.3f}",
                lambda a, k=k: a["tropical"][1]["growth"][k]["agreement"],
            )
            for k in kept
        ],
    )


def shifts_and_rays(answers: Answers) -> str:
    """One pixel in the four main directions; first changes along rays."""

    def shifted(answer: dict[str, Any], *path: str) -> float:
        values = []
        for row in answer["statistics"]["shifts"]:
            if abs(row["down"]) + abs(row["right"]) == 1:
                value = row
                for key in path:
                    value = value[key]
                values.append(value)
        return float(np.mean(values))

    def ray(answer: dict[str, Any], how: str, what: str) -> float:
        return float(answer["statistics"]["rays"][how][what]["median"])

    rows: list[tuple[str, str, Callable[[dict[str, Any]], float]]] = [
        ("class kept, one pixel", "{:.2f}", lambda a: shifted(a, "same_label")),
        ("... extracted classifier", "{:.2f}", lambda a: shifted(a, "extracted_same_label")),
        ("angle to the old term", "{:.0f}", lambda a: shifted(a, "angle_to_own", "median")),
        (
            "angle to the old term, shifted",
            "{:.0f}",
            lambda a: shifted(a, "angle_to_shifted", "median"),
        ),
        ("first other pattern, exact", "{:.4f}", lambda a: ray(a, "exact", "pattern")),
        ("... on the published grid", "{:.4f}", lambda a: ray(a, "grid", "pattern")),
        ("first other class, exact", "{:.2f}", lambda a: ray(a, "exact", "label")),
        ("... on the published grid", "{:.2f}", lambda a: ray(a, "grid", "label")),
    ]
    return _table(answers, rows)


def codes(answers: Answers) -> str:
    """Patterns of all units as codes."""

    def whole(answer: dict[str, Any], measure: str) -> float:
        return float(next(r for r in answer["codes"] if r["layer"] is None)[measure])

    texts = {
        "redundancy": "redundancy",
        "seen": "test codes seen in training",
        "neighbours": "k-NN on codes",
        "logistic": "logistic regression on codes",
        "clusters": "k-means on codes",
    }
    return _table(
        answers,
        [(text, "{:.3f}", lambda a, key=key: whole(a, key)) for key, text in texts.items()],
    )


if __name__ == "__main__":
    main()
