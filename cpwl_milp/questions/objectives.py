"""What is to be as large as possible: the least of some linear functions of the outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpwl_milp.conditions.parsing import parsed_inequality
from cpwl_milp.core.affine import Affine, Dense
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.network import Layer, Network


@dataclass(frozen=True, eq=False)
class Objective:
    """``min_r (weight y + bias)_r`` of outputs y.

    Attributes
    ----------
    name : str
    weight : ndarray, shape (r, n_outputs)
    bias : ndarray, shape (r,)
    """

    name: str
    weight: Dense
    bias: Dense

    @staticmethod
    def of(text: str, n_outputs: int) -> Objective:
        """A linear function of the outputs, as ``"y0 - 2*y1 + 1"``.

        Raises
        ------
        InputError
            If it is none, or of outputs that are not there.
        """
        if any(sign in text for sign in "<>"):
            raise InputError("objective", repr(text), "a sum such as 'y0 - 2*y1'")
        found = parsed_inequality(f"{text} > 0")
        if found.inputs:
            raise InputError("objective", f"an input in {text!r}", "outputs y0, y1, ... alone")
        weight = np.zeros((1, n_outputs))
        for k, coefficient in found.outputs:
            if k >= n_outputs:
                raise InputError("objective", f"y{k}", f"one of the {n_outputs} outputs")
            weight[0, k] = coefficient
        return Objective(text, weight, np.array([-found.threshold]))

    @staticmethod
    def margin(k: int, n_outputs: int) -> Objective:
        """By how much output k is larger than the largest of the others.

        Raises
        ------
        InputError
            If there is no such output, or only one.
        """
        if n_outputs < 2 or not 0 <= k < n_outputs:
            raise InputError("margin", f"output {k}", f"one of several outputs, here {n_outputs}")
        weight = -np.eye(n_outputs)
        weight[:, k] += 1.0
        others = np.arange(n_outputs) != k
        return Objective(f"margin of y{k}", weight[others], np.zeros(n_outputs - 1))

    def __call__(self, outputs: Dense) -> Dense:
        """Values, shape (n,), at outputs of shape (n, n_outputs)."""
        values: Dense = (outputs @ self.weight.T + self.bias).min(axis=1)
        return values

    def appended(self, network: Network) -> Network:
        """The network whose one output is the objective: minima by rounds of pairs."""
        layers = list(network.layers)
        if len(self.bias) > 1:
            # As values of their own, so that no weight is composed.
            layers.append(Layer(network.output, np.ones(network.n_outputs), "outputs"))
            last = Affine(self.weight, self.bias)
        else:
            last = Affine(self.weight, self.bias).after(network.output)
        n = last.n_out
        while n > 1:
            # min(a, b) = a - relu(a - b): each pair passes a on and has one unit.
            pairs, rest = divmod(n, 2)
            rows = np.zeros((2 * pairs + rest, n))
            slope = np.ones(2 * pairs + rest)
            for p in range(pairs):
                rows[2 * p, 2 * p] = 1.0
                rows[2 * p + 1, 2 * p : 2 * p + 2] = (1.0, -1.0)
                slope[2 * p + 1] = 0.0
            if rest:
                rows[-1, -1] = 1.0
            weight, bias = rows @ last.dense(), rows @ last.bias
            layers.append(Layer(Affine(weight, bias), slope, "minimum"))
            n = pairs + rest
            least = np.zeros((n, len(slope)))
            for p in range(pairs):
                least[p, 2 * p : 2 * p + 2] = (1.0, -1.0)
            if rest:
                least[-1, -1] = 1.0
            last = Affine(least, np.zeros(n))
        return Network(tuple(layers), last)
