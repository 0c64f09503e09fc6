"""Formulas of VNN-LIB files over inputs: boxes that are united, and linear constraints."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from cpwl_milp.core.errors import DomainError
from cpwl_milp.onnx_io.vnnlib_boxes import Bounds, intersected, narrow
from cpwl_milp.onnx_io.vnnlib_syntax import Script, Statement, Tree

VARIABLE = re.compile(r"([XY])_([0-9]{1,9})")
# float() takes more than the format: underscores, "infinity" ...
NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")


_COMPARISONS = ("<=", ">=", "<", ">", "=")


@dataclass(frozen=True)
class Row:
    """``sum coefficients[k] X_k <= limit``, and where it stands."""

    coefficients: dict[int, float]
    limit: float
    place: str


def over(coefficients: dict[int, float]) -> str:
    """What a linear constraint is, for messages."""
    return f"a linear constraint over {len(coefficients)} inputs"


@dataclass(frozen=True)
class Reader:
    """Reads the formula of one statement.

    Attributes
    ----------
    script : Script
    statement : Statement
    n_inputs : int
    rows : list of Row
        Linear constraints of several inputs are added here ...
    mixed : list of str
        ... and here the places of those that mix inputs and outputs.
    """

    script: Script
    statement: Statement
    n_inputs: int
    rows: list[Row]
    mixed: list[str]

    def error(self, found: str, expected: str = "", hint: str = "") -> DomainError:
        """An error that names the statement's line."""
        return DomainError(self.script.place(self.statement), found, expected, hint)

    def boxes(self, tree: Tree, always: bool = True) -> list[Bounds] | None:
        """The formula's input boxes, to be united; None if it restricts no input to any.

        Linear constraints of several inputs are noted, if the formula holds `always`.
        """
        if isinstance(tree, str) or not tree or not isinstance(tree[0], str):
            raise self.error(f"'{_short(tree)}'", "a comparison, 'and' or 'or'")
        head, parts = tree[0], tree[1:]
        if head in _COMPARISONS:
            return self._atom(head, parts, always)
        if head in ("and", "or") and not parts:
            raise self.error(f"an '{head}' of nothing", "formulas")
        if head == "and":
            return self._all([self.boxes(part, always) for part in parts])
        if head == "or":
            return self._any([self.boxes(part, always and len(parts) == 1) for part in parts])
        if not _mentions_input(tree):
            return None
        raise self.error(f"'{head}' over inputs", "bounds, 'and' and 'or'")

    def _all(self, found: list[list[Bounds] | None]) -> list[Bounds] | None:
        given = [options for options in found if options is not None]
        if not given:
            return None
        single: Bounds = {}
        several = []
        for options in given:
            if len(options) == 1:
                narrow(single, options[0])
            else:
                several.append(options)
        if not several:
            return [single]
        boxes = intersected(several, self.script.place(self.statement))
        for box in boxes:
            narrow(box, single)
        return boxes

    def _any(self, found: list[list[Bounds] | None]) -> list[Bounds] | None:
        if all(options is None for options in found):
            return None
        # A disjunct that speaks of outputs only leaves the inputs free.
        return [box for options in found for box in (options if options is not None else [{}])]

    def _atom(self, head: str, parts: list[Tree], always: bool) -> list[Bounds] | None:
        if len(parts) != 2:
            raise self.error(f"'{head}' of {len(parts)} terms", "two")
        left, right = parts
        coefficients: dict[int, float] = {}
        constant, has_output = self._affine(left, 1.0, coefficients)
        rest, also = self._affine(right, -1.0, coefficients)
        constant += rest
        if has_output or also:
            if _mentions_input(parts):
                self.mixed.append(self.script.place(self.statement))
            return None
        if not all(np.isfinite(number) for number in (constant, *coefficients.values())):
            raise self.error("a term that overflows", "finite numbers")
        coefficients = {k: c for k, c in coefficients.items() if c != 0.0}
        if not coefficients:
            raise self.error("a constraint without inputs", "bounds or linear constraints")
        if len(coefficients) > 1:
            if not always:
                raise self.error(
                    f"{over(coefficients)} in a part of an 'or'",
                    "bounds of single inputs there",
                    "make a file of each part",
                )
            self._note(head, coefficients, -constant)
            return None
        ((k, c),) = coefficients.items()
        swap = {"<=": ">=", ">=": "<=", "<": ">", ">": "<", "=": "="}
        relation = head if c > 0 else swap[head]
        # Adding 0.0 turns a bound of -0.0 into 0.0.
        value = -constant / c + 0.0
        low = value if relation in (">=", ">", "=") else -np.inf
        high = value if relation in ("<=", "<", "=") else np.inf
        return [{k: (low, high)}]

    def _note(self, head: str, coefficients: dict[int, float], limit: float) -> None:
        """Note a linear constraint as one or two rows."""
        place = self.script.place(self.statement)
        if head != ">=" and head != ">":
            self.rows.append(Row(coefficients, limit, place))
        if head != "<=" and head != "<":
            negated = {k: -c for k, c in coefficients.items()}
            self.rows.append(Row(negated, -limit, place))

    def _affine(
        self, tree: Tree, factor: float, coefficients: dict[int, float]
    ) -> tuple[float, bool]:
        """Add ``factor * tree`` to the coefficients; its constant, and whether it has a Y."""
        if isinstance(tree, str):
            match = VARIABLE.fullmatch(tree)
            if match is None:
                return factor * self._number(tree), False
            if match[1] == "Y":
                return 0.0, True
            k = int(match[2])
            if k >= self.n_inputs:
                raise self.error(f"X_{k} is not declared")
            coefficients[k] = coefficients.get(k, 0.0) + factor
            return 0.0, False
        head, parts = (tree[0], tree[1:]) if tree else ("", [])
        if head == "*" and parts:
            scale, variable = 1.0, None
            for part in parts:
                value = self._constant(part)
                if value is not None:
                    scale *= value
                elif variable is None:
                    variable = part
                else:
                    if not _mentions_input(tree):
                        return 0.0, True
                    raise self.error(f"a product of variables, '{_short(tree)}'", "linear terms")
            if variable is None:
                return factor * scale, False
            return self._affine(variable, factor * scale, coefficients)
        if head not in ("+", "-") or not parts:
            raise self.error(f"'{_short(tree)}'", "a linear term of +, - and *")
        total, has_output = 0.0, False
        for position, part in enumerate(parts):
            negative = head == "-" and (position > 0 or len(parts) == 1)
            value, output = self._affine(part, -factor if negative else factor, coefficients)
            total, has_output = total + value, has_output or output
        return total, has_output

    def _constant(self, tree: Tree) -> float | None:
        """The value of a term without variables."""
        if _mentions(tree, "XY"):
            return None
        return self._affine(tree, 1.0, {})[0]

    def _number(self, text: str) -> float:
        if NUMBER.fullmatch(text) is None:
            raise self.error(f"'{text[:40]}'", "a number, X_i or Y_j")
        value = float(text)
        if not np.isfinite(value):
            raise self.error(f"the bound {text[:40]}", "a finite number")
        return value


def _mentions(tree: Tree, letters: str) -> bool:
    if isinstance(tree, str):
        match = VARIABLE.fullmatch(tree)
        return match is not None and match[1] in letters
    return any(_mentions(part, letters) for part in tree)


def _mentions_input(tree: Tree) -> bool:
    return _mentions(tree, "X")


def _short(tree: Tree) -> str:
    text = tree if isinstance(tree, str) else f"({' '.join(_short(part) for part in tree[:6])})"
    return text if len(text) <= 60 else text[:60] + " ..."
