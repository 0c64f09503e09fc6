"""From what was typed to a domain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from cpwl_milp.cli.arguments.question import sample_shape
from cpwl_milp.cli.arguments.requests import DomainRequest
from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.domains import Ball, WholeSpace
from cpwl_milp.core.errors import DomainError

if TYPE_CHECKING:
    from cpwl_milp.onnx_io import ImportedModel
    from cpwl_milp.onnx_io.vnnlib_inputs import LinearInputs

_DOMAINS = "--box LO,HI, --ball CENTER --radius R, --polytope FILE, --vnnlib FILE or --whole-space"


def require_named(request: DomainRequest) -> None:
    """Stop before anything slow if no domain was named, or more than one.

    Raises
    ------
    click.UsageError
    """
    named = request.named
    if not named:
        raise click.UsageError(f"no domain: name one with {_DOMAINS}")
    if len(named) > 1:
        raise click.UsageError(f"give one domain: {' and '.join(named)} exclude each other")
    if request.slice_file is not None and request.plane is not None:
        raise click.UsageError("give one slice: --slice and --plane exclude each other")
    if (request.ball is None) != (request.radius is None):
        raise click.UsageError("--ball and --radius go together")
    if request.norm is not None and request.ball is None:
        raise click.UsageError("--norm needs --ball")


def resolve(request: DomainRequest, model: ImportedModel) -> Domain:
    """The domain that was asked for.

    Raises
    ------
    click.UsageError
        If none was named.
    DomainError
        If it cannot be read or does not fit the model.
    """
    require_named(request)
    n_inputs, shape = model.network.n_inputs, sample_shape(model)
    whole = _whole(request, n_inputs, shape)
    if request.plane is not None:
        from cpwl_milp.domains import plane_through

        points = _points(request.plane, n_inputs, shape)
        if len(points) < 2:
            raise DomainError(
                "--plane", f"{len(points)} point", "three points, as in data.npy:3,17,42"
            )
        return plane_through(points, whole)
    if request.slice_file is not None:
        from cpwl_milp.domains import slice_of

        start = _numbers(request.slice_file, "origin").ravel()
        basis = np.atleast_2d(_numbers(request.slice_file, "basis"))
        return slice_of(start, basis, whole, origin=str(request.slice_file))
    return whole


def _whole(request: DomainRequest, n_inputs: int, shape: tuple[int, ...] | None) -> Domain:
    if request.box is not None:
        return _box(request.box, n_inputs)
    if request.ball is not None:
        assert request.radius is not None
        centre = _centre(request.ball, n_inputs, shape)
        return Ball(centre, request.radius, request.norm or "2", "--ball")
    if request.polytope is not None:
        from cpwl_milp.domains import polytope

        matrix = np.atleast_2d(_numbers(request.polytope, "A"))
        limit = _numbers(request.polytope, "b").ravel()
        if matrix.shape[1] != n_inputs:
            raise DomainError(
                str(request.polytope),
                f"A has {matrix.shape[1]} columns",
                f"{n_inputs}, the inputs of the model",
            )
        return polytope(matrix, limit, origin=str(request.polytope))
    if request.whole_space:
        return WholeSpace(n_inputs, "--whole-space")
    assert request.vnnlib is not None
    return _vnnlib(request.vnnlib, n_inputs)


def _box(text: str, n_inputs: int) -> Box:
    if Path(text).suffix.lower() in {".npz", ".json"}:
        return _fitting(_box_file(Path(text)), n_inputs)
    parts = text.split(",")
    try:
        lower, upper = (float(part) for part in parts)
    except ValueError:
        raise DomainError("--box", f"{text!r}", "two numbers LO,HI or an .npz/.json file") from None
    return Box(np.full(n_inputs, lower), np.full(n_inputs, upper), "--box")


def _fitting(box: Box, n_inputs: int) -> Box:
    if box.dim != n_inputs:
        raise DomainError(
            box.origin, f"bounds for {box.dim} inputs", f"{n_inputs}, the inputs of the model"
        )
    return box


def _box_file(path: Path) -> Box:
    if path.suffix.lower() == ".npz":
        low, high = (_numbers(path, k).ravel() for k in ("lower", "upper"))
        return Box(low, high, str(path))
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        lower, upper = (np.array(data[k], dtype=np.float64).ravel() for k in ("lower", "upper"))
    except OSError as error:
        raise DomainError(str(path), error.strerror or str(error), "a readable file") from None
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise DomainError(
            str(path), "not a box", 'JSON {"lower": [numbers], "upper": [numbers]}'
        ) from None
    return Box(lower, upper, str(path))


def _numbers(path: Path, key: str) -> Dense:
    """An array of real numbers of an .npz file, as float64."""
    from cpwl_milp.storage.arrays import read_array

    return _real(read_array(str(path), key=key), str(path))


def _real(values: NDArray[Any], where: str) -> Dense:
    if values.dtype.kind not in "buif":
        raise DomainError(where, f"values of type {values.dtype}", "real numbers")
    return np.asarray(values, dtype=np.float64)


def _centre(text: str, n_inputs: int, shape: tuple[int, ...] | None) -> Vector:
    """Numbers ``a,b,c``, or one row of a data file."""
    try:
        values = np.array([float(part) for part in text.split(",")])
    except ValueError:
        points = _points(text, n_inputs, shape)
        if len(points) != 1:
            raise DomainError(
                "--ball", f"{len(points)} rows in {text}", "one, as in data.npy:17"
            ) from None
        row: Vector = points[0]
        return row
    if values.size == 1:
        # One number for every input, as a box has it.
        values = np.full(n_inputs, values[0])
    if values.size != n_inputs:
        raise DomainError(
            "--ball", f"{values.size} coordinates", f"{n_inputs}, the inputs of the model"
        )
    return values


def _points(spec: str, n_inputs: int, shape: tuple[int, ...] | None) -> Dense:
    from cpwl_milp.storage.arrays import read_samples

    found: Dense = _real(read_samples(spec, n_inputs, input_shape=shape), spec)
    return found


def _vnnlib(text: str, n_inputs: int) -> Domain:
    """The input set of a property: a box, or a polytope."""
    from cpwl_milp.onnx_io.vnnlib_inputs import read_vnnlib_inputs

    name, colon, chosen = text.rpartition(":")
    if not (colon and chosen.isascii() and chosen.isdigit()):
        name, chosen = text, ""
    inputs = read_vnnlib_inputs(Path(name), n_inputs)
    for notice in inputs.notices:
        click.echo(f"note: {notice}", err=True)
    pieces = inputs.pieces
    if chosen and int(chosen) >= len(pieces):
        raise DomainError(text, f"{len(pieces)} input boxes", f"a number below {len(pieces)}")
    if not chosen and len(pieces) > 1:
        raise DomainError(
            text,
            f"{len(pieces)} input boxes",
            "one",
            f"choose one with --vnnlib {name}:0 to {name}:{len(pieces) - 1}",
        )
    return _linear(pieces[int(chosen or 0)])


def _linear(inputs: LinearInputs) -> Domain:
    """The domain of bounds and linear constraints."""
    lower, upper = inputs.lower, inputs.upper
    if len(inputs.limit) == 0:
        return Box(lower, upper, inputs.origin)
    from cpwl_milp.domains import polytope

    if np.isfinite(lower).all() and np.isfinite(upper).all():
        box = Box(lower, upper, inputs.origin)
        return polytope(inputs.matrix, inputs.limit, within=box, origin=inputs.origin)
    # The rows may bound what has no bounds of its own.
    one = np.eye(lower.size)
    above, below = np.isfinite(upper), np.isfinite(lower)
    return polytope(
        np.concatenate([inputs.matrix, one[above], -one[below]]),
        np.concatenate([inputs.limit, upper[above], -lower[below]]),
        origin=inputs.origin,
    )
