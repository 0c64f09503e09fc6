"""Inequalities and partial patterns from text.

::

    inequality = sum relation sum          relation = "<" | "<=" | ">" | ">="
    sum        = ["-" | "+"] term {("+" | "-") term}
    term       = number | [number ["*"]] ("x" | "y") index
    pattern    = layer "." unit "=" bit {"," layer "." unit "=" bit}
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from fractions import Fraction

from cpwl_milp.conditions.condition import Inequality, Literal, Terms
from cpwl_milp.core.errors import InputError

_FORM = "a linear inequality such as 'y0 - y1 > 0.5' or '2*x3 + y1 <= 1'"
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TERM = re.compile(
    rf"\s*(?P<sign>[+-]?)\s*(?:(?P<factor>{_NUMBER})?\s*\*?\s*(?P<kind>[xy])(?P<index>\d{{1,9}})"
    rf"|(?P<number>{_NUMBER}))\s*",
    re.ASCII,
)
_LONELY_STAR = re.compile(r"(?:^|[-+\s])\*")
_RELATION = re.compile(r"<=|>=|<|>")
_LITERAL = re.compile(r"\s*(\d{1,9})\.(\d{1,9})\s*=\s*([01])\s*", re.ASCII)


def parsed_inequality(text: str) -> Inequality:
    """An inequality over inputs x0, x1, ... and outputs y0, y1, ... (flat, from 0).

    Numbers are read as float64; coefficients of one variable are added up exactly, then rounded.

    Raises
    ------
    InputError
        If the text is none.
    """
    relations = _RELATION.findall(text)
    if len(relations) != 1:
        found = f"{len(relations)} relations in {text!r}" if relations else repr(text)
        raise InputError("condition", found, _FORM)
    left, right = _RELATION.split(text)
    sums: dict[tuple[str, int], Fraction] = defaultdict(Fraction)
    for side, sign in ((left, 1), (right, -1)):
        for kind, index, value in _terms(side, text):
            sums[kind, index] += sign * value
    constant = sums.pop(("", 0), Fraction(0))
    # `a < b` is `-a > -b`, and `a >= b` is `-a <= -b`.
    flip = -1 if relations[0] in ("<", ">=") else 1
    inputs, outputs = (_rounded(sums, kind, flip, text) for kind in "xy")
    if not inputs and not outputs:
        raise InputError("condition", f"no variable is left in {text!r}", _FORM)
    return Inequality(
        inputs, outputs, _float(-flip * constant, text), above=relations[0] in ("<", ">")
    )


def parsed_pattern(text: str) -> tuple[Literal, ...]:
    """Bits such as ``1.3=1,2.0=0``: layers from 1, their hidden units from 0.

    Raises
    ------
    InputError
        If the text is none.
    """
    found = []
    for part in text.split(","):
        match = _LITERAL.fullmatch(part)
        if match is None:
            raise InputError(
                "pattern", repr(part.strip()), "LAYER.UNIT=BIT, as in 1.3=1: unit 3 of layer 1"
            )
        layer, unit, bit = (int(group) for group in match.groups())
        found.append(Literal(layer, unit, bool(bit)))
    return tuple(found)


def _terms(side: str, text: str) -> list[tuple[str, int, Fraction]]:
    """Variable (kind, index), or ("", 0) for a number, and factor of each term of a sum."""
    found: list[tuple[str, int, Fraction]] = []
    place = 0
    while place < len(side) or not found:
        match = _TERM.match(side, place)
        lonely = match is not None and _LONELY_STAR.search(match.group())
        if match is None or lonely or (found and not match["sign"]):
            raise InputError("condition", f"{side[place:].strip()!r} in {text!r}", _FORM)
        number = match["number"] or match["factor"] or "1"
        value = Fraction(_finite(float(number), text))
        kind = match["kind"] or ""
        found.append((kind, int(match["index"] or 0), -value if match["sign"] == "-" else value))
        place = match.end()
    return found


def _rounded(sums: dict[tuple[str, int], Fraction], kind: str, flip: int, text: str) -> Terms:
    return tuple(
        (index, _float(flip * value, text))
        for (name, index), value in sorted(sums.items())
        if name == kind and value
    )


def _float(value: Fraction, text: str) -> float:
    try:
        return _finite(float(value), text) + 0.0
    except OverflowError:
        return _finite(math.inf, text)


def _finite(value: float, text: str) -> float:
    if not math.isfinite(value):
        raise InputError("condition", f"a number beyond float64 in {text!r}", "finite numbers")
    return value
