"""One node of the graph as the operators see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from cpwl_milp.core.errors import ModelError, UnsupportedOperatorError
from cpwl_milp.onnx_io.values import Constant, Shape, Tensor, Value, lifted


@dataclass(frozen=True, eq=False)
class Node:
    """An operator with its values, ready to be applied.

    Attributes
    ----------
    op : str
        Operator type.
    where : str
        File and node, for messages.
    inputs : tuple
        Tensor, constant array, or None for an optional input left out.
    names : tuple of str
        Names of the inputs in the graph.
    shapes, dtypes : tuple
        Inferred for each output.
    attributes : mapping
        As Python values.
    proto : onnx.NodeProto
    opset : int
    """

    op: str
    where: str
    inputs: tuple[Value | None, ...]
    names: tuple[str, ...]
    shapes: tuple[Shape, ...]
    dtypes: tuple[int, ...]
    attributes: Mapping[str, Any]
    proto: onnx.NodeProto
    opset: int

    @property
    def shape(self) -> Shape:
        """Shape of the first output."""
        return self.shapes[0]

    @property
    def dtype(self) -> int:
        """Element type of the first output."""
        return self.dtypes[0]

    def has(self, i: int) -> bool:
        """Whether optional input `i` is given."""
        return i < len(self.inputs) and self.inputs[i] is not None

    def varies(self, i: int) -> bool:
        """Whether input `i` depends on the network's inputs."""
        return i < len(self.inputs) and isinstance(self.inputs[i], Tensor)

    def tensor(self, i: int) -> Tensor:
        """Input `i` as a tensor; a constant is lifted."""
        value = self.inputs[i]
        if isinstance(value, Tensor):
            return value
        return lifted(self.constant(i), self.dtype)

    def constant(self, i: int, *, finite: bool = True) -> Constant:
        """Input `i`, which must be constant and (unless told otherwise) finite.

        Raises
        ------
        UnsupportedOperatorError
            If it depends on the network's inputs.
        ModelError
            If it holds NaN or infinity.
        """
        value = self.inputs[i] if i < len(self.inputs) else None
        if value is None:
            raise ModelError(self.where, f"input {i} is missing", "a constant tensor")
        if isinstance(value, Tensor):
            raise self.refusal(
                f"input {i} ('{self.names[i]}') depends on the network's input",
                "a constant",
            )
        return self.finite(value, f"'{self.names[i]}'") if finite else value

    def reals(self, i: int) -> NDArray[np.float64]:
        """Constant input `i` in float64."""
        return np.asarray(self.constant(i), dtype=np.float64)

    def integers(self, i: int, attribute: str) -> list[int] | None:
        """Integers that newer opsets give as input `i` and older ones as an attribute."""
        if self.has(i):
            return [int(v) for v in np.ravel(self.constant(i))]
        given = self.attributes.get(attribute)
        if given is None:
            return None
        return [int(v) for v in given] if isinstance(given, list | tuple) else [int(given)]

    def number(self, name: str, default: float) -> float:
        """A finite float attribute."""
        value = float(self.attributes.get(name, default))
        if not np.isfinite(value):
            raise ModelError(self.where, f"attribute {name} is {value}", "a finite number")
        return value

    def finite(self, array: Constant, what: str) -> Constant:
        """The array itself, if every entry is finite."""
        # ml_dtypes' bfloat16 has no isfinite in numpy's own sense until it is widened.
        if array.dtype.kind not in "biu":
            wide = np.asarray(array, dtype=np.float64)
            bad = np.flatnonzero(~np.isfinite(wide))
            if bad.size:
                raise ModelError(
                    self.where,
                    f"constant {what} holds {wide.ravel()[bad[0]]} at position {bad[0]}",
                    "finite numbers",
                    "the file is damaged or its training diverged",
                )
        return array

    def refusal(self, found: str, expected: str = "", hint: str = "") -> UnsupportedOperatorError:
        """The error for a node that is not (provably) continuous piecewise linear."""
        return UnsupportedOperatorError(self.where, found, expected, hint)

    def misfit(self, found: str, expected: str = "", hint: str = "") -> ModelError:
        """The error for a node whose parts do not fit together."""
        return ModelError(self.where, found, expected, hint)
