"""Write docs/simplify.md: what `simplify` makes of a folder of models, each in its own process.

The domain of a model is the first input box of the first property that expected.csv names for it,
else [-1, 1]^n. The options are those that the model needs to be read at all.

Usage: python scripts/simplify_table.py MODELS_FOLDER [-o docs/simplify.md] [--seconds 10]
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_HEAD = """# What `simplify` removes

`python scripts/simplify_table.py MODELS_FOLDER` writes this page: the public networks of the
tests, each simplified on the input box of one of its properties (the first that is listed), or on
[-1, 1]^n where there is none, with {seconds:g} s for what the cheapest bounds leave open.
[How it works](explanation/questions.md#an-equivalent-smaller-network).

*Rows* are values of hidden layers, those that are passed on included. *on*, *off*: units with a
proof. *open*: units that time did not settle, claims of the solver included. *difference*: the
largest of an output by onnxruntime on 512 inputs, corners of the box among them; *relative*: over
the size of the terms that the output is added up from; *own*: the same of the model itself, by
onnxruntime, from exact weights in float64, the rounding that any change of order brings. Seconds
are those of the search, one core of a machine that others used as well.

| model | domain | rows | after | units | on | off | open | seconds | difference | relative | own |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
"""


def main() -> None:
    """Simplify all models, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/simplify.md"))
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--timeout", type=float, default=180.0)
    options = parser.parse_args()
    properties = _properties(options.models)
    lines, told = [], []
    for path in sorted(options.models.rglob("*.onnx")):
        name = str(path.relative_to(options.models))
        if name.startswith("negative/"):
            continue
        where = properties.get(name)
        domain = ["--box", "-1,1"] if where is None else ["--vnnlib", f"{options.models / where}"]
        answer = _simplified(path, domain, options.seconds, options.timeout)
        shown = "[-1, 1]^n" if where is None else Path(where).name
        if isinstance(answer, str):
            told.append(f"| {name} | {shown} | {answer} |")
        else:
            lines.append(_row(name, shown, answer))
        print(name, answer if isinstance(answer, str) else lines[-1], file=sys.stderr, flush=True)
    text = _HEAD.format(seconds=options.seconds) + "\n".join(lines)
    if told:
        text += "\n\nNot written:\n\n| model | domain | why |\n|---|---|---|\n" + "\n".join(told)
    options.output.write_text(text + "\n", encoding="utf-8")


def _properties(folder: Path) -> dict[str, str]:
    """The first property of each model."""
    found: dict[str, str] = {}
    file = folder / "expected.csv"
    if file.is_file():
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                if (folder / row["vnnlib"]).is_file():
                    found.setdefault(row["model"], row["vnnlib"])
    return found


def _simplified(
    path: Path, domain: list[str], seconds: float, timeout: float
) -> dict[str, Any] | str:
    """What the command answers, or why it does not."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["simplify", str(path), *domain, "-o", f"{folder}/smaller.onnx", "--json"]
        result = _run([*arguments, "--max-seconds", f"{seconds:g}"], timeout)
        if isinstance(result, str):
            return result
        if "choose one with --vnnlib" in result.stderr:
            arguments[3] += ":0"
            result = _run([*arguments, "--max-seconds", f"{seconds:g}"], timeout)
        if not isinstance(result, str) and "--strip-output" in result.stderr:
            result = _run([*arguments, "--strip-output"], timeout)
        if isinstance(result, str):
            return result
        if result.returncode:
            why = result.stderr.strip().splitlines()[-1].removeprefix("error: ")
            return why.replace(str(path), path.name).replace(folder, "").replace("|", "\\|")
        found: dict[str, Any] = json.loads(result.stdout)
        return found


def _run(arguments: list[str], timeout: float) -> subprocess.CompletedProcess[str] | str:
    command = [sys.executable, "-m", "cpwl_milp.cli", *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return f"not done in {timeout:g} s"


def _row(name: str, domain: str, answer: dict[str, Any]) -> str:
    layers = answer["layers"]
    unsettled = ("open", "claimed_on", "claimed_off")
    cells = (
        name,
        domain,
        f"{sum(answer['rows_before']):,}",
        f"{sum(answer['rows_after']):,}",
        f"{sum(layer['units'] for layer in layers):,}",
        f"{sum(layer['always_on'] for layer in layers):,}",
        f"{sum(layer['always_off'] for layer in layers):,}",
        f"{sum(layer[k] for layer in layers for k in unsettled):,}",
        f"{answer['seconds']:.1f}",
        f"{answer['equality']['max_absolute']:.1e}",
        f"{answer['equality']['max_relative']:.1e}",
        f"{answer['equality']['max_model']:.1e}",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
