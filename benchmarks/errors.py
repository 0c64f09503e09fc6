"""Who errs where: counts of degenerate networks on [-1, 1]^2, proved and as tools give them.

``python -m benchmarks.errors`` prints a line a family: the number that is proved, what our engines
say without a proof, the textbook loop, and relucent where it is installed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks import relucent_walk
from benchmarks.networks import Chain, chain
from benchmarks.ours import problem_of
from benchmarks.textbook import textbook_patterns
from cpwl_milp import EngineSettings, list_regions
from cpwl_milp.engines.proof import prove

_SECONDS = 20.0


def _one_layer(weight: list[list[float]], bias: list[float]) -> Chain:
    return [(np.array(weight), np.array(bias)), (np.ones((1, len(bias))), np.zeros(1))]


def _scaled(exponent: int) -> Chain:
    """The generic network with every map times a power of two."""
    return [(np.ldexp(w, exponent), np.ldexp(b, exponent)) for w, b in chain("2-5-4")]


def _tents(depth: int) -> Chain:
    """Layers (y, y - 1/2) with y' = 2 h1 - 4 h2, from y = (x_1 + 1) / 2."""
    first = (np.array([[0.5, 0.0], [0.5, 0.0]]), np.array([0.5, 0.0]))
    later = (np.array([[2.0, -4.0]] * 2), np.array([0.0, -0.5]))
    return [first, *[later] * (depth - 1), (np.array([[2.0, -4.0]]), np.zeros(1))]


def families() -> dict[str, Chain]:
    """The families of networks."""
    generic = chain("2-8-8")
    slope = float(np.nextafter(0.5, 1.0))
    integers = [(np.round(2 * w), np.round(8 * b)) for w, b in chain("2-6-6")]
    return {
        "generic": generic,
        "zero biases": [(w, np.zeros_like(b)) for w, b in generic],
        "biases of 1e-5": [(w, 1e-4 * b) for w, b in generic],
        "parallel": _one_layer([[1.0, 2.0]] * 3, [0.0, 0.25, -0.5]),
        "duplicate and opposite": _one_layer(
            [[1.0, 2.0], [1.0, 2.0], [-1.0, -2.0], [1.0, -1.0]], [0.25, 0.25, -0.25, 0.0]
        ),
        "tents at their kinks": _tents(4),
        "integer weights": integers,
        "aligned with the faces": _one_layer(
            [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], [-1.0, 0.0, 1.0, 0.0]
        ),
        "three lines through a point": _one_layer(
            [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.5, 0.25, 0.75]
        ),
        "near-parallel by one ulp": _one_layer(
            [[1.0, 0.5], [1.0, slope], [slope, 1.0]], [0.0, 0.0, 0.25]
        ),
        "weights times 2^-40": _scaled(-40),
        "weights times 2^40": _scaled(40),
    }


def main() -> None:
    """Print the table."""
    print("| network on [-1, 1]^2 | proved | cells | tree | textbook loop | relucent |")
    print("|---|--:|--:|--:|--:|--:|")
    for name, pairs in families().items():
        problem = problem_of(pairs)
        tree, _ = list_regions(problem, EngineSettings("tree"))
        cells, _ = list_regions(problem, EngineSettings("cells"))
        proof = prove(problem, [tree.patterns])
        assert proof.complete
        told = [
            str(len(cells)),
            str(len(tree)),
            _said(lambda pairs=pairs: _loop(pairs)),  # type: ignore[misc]
            _said(lambda pairs=pairs: relucent_walk.walked(pairs, None))  # type: ignore[misc]
            if relucent_walk.installed()
            else "-",
        ]
        marked = [text if text in (str(proof.regions), "-") else f"**{text}**" for text in told]
        print(f"| {name} | {proof.regions} | {' | '.join(marked)} |", flush=True)


def _loop(pairs: Chain) -> tuple[int, bool]:
    patterns, complete = textbook_patterns(pairs, max_seconds=_SECONDS)
    return len(patterns), complete


def _said(ask: Callable[[], tuple[int, bool]]) -> str:
    """A tool's count; what it said where it gave none."""
    try:
        count, complete = ask()
    except Exception as error:  # whatever a tool dies of
        return type(error).__name__
    return str(count) if complete else f"{count}, unfinished"


if __name__ == "__main__":
    main()
