"""VNN-LIB files as trees: the SMT-LIB subset of version 1 of the format.

Source: Tacchella, Pulina, Guidotti, Demarchi: The International Benchmarks Standard for the
Verification of Neural Networks (VNN-LIB), 2023; and the files of the VNN-COMP competitions.
"""

from __future__ import annotations

import gzip
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

from cpwl_milp.core.errors import DomainError

# A symbol or number, or a list of trees.
Tree: TypeAlias = "str | list[Tree]"

_TOKEN = re.compile(r"[()]|[^\s()]+")
_COMMENT = re.compile(r";[^\n]*")
# The largest real files, of networks over photographs, hold 20 MB.
_MAX_BYTES = 1 << 26
# Real files nest 5 deep; the limit keeps readers of the tree free to recurse.
_MAX_DEPTH = 100


class Statement(NamedTuple):
    """One top-level list of the file.

    Attributes
    ----------
    tree : list of Tree
    start : int
        Number of its first token.
    """

    tree: list[Tree]
    start: int


@dataclass(frozen=True, eq=False)
class Script:
    """The statements of a file.

    Attributes
    ----------
    path : str
    text : str
        Without comments.
    statements : tuple of Statement
    """

    path: str
    text: str
    statements: tuple[Statement, ...]

    def place(self, statement: Statement) -> str:
        """File and line of a statement, for messages."""
        return _place(self.path, self.text, statement.start)


def read_script(path: str | Path) -> Script:
    """Read a VNN-LIB file, gzip-compressed or not.

    Raises
    ------
    DomainError
        If the file cannot be read, is empty, or its parentheses do not match.
    """
    name = str(path)
    text = _text(Path(path), name)
    if ";" in text:
        text = _COMMENT.sub("", text)
    statements = tuple(_statements(text, name))
    if not statements:
        raise DomainError(name, "an empty file", "a VNN-LIB file")
    return Script(name, text, statements)


def _text(file: Path, name: str) -> str:
    try:
        if file.exists() and not (file.is_file() or file.is_dir()):
            raise DomainError(name, "not a regular file", "a VNN-LIB file")
        with file.open("rb") as stream:
            raw = stream.read(_MAX_BYTES + 1)
        if raw.startswith(b"\x1f\x8b"):
            with gzip.open(file) as unpacked:
                raw = unpacked.read(_MAX_BYTES + 1)
        if len(raw) > _MAX_BYTES:
            raise DomainError(name, f"more than {_MAX_BYTES >> 20} MB of text", "a VNN-LIB file")
        return raw.decode("utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise DomainError(name, f"cannot be read: {reason}", "a VNN-LIB file") from error
    except (EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DomainError(name, f"not text: {error}", "a VNN-LIB file, plain or gzip") from error


def _statements(text: str, name: str) -> Iterator[Statement]:
    stack: list[list[Tree]] = []
    start = 0
    for k, match in enumerate(_TOKEN.finditer(text)):
        token = sys.intern(match[0])
        if token == "(":
            if not stack:
                start = k
            elif len(stack) == _MAX_DEPTH:
                raise DomainError(_place(name, text, k), f"more than {_MAX_DEPTH} nested lists")
            stack.append([])
        elif token == ")":
            if not stack:
                raise DomainError(_place(name, text, k), "a ')' that closes nothing")
            done = stack.pop()
            if stack:
                stack[-1].append(done)
            else:
                yield Statement(done, start)
        elif stack:
            stack[-1].append(token)
        else:
            raise DomainError(
                _place(name, text, k),
                f"'{token[:40]}' outside of parentheses",
                "VNN-LIB statements",
            )
    if stack:
        raise DomainError(
            _place(name, text, start), "a '(' that is never closed", hint="is the file truncated?"
        )


def _place(name: str, text: str, token: int) -> str:
    """File and line of the token of that number; found anew, since only errors ask."""
    for k, match in enumerate(_TOKEN.finditer(text)):
        if k == token:
            return f"{name}, line {text.count(chr(10), 0, match.start()) + 1}"
    return name
