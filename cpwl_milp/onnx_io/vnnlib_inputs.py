"""The input set of a VNN-LIB property: boxes, each within the same linear constraints.

A file asserts a conjunction over inputs ``X_i`` and outputs ``Y_j``. Only what it says of the
inputs is read here; an atom that mentions an output restricts no input by itself. One that mixes
both belongs to the outputs, too, and is told of.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import DomainError
from cpwl_milp.onnx_io.vnnlib_boxes import Bounds, as_ends, intersected, narrow
from cpwl_milp.onnx_io.vnnlib_formulas import NUMBER, VARIABLE, Reader, Row, over
from cpwl_milp.onnx_io.vnnlib_syntax import Script, Tree, read_script

_IGNORED = ("set-logic", "set-info", "set-option", "check-sat", "get-model", "exit")
# Numbers that the rows of linear constraints may hold.
_MOST_NUMBERS = 20_000_000


@dataclass(frozen=True, eq=False)
class LinearInputs:
    """``lower <= x <= upper`` and ``matrix x <= limit``.

    Attributes
    ----------
    lower, upper : ndarray, shape (n_inputs,)
        Finite, unless there are rows.
    matrix : ndarray, shape (m, n_inputs)
    limit : ndarray, shape (m,)
    origin : str
        File and number, for messages.
    """

    lower: Vector
    upper: Vector
    matrix: Dense
    limit: Vector
    origin: str


@dataclass(frozen=True, eq=False)
class VnnlibInputs:
    """What a property says of the inputs.

    Attributes
    ----------
    pieces : tuple of LinearInputs
        Their union is the input set.
    first_row : str
        Where the first linear constraint of several inputs stands, and over how many it is.
    notices : tuple of str
        What the user should know.
    """

    pieces: tuple[LinearInputs, ...]
    first_row: tuple[str, str]
    notices: tuple[str, ...]


def read_vnnlib_boxes(path: str | Path, n_inputs: int) -> tuple[Box, ...]:
    """The distinct boxes whose union is the input set of a property.

    Parameters and errors as of `read_vnnlib_inputs`; a DomainError, too, where the file restricts
    inputs by more than bounds.
    """
    inputs = read_vnnlib_inputs(path, n_inputs)
    if len(inputs.pieces[0].limit):
        raise DomainError(
            *inputs.first_row,
            "bounds of single inputs",
            "the input set must be a box or a union of boxes",
        )
    return tuple(Box(piece.lower, piece.upper, piece.origin) for piece in inputs.pieces)


def read_vnnlib_inputs(path: str | Path, n_inputs: int) -> VnnlibInputs:
    """The input set of a property.

    Parameters
    ----------
    path : str or Path
        A VNN-LIB file of version 1, plain or gzip-compressed.
    n_inputs : int
        Dimension of the network's input; ``X_i`` is entry i of the flattened input.

    Raises
    ------
    DomainError
        If the file is not VNN-LIB, is for another number of inputs, leaves an input without bound
        and without a linear constraint that could bound it, is empty, restricts inputs by anything
        that is not linear, or by linear constraints that hold in a part of a disjunction only.
    """
    script = read_script(path)
    check_declarations(script, n_inputs)
    common: Bounds = {}
    unions: list[list[Bounds]] = []
    rows: list[Row] = []
    mixed: list[str] = []
    names = {f"X_{k}": k for k in range(n_inputs)}
    for statement in script.statements:
        tree = statement.tree
        if tree[0] != "assert":
            continue
        if len(tree) == 2 and plain_bound(tree[1], names, common):
            continue
        reader = Reader(script, statement, n_inputs, rows, mixed)
        if len(tree) != 2:
            raise reader.error(f"an assert of {len(tree) - 1} formulas", "one")
        found = reader.boxes(tree[1])
        if found is None:
            continue
        if len(found) == 1:
            narrow(common, found[0])
        else:
            unions.append(found)
    ends = as_ends(
        common, intersected(unions, script.path), n_inputs, script.path, may_be_free=bool(rows)
    )
    matrix, limit = _stacked(rows, n_inputs, script.path)
    several = len(ends) > 1
    pieces = tuple(
        LinearInputs(
            lower,
            upper,
            matrix,
            limit,
            f"{script.path} (box {k + 1} of {len(ends)})" if several else script.path,
        )
        for k, (lower, upper) in enumerate(ends)
    )
    first = (rows[0].place, over(rows[0].coefficients)) if rows else ("", "")
    return VnnlibInputs(pieces, first, _notices(mixed))


def _stacked(rows: list[Row], n_inputs: int, path: str) -> tuple[Dense, Vector]:
    if len(rows) * n_inputs > _MOST_NUMBERS:
        raise DomainError(
            path, f"{len(rows):,} linear constraints over {n_inputs:,} inputs", "fewer"
        )
    matrix = np.zeros((len(rows), n_inputs))
    for place, row in enumerate(rows):
        for k, value in row.coefficients.items():
            matrix[place, k] = value
    return matrix, np.array([row.limit for row in rows])


def _notices(mixed: list[str]) -> tuple[str, ...]:
    if not mixed:
        return ()
    more = f" and {len(mixed) - 1} more" if len(mixed) > 1 else ""
    return (
        f"{mixed[0]}{more}: a constraint that mixes inputs and outputs is part of the property, "
        "not of its input set, and does not restrict the domain",
    )


def plain_bound(tree: Tree, names: dict[str, int], common: Bounds) -> bool:
    """Take in ``(<= X_i c)`` or ``(>= X_i c)``, nearly every line of nearly every file."""
    if len(tree) != 3 or not isinstance(tree[1], str) or not isinstance(tree[2], str):
        return False
    k = names.get(tree[1])
    if k is None or tree[0] not in ("<=", ">="):
        return False
    if NUMBER.fullmatch(tree[2]) is None:
        return False
    value = float(tree[2])
    if not -np.inf < value < np.inf:
        return False
    low, high = common.get(k, (-np.inf, np.inf))
    common[k] = (low, min(value, high)) if tree[0] == "<=" else (max(value, low), high)
    return True


def check_declarations(script: Script, n_inputs: int) -> None:
    """Stop if a statement is none of the format's, or the inputs are not those of the network."""
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
        match = VARIABLE.fullmatch(str(tree[1])) if len(tree) == 3 else None
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
