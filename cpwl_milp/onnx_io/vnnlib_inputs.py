"""The input set of a VNN-LIB property: one box, or a union of boxes.

A file asserts a conjunction over inputs ``X_i`` and outputs ``Y_j``. Only what it says of the
inputs is read here; an atom that mentions an output restricts no input by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import DomainError
from cpwl_milp.onnx_io.vnnlib_boxes import Bounds, as_boxes, intersected, narrow
from cpwl_milp.onnx_io.vnnlib_syntax import Script, Statement, Tree, read_script

_VARIABLE = re.compile(r"([XY])_([0-9]{1,9})")
_COMPARISONS = ("<=", ">=", "<", ">", "=")
_IGNORED = ("set-logic", "set-info", "set-option", "check-sat", "get-model", "exit")
# float() takes more than the format: underscores, "infinity" ...
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")


def read_vnnlib_boxes(path: str | Path, n_inputs: int) -> tuple[Box, ...]:
    """The distinct boxes whose union is the input set of a property.

    Parameters
    ----------
    path : str or Path
        A VNN-LIB file of version 1, plain or gzip-compressed.
    n_inputs : int
        Dimension of the network's input; ``X_i`` is entry i of the flattened input.

    Raises
    ------
    DomainError
        If the file is not VNN-LIB, is for another number of inputs, leaves an input unbounded,
        is empty, or restricts inputs by more than bounds.
    """
    script = read_script(path)
    _check_declarations(script, n_inputs)
    common: Bounds = {}
    unions: list[list[Bounds]] = []
    names = {f"X_{k}": k for k in range(n_inputs)}
    for statement in script.statements:
        tree = statement.tree
        if tree[0] != "assert":
            continue
        if len(tree) == 2 and _plain_bound(tree[1], names, common):
            continue
        reader = _Reader(script, statement, n_inputs)
        if len(tree) != 2:
            raise reader.error(f"an assert of {len(tree) - 1} formulas", "one")
        found = reader.boxes(tree[1])
        if found is None:
            continue
        if len(found) == 1:
            narrow(common, found[0])
        else:
            unions.append(found)
    return as_boxes(common, intersected(unions, script.path), n_inputs, script.path)


def _plain_bound(tree: Tree, names: dict[str, int], common: Bounds) -> bool:
    """Take in ``(<= X_i c)`` or ``(>= X_i c)``, nearly every line of nearly every file."""
    if len(tree) != 3 or not isinstance(tree[1], str) or not isinstance(tree[2], str):
        return False
    k = names.get(tree[1])
    if k is None or tree[0] not in ("<=", ">="):
        return False
    if _NUMBER.fullmatch(tree[2]) is None:
        return False
    value = float(tree[2])
    if not -np.inf < value < np.inf:
        return False
    low, high = common.get(k, (-np.inf, np.inf))
    common[k] = (low, min(value, high)) if tree[0] == "<=" else (max(value, low), high)
    return True


def _check_declarations(script: Script, n_inputs: int) -> None:
    declared: set[int] = set()
    for statement in script.statements:
        tree = statement.tree
        head = tree[0] if tree and isinstance(tree[0], str) else ""
        if head == "assert" or head in _IGNORED:
            continue
        if head != "declare-const":
            raise DomainError(
                script.place(statement),
                f"'{head or '()'}' is not read",
                "VNN-LIB version 1: declare-const and assert",
                "convert the file to version 1"
                if head in ("vnnlib-version", "declare-fun")
                else "",
            )
        match = _VARIABLE.fullmatch(str(tree[1])) if len(tree) == 3 else None
        if match is None or tree[2] != "Real":
            raise DomainError(
                script.place(statement), "a declaration of another form", "(declare-const X_0 Real)"
            )
        if match[1] == "X":
            if int(match[2]) in declared:
                raise DomainError(script.place(statement), f"X_{match[2]} is declared twice")
            declared.add(int(match[2]))
    if declared != set(range(n_inputs)):
        missing = next((k for k in range(n_inputs) if k not in declared), None)
        found = f"{len(declared)} inputs" + (
            f", without X_{missing}" if missing is not None else ""
        )
        raise DomainError(
            script.path,
            f"declares {found}",
            f"X_0 to X_{n_inputs - 1} for this network",
            "is the file meant for another network?",
        )


@dataclass(frozen=True)
class _Reader:
    """Reads the formula of one statement."""

    script: Script
    statement: Statement
    n_inputs: int

    def error(self, found: str, expected: str = "", hint: str = "") -> DomainError:
        return DomainError(self.script.place(self.statement), found, expected, hint)

    def boxes(self, tree: Tree) -> list[Bounds] | None:
        """The formula's input boxes, to be united; None if it restricts no input."""
        if isinstance(tree, str) or not tree or not isinstance(tree[0], str):
            raise self.error(f"'{_short(tree)}'", "a comparison, 'and' or 'or'")
        head, parts = tree[0], tree[1:]
        if head in _COMPARISONS:
            return self._atom(head, parts)
        if head in ("and", "or") and not parts:
            raise self.error(f"an '{head}' of nothing", "formulas")
        if head == "and":
            return self._all([self.boxes(part) for part in parts])
        if head == "or":
            return self._any([self.boxes(part) for part in parts])
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

    def _atom(self, head: str, parts: list[Tree]) -> list[Bounds] | None:
        if len(parts) != 2:
            raise self.error(f"'{head}' of {len(parts)} terms", "two")
        left, right = parts
        coefficients: dict[int, float] = {}
        constant, has_output = self._affine(left, 1.0, coefficients)
        rest, also = self._affine(right, -1.0, coefficients)
        constant += rest
        if has_output or also:
            return None
        if not all(np.isfinite(number) for number in (constant, *coefficients.values())):
            raise self.error("a term that overflows", "finite numbers")
        coefficients = {k: c for k, c in coefficients.items() if c != 0.0}
        if len(coefficients) != 1:
            raise self.error(
                f"a linear constraint over {len(coefficients)} inputs",
                "bounds of single inputs",
                "the input set must be a box or a union of boxes",
            )
        ((k, c),) = coefficients.items()
        swap = {"<=": ">=", ">=": "<=", "<": ">", ">": "<", "=": "="}
        relation = head if c > 0 else swap[head]
        # Adding 0.0 turns a bound of -0.0 into 0.0.
        value = -constant / c + 0.0
        low = value if relation in (">=", ">", "=") else -np.inf
        high = value if relation in ("<=", "<", "=") else np.inf
        return [{k: (low, high)}]

    def _affine(
        self, tree: Tree, factor: float, coefficients: dict[int, float]
    ) -> tuple[float, bool]:
        """Add ``factor * tree`` to the coefficients; its constant, and whether it has a Y."""
        if isinstance(tree, str):
            match = _VARIABLE.fullmatch(tree)
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
        if _NUMBER.fullmatch(text) is None:
            raise self.error(f"'{text[:40]}'", "a number, X_i or Y_j")
        value = float(text)
        if not np.isfinite(value):
            raise self.error(f"the bound {text[:40]}", "a finite number")
        return value


def _mentions(tree: Tree, letters: str) -> bool:
    if isinstance(tree, str):
        match = _VARIABLE.fullmatch(tree)
        return match is not None and match[1] in letters
    return any(_mentions(part, letters) for part in tree)


def _mentions_input(tree: Tree) -> bool:
    return _mentions(tree, "X")


def _short(tree: Tree) -> str:
    text = tree if isinstance(tree, str) else f"({' '.join(_short(part) for part in tree[:6])})"
    return text if len(text) <= 60 else text[:60] + " ..."
