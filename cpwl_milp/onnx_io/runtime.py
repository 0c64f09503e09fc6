"""The independent referee: the file itself as a function of one flat input vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.errors import ModelError
from cpwl_milp.onnx_io.evaluators import Evaluator, reason_of
from cpwl_milp.onnx_io.interface import TensorInfo
from cpwl_milp.onnx_io.values import Constant


class Runtime:
    """A graph as a function of one flat input vector.

    Parameters
    ----------
    evaluator : Evaluator
    inputs : sequence of TensorInfo
        The inputs that the vector is split into.
    outputs : sequence of str
    fixed : mapping
        Arrays of the other inputs.
    probes : sequence of str
        Inner tensors to be read too, see `probed`.

    Attributes
    ----------
    name : str
        Of the evaluator.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        inputs: Sequence[TensorInfo],
        outputs: Sequence[str],
        fixed: Mapping[str, Constant],
        probes: Sequence[str],
        where: str,
    ) -> None:
        self._evaluator = evaluator
        self.name = evaluator.name
        self._inputs = tuple(inputs)
        self._where = where
        self._outputs = list(outputs)
        self._probes = list(probes)
        types = evaluator.types
        self._types = types
        self._fixed = {k: v.astype(types.get(k, v.dtype)) for k, v in fixed.items()}
        self._fixed = {k: v for k, v in self._fixed.items() if k in types}

    def rounded(self, x: Dense) -> Dense:
        """The rows of x as the model receives them, in its own precision, shape kept."""
        parts: list[Dense] = [
            part.astype(self._types.get(info.name, np.float64)).astype(np.float64)
            for info, part in zip(self._inputs, self._split(x), strict=True)
        ]
        return np.concatenate(parts, axis=1)

    def __call__(self, x: Dense) -> Dense:
        """Outputs, shape (n, n_outputs), of inputs of shape (n, n_inputs), row by row."""
        return np.array([_joined(row) for row in self._rows(x, self._outputs)])

    def probed(self, x: Dense) -> tuple[Dense, list[Dense]]:
        """Outputs, and one array (n, size) for each probe."""
        rows = self._rows(x, self._outputs + self._probes)
        n = len(self._outputs)
        found = [
            np.array([_joined([row[n + k]]) for row in rows]) for k in range(len(self._probes))
        ]
        return np.array([_joined(row[:n]) for row in rows]), found

    def _rows(self, x: Dense, names: list[str]) -> list[list[NDArray[Any]]]:
        """The named tensors for each input row."""
        parts: list[tuple[str, NDArray[Any]]] = [
            (info.name, part.astype(self._types[info.name]).reshape(-1, *info.shape))
            for info, part in zip(self._inputs, self._split(x), strict=True)
            if info.name in self._types
        ]
        rows = []
        for k in range(len(x)):
            feeds = {name: np.asarray(part[k]) for name, part in parts} | self._fixed
            try:
                rows.append(self._evaluator.run(names, feeds))
            except Exception as error:  # the evaluator's own exceptions
                raise ModelError(
                    self._where, f"{self.name} fails on it: {reason_of(error)}"
                ) from error
        return rows

    def _split(self, x: Dense) -> list[NDArray[np.float64]]:
        ends = np.cumsum([info.size for info in self._inputs])
        return np.split(x, ends[:-1], axis=1)


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    return np.concatenate([np.ravel(part).astype(np.float64) for part in parts])
