"""Who errs where: counts of degenerate networks on [-1, 1]^2, proved and as tools give them.

``python -m benchmarks.errors`` prints a line a family and writes `results/errors.json`: the number
that is proved, what our engines say without a proof, the textbook loop, and relucent where it is
installed. Each of the latter two answers in a process of its own: it may refuse, crash or not end.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable

import numpy as np

from benchmarks import relucent_walk
from benchmarks.degenerate_families import families
from benchmarks.networks import Chain
from benchmarks.ours import problem_of
from benchmarks.results import FOLDER, this_machine
from benchmarks.textbook import textbook_patterns
from cpwl_milp import EngineSettings, list_regions
from cpwl_milp.engines.proof import prove

# CPU seconds of the loop, and seconds that any of them may take by the clock.
_LOOP_SECONDS = 20.0
_MOST_SECONDS = 90.0
_COLUMNS = ("cells", "tree", "textbook loop", "relucent")


def main() -> None:
    """Print the table and write it down."""
    print(f"| network on [-1, 1]^2 | proved | {' | '.join(_COLUMNS)} |")
    print("|---|" + "--:|" * (1 + len(_COLUMNS)))
    lines = []
    for name, pairs in families().items():
        problem = problem_of(pairs)
        tree, _ = list_regions(problem, EngineSettings("tree"))
        cells, _ = list_regions(problem, EngineSettings("cells"))
        proof = prove(problem, [tree.patterns])
        assert proof.complete
        told = [
            str(len(cells)),
            str(len(tree)),
            _asked("loop", name),
            _asked("relucent", name) if relucent_walk.installed() else "-",
        ]
        lines.append(
            {"network": name, "proved": proof.regions, **dict(zip(_COLUMNS, told, strict=True))}
        )
        marked = [text if text in (str(proof.regions), "-") else f"**{text}**" for text in told]
        print(f"| {name} | {proof.regions} | {' | '.join(marked)} |", flush=True)
    text = json.dumps({"machine": this_machine(), "families": lines}, indent=1)
    (FOLDER / "errors.json").write_text(text + "\n", encoding="utf-8")


def _asked(tool: str, family: str) -> str:
    """A tool's count, in a process of its own; what became of it where it gave none."""
    command = [sys.executable, "-m", "benchmarks.errors", tool, family]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_MOST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"none in {_MOST_SECONDS:.0f} s"
    return done.stdout.decode().strip() if done.returncode == 0 else "crashes"


def _loop(pairs: Chain) -> tuple[int, bool]:
    patterns, complete = textbook_patterns(pairs, max_seconds=_LOOP_SECONDS)
    return len(patterns), complete


def _walk(pairs: Chain) -> tuple[int, bool]:
    # It refuses starting points on a hyperplane.
    start = np.random.default_rng(0).uniform(-0.1, 0.1, pairs[0][0].shape[1])
    return relucent_walk.walked(pairs, None, start)


_TOOLS: dict[str, Callable[[Chain], tuple[int, bool]]] = {"loop": _loop, "relucent": _walk}


def answer(tool: str, family: str) -> str:
    """What a tool says; what it raises prints to stderr, as tools' own messages do."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            count, complete = _TOOLS[tool](families()[family])
    except Exception as error:  # whatever a tool refuses with
        print(repr(error), file=sys.stderr)
        return type(error).__name__
    return str(count) if complete else f"{count}, unfinished"


if __name__ == "__main__":
    if sys.argv[1:]:
        print(answer(*sys.argv[1:]))
    else:
        main()
