"""Measure what docs/gallery/regions-around-data.md tells, and write its tables and its figure.

    python scripts/gallery_around_data.py --work build/gallery

Trains the networks (PyTorch, the extra `exporters`), asks `cpwl-milp local` about them, and
replaces what stands between the marks of the page. A quarter of an hour on one core. Networks
that are in the work folder already are not trained again, answers there not asked again.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from training import datasets, outputs, torch_networks

PAGE = Path(__file__).resolve().parent.parent / "docs" / "gallery" / "regions-around-data.md"
FIGURE = PAGE.with_name("regions-around-data.svg")
EPOCHS = (0, 20, 100)
OTHERS = ("test", "uniform:0,1", "normal:0,1", "uniform:-1,2", "permuted")


@dataclass(frozen=True)
class Task:
    """A data set, the networks trained on it, and the balls to look at."""

    name: str
    widths: tuple[int, ...]
    seeds: int
    learning_rate: float
    batch: int
    exact_radius: float
    radius: float
    others: tuple[str, ...]


TASKS = (
    Task("digits", (64, 32, 32, 10), 5, 2e-3, 100, 0.1, 0.5, OTHERS),
    Task("moons", (2, 16, 16, 2), 3, 0.01, 50, 0.3, 0.3, ("test", "uniform", "permuted")),
)


def main() -> None:
    """Train, ask, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for networks and answers")
    parser.add_argument("--points", type=int, default=300, help="points of each set")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    tables = {}
    for task in TASKS:
        answers = []
        for seed in range(task.seeds):
            models = trained(task, seed, arguments.work)
            answers.append(asked(task, seed, models, arguments.work, arguments.points))
        tables[f"{task.name} training"] = along_training(answers)
        tables[f"{task.name} elsewhere"] = elsewhere(task, answers)
    text = PAGE.read_text(encoding="utf-8")
    for name, table in tables.items():
        mark = re.compile(f"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        assert mark.search(text), name
        text = mark.sub(lambda found, table=table: f"{found[1]}\n{table}\n{found[2]}", text)
    PAGE.write_text(text, encoding="utf-8")
    shutil.copy(arguments.work / "digits-0-near-course" / "course.svg", FIGURE)


def trained(task: Task, seed: int, work: Path) -> list[Path]:
    """Checkpoints of one training, and the data beside them."""
    data = getattr(datasets, task.name)(seed)
    for part in ("train", "test"):
        np.save(work / f"{task.name}-{seed}-{part}.npy", getattr(data, f"{part}_x"))
    names = [f"{task.name}-{seed}-epoch_{epoch:04d}" for epoch in EPOCHS]
    if not all((work / f"{name}.onnx").exists() for name in names):
        recipe = torch_networks.Recipe(EPOCHS[-1], task.learning_rate, task.batch, seed)
        torch_networks.make_deterministic(seed)
        network = torch_networks.dense(task.widths)
        folder = outputs.OutputFolder(work)
        for point, name in zip(
            torch_networks.train(network, data, recipe, EPOCHS), names, strict=True
        ):
            model = torch_networks.to_onnx(network, n_inputs=task.widths[0])
            folder.save_model(name, model, str(point))
    return [work / f"{name}.onnx" for name in names]


def asked(task: Task, seed: int, models: Sequence[Path], work: Path, n: int) -> dict[str, Any]:
    """The answers for one seed: exact in small balls, bounds and samples in larger ones.

    Along training for the data alone; against other points after it.
    """
    data = ["--data", f"{task.name}-{seed}-train.npy", "--points", str(n)]
    others = []
    for other in task.others:
        others += ["--compare", f"{task.name}-{seed}-test.npy" if other == "test" else other]
    names = [model.name for model in models]
    balls = {
        "near": [f"--radius={task.exact_radius}", "--max-regions=30000", "--max-seconds=60"],
        "far": [f"--radius={task.radius}", "--no-count"],
    }
    found = {}
    for kind, options in balls.items():
        start = f"{task.name}-{seed}-{kind}"
        found[f"{kind} course"] = answered(names, [*data, *options], work, f"{start}-course")
        found[kind] = answered(names[-1:], [*data, *others, *options], work, start)
    return found


def answered(names: Sequence[str], options: Sequence[str], work: Path, out: str) -> dict[str, Any]:
    """One call of the command line, remembered."""
    file = work / f"{out}.json"
    if not file.exists():
        command = [sys.executable, "-m", "cpwl_milp.cli", "local", *names, *options]
        done = subprocess.run(
            [*command, "--json", "-o", out], cwd=work, stdout=subprocess.PIPE, text=True
        )
        assert done.returncode in (0, 3), command
        file.write_text(done.stdout, encoding="utf-8")
        print(f"{out}: {json.loads(done.stdout)['seconds']:.0f} s")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def median(answer: dict[str, Any], measure: str, model: int, points: str = "data") -> float:
    """A median of one set of one network."""
    for row in answer["summary"]:
        if (row["model"], row["set"], row["label"], row["measure"]) == (
            model,
            points,
            None,
            measure,
        ):
            return float("nan") if row["median"] is None else float(row["median"])
    raise KeyError(measure)


def along_training(answers: Sequence[dict[str, Any]]) -> str:
    """Medians over the training points by epoch, one seed after the other."""
    rows = [
        "| median over training points | " + " | ".join(f"epoch {e}" for e in EPOCHS) + " |",
        "|---|" + "--:|" * len(EPOCHS),
    ]
    for text, part, measure, form in (
        ("distance to the nearest boundary", "near", "boundary_distance", "{:.4f}"),
        ("regions, r = {near:g}", "near", "lower", "{:.0f}"),
        ("patterns in 300 samples, r = {far:g}", "far", "sampled_patterns", "{:.0f}"),
        ("log10 BallBound, r = {far:g}", "far", "log10_upper", "{:.1f}"),
        ("crossing units, r = {far:g}", "far", "crossing_units", "{:.0f}"),
    ):
        cells = [
            ", ".join(
                form.format(median(answer[f"{part} course"], measure, model)) for answer in answers
            )
            for model in range(len(EPOCHS))
        ]
        radii = {kind: answers[0][kind]["radii"][0] for kind in ("near", "far")}
        rows.append(f"| {text.format(**radii)} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def elsewhere(task: Task, answers: Sequence[dict[str, Any]]) -> str:
    """After training: medians of every set, and in how many seeds the data hold more."""
    measures = (
        (f"regions, r = {task.exact_radius:g}", "near", "lower"),
        (f"patterns in samples, r = {task.radius:g}", "far", "sampled_patterns"),
        (f"log10 BallBound, r = {task.radius:g}", "far", "log10_upper"),
        ("distance", "near", "boundary_distance"),
    )
    rows = [
        "| points | " + " | ".join(text for text, _, _ in measures) + " |",
        "|---|" + "---|" * len(measures),
    ]
    for place, name in enumerate(["training data", *task.others]):
        cells = []
        for _, part, measure in measures:
            form = {"log10_upper": "{:.1f}", "boundary_distance": "{:.3f}"}.get(measure, "{:.0f}")
            sets = [answer[part]["sets"][place]["name"] for answer in answers]
            values = [
                form.format(median(answer[part], measure, 0, points))
                for answer, points in zip(answers, sets, strict=True)
            ]
            verdict = "" if place == 0 else f"; {votes(answers, part, measure, sets)}"
            cells.append(f"{', '.join(values)}{verdict}")
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def votes(answers: Sequence[dict[str, Any]], part: str, measure: str, sets: Sequence[str]) -> str:
    """Seeds in which the data are higher, and lower, at p < 0.01 by the signed-rank test."""
    higher = lower = 0
    for answer, points in zip(answers, sets, strict=True):
        for row in answer[part]["comparisons"]:
            if (row["against_set"], row["measure"]) == (points, measure) and row[
                "wilcoxon_p"
            ] < 0.01:
                higher += row["effect"] > 0
                lower += row["effect"] < 0
    return f"**{higher}+ {lower}-**"


if __name__ == "__main__":
    main()
