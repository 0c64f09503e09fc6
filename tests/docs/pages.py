"""Run what the documentation shows: ``console`` and ``python`` blocks, and their output.

In a ``console`` block each line that begins with ``$ `` is a command, the lines up to the next one
its output. What a ``python`` block prints is the ``text`` block right behind it, if there is one;
the blocks of a page share their names. A line ``...`` stands for any lines.

``python -m tests.docs.pages`` writes the present output into the pages.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PAGES = (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md")))
_BLOCK = re.compile(r"^```(console|python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "<<end of output>>"


def workplace(folder: Path) -> Path:
    """Lay out a folder as the examples expect it: the shipped models, nothing else."""
    (folder / "models").symlink_to(REPOSITORY / "models")
    return folder


def outcome(page: str, folder: Path) -> str:
    """The page with what its examples print when run in `folder`, one after the other."""
    names: dict[str, Any] = {}
    printed: str | None = None
    shown, end = "", 0
    for block in _BLOCK.finditer(page):
        language, body = block.groups()
        between = page[end : block.start()]
        end = block.end()
        if language == "console":
            body, printed = _console(body, folder), None
        elif language == "python":
            printed = _python(body, folder, names)
        elif printed is not None and not between.strip():
            body, printed = _kept(body, printed), None
        shown += f"{between}```{language}\n{body}```"
    return shown + page[end:]


def normalised(text: str) -> str:
    """Without what differs from run to run: times, rounding noise, space at the end of lines."""
    text = re.sub(r"\b\d+\.\d+ s\b", "0.00 s", text)
    text = re.sub(r'"seconds": [\d.]+', '"seconds": 0.0', text)
    text = re.sub(r"\b\d(\.\d+)?e-\d\d\b", "1e-06", text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _console(body: str, folder: Path) -> str:
    """One shell for the block, so that `$?` and variables last from command to command."""
    parts = re.split(r"^\$ (.*)\n", body, flags=re.MULTILINE)
    # Of standard error what a user is told: neither progress nor what libraries log, nor what only
    # the first run after an installation says.
    script = "\n".join(
        f"{{ {command}\n}} > stdout 2> stderr; code=$?; "
        f"grep -aE '^([Ee]rror|note|Usage)' stderr | grep -av '^note: compiling'; "
        f"cat stdout; echo '{_MARK}'; (exit $code)"
        for command in parts[1::2]
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = ["bash", "-c", f"{script}\nrm -f stdout stderr"]
    environment = {**os.environ, "PATH": path}
    output = subprocess.run(shell, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    *printed, rest = output.stdout.split(f"{_MARK}\n")
    assert not rest, rest
    triples = zip(parts[1::2], parts[2::2], printed, strict=True)
    return "".join(f"$ {command}\n{_kept(old, new)}" for command, old, new in triples)


def _python(body: str, folder: Path, names: dict[str, Any]) -> str:
    printed = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        exec(compile(body, "<example>", "exec"), names)
    return printed.getvalue()


def _kept(old: str, new: str) -> str:
    """The text on the page where it says the same, else what was printed."""
    pattern = re.escape(normalised(old)).replace(r"\.\.\.", ".*")
    if re.fullmatch(pattern, normalised(new), re.DOTALL):
        return old
    return "".join(f"{line.rstrip()}\n" for line in new.strip().splitlines())


if __name__ == "__main__":
    for page in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            text = page.read_text(encoding="utf-8")
            page.write_text(outcome(text, workplace(Path(folder))), encoding="utf-8")
