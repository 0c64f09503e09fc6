"""The command line as a test calls it: in this process, or in one of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner, Result

from cpwl_milp.cli import main
from tests.models.manifest import MODELS
from tests.onnx_io.graphs import model, node, save, value

MOONS = MODELS / "moons" / "moons_torch_epoch_0100.onnx"
MOONS_X = MODELS / "moons" / "moons_test_x.npy"
MOONS_Y = MODELS / "moons" / "moons_test_y.npy"


def invoke(*arguments: object) -> Result:
    """Call the command line in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def answer(*arguments: object, code: int = 0) -> dict[str, Any]:
    """The JSON object that a command prints; `code` is the exit code it must end with."""
    result = invoke(*arguments, "--json")
    assert result.exit_code == code, result.output
    return parsed(result.stdout)


def parsed(text: str) -> dict[str, Any]:
    """Standard output as one JSON object: nothing around it, no NaN, no field twice."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in {text[:200]}")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), pairs
        return dict(pairs)

    found = json.loads(text, parse_constant=refuse, object_pairs_hook=once)
    assert isinstance(found, dict)
    assert text.count("\n") == 1
    return found


def process(
    *arguments: object, module: str = "cpwl_milp.cli", **options: Any
) -> subprocess.Popen[str]:
    """Start the command line in a process of its own, its streams in pipes.

    It heeds Ctrl-C as in a terminal, also where the tests run in the background.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    options["preexec_fn"] = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, text=True, **(streams | options))


def two_inputs(folder: Path) -> Path:
    """Inputs `a` (2) and `b` (1), a free `batch`, six units, outputs `y` and a Softmax `p`."""
    random = np.random.default_rng(0)
    return save(
        model(
            [
                node("Concat", ["a", "b"], ["ab"], axis=1),
                node("Gemm", ["ab", "w0", "b0"], ["z"]),
                node("Relu", ["z"], ["h"]),
                node("Gemm", ["h", "w1"], ["y"]),
                node("Softmax", ["y"], ["p"], axis=1),
            ],
            [value("a", ["batch", 2]), value("b", ["batch", 1])],
            [value("y", None), value("p", None)],
            {
                "w0": random.normal(size=(3, 6)).astype(np.float32),
                "b0": random.normal(size=6).astype(np.float32),
                "w1": random.normal(size=(6, 2)).astype(np.float32),
            },
        ),
        folder,
        "two_inputs.onnx",
    )


def vnnlib(path: Path, *boxes: tuple[tuple[float, float], ...]) -> Path:
    """Write a property over the given input boxes and one output constraint."""
    lines = [f"(declare-const X_{k} Real)" for k in range(len(boxes[0]))]
    lines += ["(declare-const Y_0 Real)", "(declare-const Y_1 Real)"]
    conjunctions = [
        " ".join(f"(>= X_{k} {low}) (<= X_{k} {high})" for k, (low, high) in enumerate(box))
        for box in boxes
    ]
    lines.append("(assert (or " + " ".join(f"(and {c})" for c in conjunctions) + "))")
    lines.append("(assert (<= Y_0 Y_1))")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
