"""``python -m benchmarks.report``: the tables of docs/performance.md from the results.

Each table stands between ``<!-- bench:NAME -->`` and ``<!-- /bench:NAME -->``; what is outside is
written by hand and kept.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from benchmarks import brackets, results, tables, verification
from benchmarks.figure import draw
from benchmarks.fits import grown
from benchmarks.results import Results

_ROOT = Path(__file__).resolve().parent.parent
_PAGE = _ROOT / "docs" / "performance.md"
_FIGURE = _ROOT / "docs" / "images" / "growth.svg"
# Block -> the suite it is made from, and how.
_TABLES: dict[str, tuple[str, Callable[[Results], str]]] = {
    "table": ("table", tables.side_by_side),
    "loop": ("table", tables.over_the_loop),
    "targets": ("table", tables.against_targets),
    "growth": ("growth", tables.exponents),
    "threads": ("threads", tables.by_threads),
    "cluster": ("cluster", tables.by_workers),
    "everyday": ("everyday", tables.everyday),
    "terms": ("terms", tables.linear_terms),
    "information": ("information", tables.estimators),
    "large": ("large", tables.memory),
    "brackets": ("brackets", brackets.table),
    "verification": ("verification", verification.table),
}
_BLOCK = re.compile(r"(<!-- bench:(\w+) -->\n).*?(<!-- /bench:\2 -->)", re.DOTALL)


def main() -> None:
    """Write the page and the figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("--results", type=Path, default=results.FOLDER, metavar="FOLDER")
    folder: Path = parser.parse_args().results
    growths = grown(results.read(folder / "growth.json"))
    if growths:
        draw(growths, _FIGURE)
    page = _PAGE.read_text(encoding="utf-8")
    _PAGE.write_text(updated(page, folder), encoding="utf-8")


def updated(page: str, folder: Path) -> str:
    """The page with every block made anew; a block without results stays as it is."""
    blocks = made(folder)

    def block(match: re.Match[str]) -> str:
        text = blocks.get(match[2], "")
        return f"{match[1]}\n{text}\n\n{match[3]}" if text else match[0]

    return _BLOCK.sub(block, page)


def made(folder: Path) -> dict[str, str]:
    """Each block's name and text; "" where nothing was measured."""
    texts = {}
    for name, (suite, table) in _TABLES.items():
        found = results.read(folder / f"{suite}.json")
        text = table(found)
        texts[name] = f"{text}\n\n{measured_on(found)}" if text else ""
    return texts


def measured_on(found: Results) -> str:
    """Machine, versions and commit, in one line."""
    machine = dict(found.machine)
    head = f"{machine.pop('processor', '?')}, {machine.pop('cores', '?')} cores"
    commit = machine.pop("commit", "?")
    loads = [m.load for m in found.measurements if not m.error]
    versions = ", ".join(f"{name} {version}" for name, version in machine.items())
    return (
        f"*{head}; {versions}; commit {commit}; load of the machine "
        f"{min(loads, default=0):.1f} to {max(loads, default=0):.1f}.*"
    )


if __name__ == "__main__":
    main()
