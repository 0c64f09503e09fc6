"""The input set of a VNN-LIB property: one box, or a union of boxes.

A file asserts a conjunction over inputs ``X_i`` and outputs ``Y_j``. Only what it says of the
inputs is read here; an atom that mentions an output restricts no input by itself.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import DomainError
from cpwl_milp.onnx_io.vnnlib_syntax import Script, Statement, Tree, read_script

_VARIABLE = re.compile(r"([XY])_(\d+)")
_COMPARISONS = ("<=", ">=", "<", ">", "=")
_IGNORED = ("set-logic", "set-info", "set-option", "check-sat", "get-model", "exit")
# Several disjunctions over inputs multiply; more boxes than this nobody meant.
_MAX_BOXES = 1_000_000

# Lower and upper bound of each input that is mentioned.
_Bounds = dict[int, tuple[float, float]]


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
    common: _Bounds = {}
    unions: list[list[_Bounds]] = []
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
            _narrow(common, found[0])
        else:
            unions.append(found)
    return _joined(script.path, common, unions, n_inputs)


def _plain_bound(tree: Tree, names: dict[str, int], common: _Bounds) -> bool:
    """Take in ``(<= X_i c)`` or ``(>= X_i c)``, nearly every line of nearly every file."""
    if len(tree) != 3 or not isinstance(tree[1], str) or not isinstance(tree[2], str):
        return False
    k = names.get(tree[1])
    if k is None or tree[0] not in ("<=", ">="):
        return False
    try:
        value = float(tree[2])
    except ValueError:
        return False
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

    def boxes(self, tree: Tree) -> list[_Bounds] | None:
        """The formula's input boxes, to be united; None if it restricts no input."""
        if isinstance(tree, str) or not tree or not isinstance(tree[0], str):
            raise self.error(f"'{_short(tree)}'", "a comparison, 'and' or 'or'")
        head, parts = tree[0], tree[1:]
        if head in _COMPARISONS:
            return self._atom(head, parts)
        if head == "and":
            return self._all([self.boxes(part) for part in parts])
        if head == "or":
            return self._any([self.boxes(part) for part in parts])
        if not _mentions_input(tree):
            return None
        raise self.error(f"'{head}' over inputs", "bounds, 'and' and 'or'")

    def _all(self, found: list[list[_Bounds] | None]) -> list[_Bounds] | None:
        given = [options for options in found if options is not None]
        if not given:
            return None
        single: _Bounds = {}
        several = []
        for options in given:
            if len(options) == 1:
                _narrow(single, options[0])
            else:
                several.append(options)
        if not several:
            return [single]
        return self._product(single, several)

    def _product(self, single: _Bounds, several: list[list[_Bounds]]) -> list[_Bounds]:
        count = 1
        for options in several:
            count *= len(options)
            if count > _MAX_BOXES:
                raise self.error("more than a million combinations of boxes", "fewer disjunctions")
        return [_intersection([single, *choice]) for choice in itertools.product(*several)]

    def _any(self, found: list[list[_Bounds] | None]) -> list[_Bounds] | None:
        if all(options is None for options in found):
            return None
        # A disjunct that speaks of outputs only leaves the inputs free.
        return [box for options in found for box in (options if options is not None else [{}])]

    def _atom(self, head: str, parts: list[Tree]) -> list[_Bounds] | None:
        if len(parts) != 2:
            raise self.error(f"'{head}' of {len(parts)} terms", "two")
        left, right = parts
        coefficients: dict[int, float] = {}
        constant, has_output = self._affine(left, 1.0, coefficients)
        rest, also = self._affine(right, -1.0, coefficients)
        constant += rest
        if has_output or also:
            return None
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
        try:
            value = float(text)
        except ValueError:
            raise self.error(f"'{text[:40]}'", "a number, X_i or Y_j") from None
        if not np.isfinite(value):
            raise self.error(f"the bound {text}", "a finite number")
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


def _narrow(bounds: _Bounds, more: _Bounds) -> None:
    for k, (low, high) in more.items():
        old_low, old_high = bounds.get(k, (-np.inf, np.inf))
        bounds[k] = (max(low, old_low), min(high, old_high))


def _intersection(parts: Iterable[_Bounds]) -> _Bounds:
    result: _Bounds = {}
    for part in parts:
        _narrow(result, part)
    return result


def _joined(
    path: str, common: _Bounds, unions: list[list[_Bounds]], n_inputs: int
) -> tuple[Box, ...]:
    """The common bounds, intersected with each choice of disjuncts; empty ones are dropped."""
    count = 1
    for options in unions:
        count *= len(options)
    if count > _MAX_BOXES:
        raise DomainError(path, f"{count:,} combinations of boxes", f"at most {_MAX_BOXES:,}")
    found: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}
    empty = None
    for choice in itertools.product(*unions):
        lower, upper = np.full(n_inputs, -np.inf), np.full(n_inputs, np.inf)
        for part in (common, *choice):
            for k, (low, high) in part.items():
                lower[k], upper[k] = max(lower[k], low), min(upper[k], high)
        for name, bound in (("lower", lower), ("upper", upper)):
            free = np.flatnonzero(np.isinf(bound))
            if free.size:
                raise DomainError(
                    path, f"X_{free[0]} has no {name} bound", "a lower and an upper bound each"
                )
        crossed = np.flatnonzero(lower > upper)
        if crossed.size:
            k = crossed[0]
            empty = f"X_{k} has lower bound {lower[k]:g} above upper bound {upper[k]:g}"
        else:
            found.setdefault(lower.tobytes() + upper.tobytes(), (lower, upper))
    if not found:
        raise DomainError(path, f"an empty input set: {empty}", "lower <= upper")
    several = len(found) > 1
    return tuple(
        Box(lower, upper, f"{path} (box {k + 1} of {len(found)})" if several else path)
        for k, (lower, upper) in enumerate(found.values())
    )
