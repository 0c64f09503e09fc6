"""Tables for the terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

# Longer integers are shown as a power of ten.
_LONGEST_INTEGER = 10**15


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table to standard output; columns of numbers are set to the right."""
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    cells = [tuple(row) for row in rows]
    for place, name in enumerate(columns):
        numeric = all(_is_number(row[place]) for row in cells)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        table.add_row(*row)
    # A pipe has no width of its own; a narrow default would fold numbers.
    width = None if sys.stdout.isatty() else 120
    console = Console(width=width, markup=False, highlight=False)
    with console.capture() as text:
        console.print(table)
    # The borderless style pads every line and frames the table with blank ones.
    for line in text.get().splitlines():
        if line.strip():
            print(line.rstrip())


def count_text(value: int | None) -> str:
    """An integer as people read it: 12,345, or about 10^308.2 where it is long."""
    if value is None:
        return "-"
    if value < _LONGEST_INTEGER:
        return f"{value:,}"
    return f"~10^{log10(value):.1f}"


def log10(value: int) -> float:
    """Decimal logarithm of a positive integer of any size."""
    # int.bit_length keeps the leading digits within float range.
    shift = max(0, value.bit_length() - 64)
    return math.log10(value >> shift) + shift * math.log10(2.0)


def bracket_text(lower: int, upper: int | None) -> str:
    """``n`` when both agree, else ``lower .. upper``."""
    return count_text(lower) if lower == upper else f"{count_text(lower)} .. {count_text(upper)}"


def _is_number(text: str) -> bool:
    return text == "-" or text[:1] in "0123456789~<-"
