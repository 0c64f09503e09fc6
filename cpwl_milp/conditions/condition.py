"""What is asked of a region: that it meets linear inequalities, and has some bits.

A region meets a condition iff it has the bits and its part where the inequalities hold has an
interior. ``>`` and ``>=`` differ only where both sides are equal on a part with an interior, as two
outputs that are both 0 there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cpwl_milp.core.errors import InputError
from cpwl_milp.core.network import Network

Terms = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Inequality:
    """``sum of terms > threshold``, or ``<=``.

    Attributes
    ----------
    inputs, outputs : tuple of (int, float)
        Coordinates of the model's input and output vectors, from 0, with their coefficients.
    threshold : float
    above : bool
        True for ``>``, False for ``<=``: the bit of a unit ``z = sum - threshold``.
    """

    inputs: Terms
    outputs: Terms
    threshold: float
    above: bool

    def __str__(self) -> str:
        """As `parsing.parsed_inequality` reads it, without any loss."""
        terms = [(c, f"x{k}") for k, c in self.inputs] + [(c, f"y{k}") for k, c in self.outputs]
        text = " ".join(
            f"{'-' if c < 0 else '+'} {name if abs(c) == 1.0 else f'{abs(c)!r}*{name}'}"
            for c, name in terms
        )
        return f"{text.removeprefix('+ ')} {'>' if self.above else '<='} {self.threshold!r}"


@dataclass(frozen=True)
class Literal:
    """One bit of a partial pattern.

    Attributes
    ----------
    layer : int
        From 1.
    unit : int
        Among the layer's hidden units, from 0.
    bit : bool
    """

    layer: int
    unit: int
    bit: bool

    def __str__(self) -> str:
        return f"{self.layer}.{self.unit}={int(self.bit)}"

    def place(self, network: Network) -> int:
        """The unit's place in a pattern of a network.

        Raises
        ------
        InputError
            If the network has no such unit.
        """
        n_layers = len(network.layers)
        if not 1 <= self.layer <= n_layers:
            raise InputError(f"pattern {self}", f"layer {self.layer}", f"1 to {n_layers}")
        width = network.widths[self.layer - 1]
        if not 0 <= self.unit < width:
            raise InputError(
                f"pattern {self}",
                f"unit {self.unit}",
                f"0 to {width - 1}, the hidden units of layer {self.layer}"
                if width
                else f"a layer with hidden units; layer {self.layer} has none",
            )
        return network.offsets[self.layer - 1] + self.unit


@dataclass(frozen=True)
class Condition:
    """All of it must hold.

    Attributes
    ----------
    inequalities : tuple of Inequality
    pattern : tuple of Literal
    """

    inequalities: tuple[Inequality, ...] = ()
    pattern: tuple[Literal, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.inequalities or self.pattern)

    def __and__(self, other: Condition) -> Condition:
        return Condition(self.inequalities + other.inequalities, self.pattern + other.pattern)

    @staticmethod
    def of(*where: str, pattern: str = "") -> Condition:
        """From text, as the command line takes it.

        Parameters
        ----------
        where : str
            Inequalities, as ``"y0 - 2*y1 > 0.5"``.
        pattern : str
            Bits, as ``"1.3=1,2.0=0"``: layers from 1, units from 0.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        return Condition.from_json({"where": where, "pattern": [pattern] if pattern else []})

    @staticmethod
    def of_class(k: int, n_outputs: int) -> Condition:
        """Output k (from 0) is the largest, and no other is as large.

        Raises
        ------
        InputError
            If there is no such output, or only one.
        """
        if n_outputs < 2:
            raise InputError("class", "a model with one output", "at least two outputs")
        if not 0 <= k < n_outputs:
            raise InputError("class", f"output {k}", f"0 to {n_outputs - 1}")
        return Condition(
            tuple(
                Inequality((), tuple(sorted(((k, 1.0), (j, -1.0)))), 0.0, above=True)
                for j in range(n_outputs)
                if j != k
            )
        )

    def require_fits(self, network: Network) -> None:
        """Check that a network has all that the condition names.

        Raises
        ------
        InputError
        """
        for inequality in self.inequalities:
            for kind, terms, n in (
                ("x", inequality.inputs, network.n_inputs),
                ("y", inequality.outputs, network.n_outputs),
            ):
                for k, _ in terms:
                    if not 0 <= k < n:
                        what = "inputs" if kind == "x" else "outputs"
                        raise InputError(
                            f"condition {inequality}", f"{kind}{k}", f"one of the {n} {what}"
                        )
        for literal in self.pattern:
            literal.place(network)

    def to_json(self) -> dict[str, Any]:
        """The condition as JSON, for answers and run folders."""
        return {
            "where": [str(inequality) for inequality in self.inequalities],
            "pattern": [str(literal) for literal in self.pattern],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Condition:
        """The inverse of `to_json`.

        Raises
        ------
        InputError
            If it is none.
        """
        from cpwl_milp.conditions.parsing import parsed_inequality, parsed_pattern

        return Condition(
            tuple(parsed_inequality(str(text)) for text in data.get("where", ())),
            tuple(k for text in data.get("pattern", ()) for k in parsed_pattern(str(text))),
        )
