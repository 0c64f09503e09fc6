"""A whole VNN-LIB property: its inputs and outputs, as the union of cases that violate it.

A file describes what must not happen: it is satisfiable iff the property is violated. Its asserts
hold together; written out, they are a disjunction of conjunctions of linear constraints, over
inputs, over outputs, or over both.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.property import Case, LinearRows, Property
from cpwl_milp.onnx_io.vnnlib_boxes import Bounds, narrow
from cpwl_milp.onnx_io.vnnlib_formulas import VARIABLE
from cpwl_milp.onnx_io.vnnlib_inputs import check_declarations, plain_bound
from cpwl_milp.onnx_io.vnnlib_syntax import Script, Statement, Tree, read_script
from cpwl_milp.onnx_io.vnnlib_terms import Term, TermReader, shown

_COMPARISONS = ("<=", ">=", "<", ">", "=")
# Disjunctions multiply when they are written out.
_MOST_CASES = 100_000
# Numbers that all rows of all cases may hold.
_MOST_NUMBERS = 50_000_000


class _Row(NamedTuple):
    """``term <= 0``, or ``term < 0``."""

    term: Term
    strict: bool


@dataclass(frozen=True)
class _Conjunction:
    """Bounds of single inputs, and rows."""

    bounds: Bounds
    rows: tuple[_Row, ...]

    @property
    def is_empty(self) -> bool:
        """Whether its bounds contradict each other."""
        return any(low > high for low, high in self.bounds.values())

    def joined(self, other: _Conjunction) -> _Conjunction:
        """Both together."""
        bounds = dict(self.bounds)
        narrow(bounds, other.bounds)
        return _Conjunction(bounds, self.rows + other.rows)


_TRUE = _Conjunction({}, ())


def read_vnnlib_property(path: str | Path, n_inputs: int, n_outputs: int) -> Property:
    """Read a property.

    Parameters
    ----------
    path : str or Path
        A VNN-LIB file of version 1, plain or gzip-compressed.
    n_inputs, n_outputs : int
        Of the network; ``X_i`` and ``Y_j`` are entries of its flattened input and output.

    Raises
    ------
    DomainError
        If the file is not VNN-LIB, is for another number of inputs or outputs, has products of
        variables, leaves an input without bounds, says nothing of the outputs, or cannot be met
        by any input.
    """
    script = read_script(path)
    check_declarations(script, n_inputs)
    _check_outputs(script, n_outputs)
    names = {f"X_{k}": k for k in range(n_inputs)}
    common: Bounds = {}
    unions: list[list[_Conjunction]] = []
    for statement in script.statements:
        tree = statement.tree
        if tree[0] != "assert":
            continue
        if len(tree) == 2 and plain_bound(tree[1], names, common):
            continue
        reader = _FormulaReader(script, statement, n_inputs, n_outputs)
        if len(tree) != 2:
            raise reader.error(f"an assert of {len(tree) - 1} formulas", "one")
        unions.append(reader.read(tree[1]))
    union = _written_out(unions, script.path)
    if not any(row.term.outputs for each in union for row in each.rows):
        raise DomainError(
            script.path, "says nothing of the outputs", "constraints over Y_0, Y_1, ..."
        )
    cases = _Cases(common, n_inputs, n_outputs, script.path)
    return Property(cases.of(union), n_inputs, n_outputs, script.path)


def _check_outputs(script: Script, n_outputs: int) -> None:
    declared = set()
    for statement in script.statements:
        tree = statement.tree
        if tree[0] != "declare-const":
            continue
        match = VARIABLE.fullmatch(str(tree[1]))
        if match is not None and match[1] == "Y":
            if int(match[2]) in declared:
                raise DomainError(script.place(statement), f"Y_{match[2]} is declared twice")
            declared.add(int(match[2]))
    if declared != set(range(n_outputs)):
        raise DomainError(
            script.path,
            f"declares {len(declared)} outputs",
            f"Y_0 to Y_{n_outputs - 1} for this network",
            "is the file meant for another network?",
        )


@dataclass(frozen=True)
class _FormulaReader:
    """Reads the formula of one statement."""

    script: Script
    statement: Statement
    n_inputs: int
    n_outputs: int

    def error(self, found: str, expected: str = "", hint: str = "") -> DomainError:
        """An error that names the statement's line."""
        return DomainError(self.script.place(self.statement), found, expected, hint)

    def read(self, tree: Tree) -> list[_Conjunction]:
        """The formula as a disjunction; an empty one is false."""
        if isinstance(tree, str) or not tree or not isinstance(tree[0], str):
            raise self.error(f"'{shown(tree)}'", "a comparison, 'and' or 'or'")
        head, parts = tree[0], tree[1:]
        if head in _COMPARISONS:
            return self._comparison(head, parts)
        if head not in ("and", "or"):
            raise self.error(f"'{head}'", "comparisons, 'and' and 'or'")
        if not parts:
            raise self.error(f"an '{head}' of nothing", "formulas")
        read = [self.read(part) for part in parts]
        if head == "or":
            return list(itertools.chain.from_iterable(read))
        return _written_out(read, self.script.place(self.statement))

    def _comparison(self, head: str, parts: Sequence[Tree]) -> list[_Conjunction]:
        if len(parts) != 2:
            raise self.error(f"'{head}' of {len(parts)} terms", "two")
        terms = TermReader(self.n_inputs, self.n_outputs, self.error)
        left, right = (terms.read(part) for part in parts)
        difference = left.plus(right.scaled(Fraction(-1)))
        negated = difference.scaled(Fraction(-1))
        if head == "=":
            rows = [_Row(difference, False), _Row(negated, False)]
        else:
            rows = [_Row(difference if head[0] == "<" else negated, len(head) == 1)]
        found = _TRUE
        for row in rows:
            one = self._of_row(row)
            if one is None:
                return []
            found = found.joined(one)
        return [found]

    def _of_row(self, row: _Row) -> _Conjunction | None:
        """A row as a bound where it is one; None where it is false."""
        term = row.term
        if term.is_constant:
            holds = term.constant < 0 or (term.constant == 0 and not row.strict)
            return _TRUE if holds else None
        for number in (*term.inputs.values(), *term.outputs.values()):
            if not _is_float(number):
                raise self.error(
                    f"a coefficient of about {float(number):.6g} that float64 does not hold",
                    "coefficients written as one number each",
                )
        if term.outputs or len(term.inputs) > 1:
            return _Conjunction({}, (row,))
        ((k, c),) = term.inputs.items()
        value = -term.constant / c
        low, high = _rounded_down(value), _rounded_up(value)
        bounds = {k: (-math.inf, high) if c > 0 else (low, math.inf)}
        exact = low == high and not row.strict
        return _Conjunction(bounds, () if exact else (row,))


def _written_out(unions: Iterable[list[_Conjunction]], where: str) -> list[_Conjunction]:
    """All disjunctions together, as one; what contradicts itself is left out."""
    found = [_TRUE]
    for union in unions:
        if len(found) * len(union) > _MOST_CASES:
            raise DomainError(where, f"more than {_MOST_CASES:,} cases, written out", "fewer")
        pairs = itertools.product(found, union)
        joined = (one.joined(other) for one, other in pairs)
        found = [each for each in joined if not each.is_empty]
    return found


class _Cases:
    """Makes cases of conjunctions; equal boxes are made once."""

    def __init__(self, common: Bounds, n_inputs: int, n_outputs: int, path: str) -> None:
        self._n_inputs, self._n_outputs, self._path = n_inputs, n_outputs, path
        self._lower, self._upper = np.full(n_inputs, -np.inf), np.full(n_inputs, np.inf)
        for k, (low, high) in common.items():
            self._lower[k], self._upper[k] = low, high
        self._boxes: dict[bytes, Box] = {}
        self._numbers = 0

    def of(self, union: list[_Conjunction]) -> tuple[Case, ...]:
        """The cases that some input may meet."""
        found = []
        empty = "its constraints contradict each other"
        for conjunction in union:
            lower, upper = self._lower.copy(), self._upper.copy()
            for k, (low, high) in conjunction.bounds.items():
                lower[k], upper[k] = max(low, lower[k]), min(high, upper[k])
            crossed = np.flatnonzero(lower > upper)
            if crossed.size:
                k = crossed[0]
                empty = f"X_{k} has lower bound {lower[k]:g} above upper bound {upper[k]:g}"
                continue
            found.append(Case(self._box(lower, upper), self._rows(conjunction.rows)))
        if not found:
            raise DomainError(self._path, f"an empty input set: {empty}", "lower <= upper")
        return tuple(found)

    def _box(self, lower: Vector, upper: Vector) -> Box:
        for name, bound in (("lower", lower), ("upper", upper)):
            free = np.flatnonzero(np.isinf(bound))
            if free.size:
                raise DomainError(
                    self._path,
                    f"X_{free[0]} has no {name} bound",
                    "a lower and an upper bound each",
                )
        key = lower.tobytes() + upper.tobytes()
        if key not in self._boxes:
            self._count(2 * self._n_inputs)
            self._boxes[key] = Box(lower, upper, self._path)
        return self._boxes[key]

    def _rows(self, rows: Sequence[_Row]) -> LinearRows:
        self._count(len(rows) * (self._n_inputs + self._n_outputs))
        on_outputs = np.zeros((len(rows), self._n_outputs))
        on_inputs = np.zeros((len(rows), self._n_inputs))
        for place, row in enumerate(rows):
            for k, c in row.term.outputs.items():
                on_outputs[place, k] = float(c)
            for k, c in row.term.inputs.items():
                on_inputs[place, k] = float(c)
        limits = [-row.term.constant for row in rows]
        return LinearRows(
            on_outputs,
            on_inputs,
            np.array([_rounded_up(limit) for limit in limits], dtype=np.float64),
            np.array([_rounded_down(limit) for limit in limits], dtype=np.float64),
            np.array([row.strict for row in rows], dtype=np.bool_),
        )

    def _count(self, numbers: int) -> None:
        self._numbers += numbers
        if self._numbers > _MOST_NUMBERS:
            raise DomainError(
                self._path, f"cases of more than {_MOST_NUMBERS:,} numbers, written out", "fewer"
            )


def _is_float(number: Fraction) -> bool:
    return Fraction(float(number)) == number


def _rounded_up(number: Fraction) -> float:
    """The least float at or above."""
    # Adding 0.0 turns -0.0 into 0.0.
    near = float(number) + 0.0
    return near if Fraction(near) >= number else math.nextafter(near, math.inf)


def _rounded_down(number: Fraction) -> float:
    """The largest float at or below."""
    return -_rounded_up(-number) + 0.0
