"""Tables of Markdown."""

from __future__ import annotations


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A table whose first column is text; "" without rows."""
    if not rows:
        return ""
    rule = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))
