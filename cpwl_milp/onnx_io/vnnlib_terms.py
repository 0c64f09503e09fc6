"""Linear terms of VNN-LIB files over inputs and outputs, in exact arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

from cpwl_milp.core.errors import DomainError
from cpwl_milp.onnx_io.vnnlib_formulas import NUMBER, VARIABLE
from cpwl_milp.onnx_io.vnnlib_syntax import Tree

# Of a term that an error shows.
_MOST_CHARACTERS = 60


@dataclass(frozen=True)
class Term:
    """``sum inputs[k] X_k + sum outputs[k] Y_k + constant``."""

    inputs: dict[int, Fraction]
    outputs: dict[int, Fraction]
    constant: Fraction

    @property
    def is_constant(self) -> bool:
        """Whether it has no variables."""
        return not self.inputs and not self.outputs

    def scaled(self, factor: Fraction) -> Term:
        """The product with a number."""
        return Term(
            {k: factor * c for k, c in self.inputs.items()},
            {k: factor * c for k, c in self.outputs.items()},
            factor * self.constant,
        )

    def plus(self, other: Term) -> Term:
        """The sum; variables that cancel are left out."""
        return Term(
            _added(self.inputs, other.inputs),
            _added(self.outputs, other.outputs),
            self.constant + other.constant,
        )


def _added(one: dict[int, Fraction], other: dict[int, Fraction]) -> dict[int, Fraction]:
    total = dict(one)
    for k, c in other.items():
        total[k] = total.get(k, Fraction(0)) + c
    return {k: c for k, c in total.items() if c}


@dataclass(frozen=True)
class TermReader:
    """Reads the terms of one statement.

    Attributes
    ----------
    n_inputs, n_outputs : int
    error : callable
        Makes the error of what was found, what was expected and what to do; it names the place.
    """

    n_inputs: int
    n_outputs: int
    error: Callable[[str, str, str], DomainError]

    def read(self, tree: Tree) -> Term:
        """The term; numbers are taken as float64 has them.

        Raises
        ------
        DomainError
            If it is not linear.
        """
        if isinstance(tree, str):
            return self._leaf(tree)
        head, parts = (tree[0], tree[1:]) if tree else ("", [])
        if head not in ("+", "-", "*") or not parts:
            self._refuse(f"'{shown(tree)}'", "a linear term of +, - and *")
        terms = [self.read(part) for part in parts]
        if head == "*":
            return self._product(terms, tree)
        if head == "-":
            terms = [
                term.scaled(Fraction(-1)) if k > 0 or len(terms) == 1 else term
                for k, term in enumerate(terms)
            ]
        total = terms[0]
        for term in terms[1:]:
            total = total.plus(term)
        return total

    def _product(self, terms: list[Term], tree: Tree) -> Term:
        variable = [term for term in terms if not term.is_constant]
        if len(variable) > 1:
            self._refuse(f"a product of variables, '{shown(tree)}'", "linear terms")
        factor = Fraction(1)
        for term in terms:
            if term.is_constant:
                factor *= term.constant
        if variable:
            return variable[0].scaled(factor)
        return Term({}, {}, factor)

    def _leaf(self, text: str) -> Term:
        match = VARIABLE.fullmatch(text)
        if match is None:
            return Term({}, {}, self._number(text))
        k = int(match[2])
        of_inputs = match[1] == "X"
        if k >= (self.n_inputs if of_inputs else self.n_outputs):
            self._refuse(f"{text} is not declared")
        one = {k: Fraction(1)}
        return Term(one if of_inputs else {}, {} if of_inputs else one, Fraction(0))

    def _number(self, text: str) -> Fraction:
        if NUMBER.fullmatch(text) is None:
            self._refuse(f"'{text[:40]}'", "a number, X_i or Y_j")
        value = float(text)
        if not -float("inf") < value < float("inf"):
            self._refuse(f"the number {text[:40]}", "one that float64 holds")
        return Fraction(value)

    def _refuse(self, found: str, expected: str = "", hint: str = "") -> NoReturn:
        raise self.error(found, expected, hint)


def shown(tree: Tree) -> str:
    """A formula for messages, cut where it is long."""
    text = tree if isinstance(tree, str) else f"({' '.join(shown(part) for part in tree[:6])})"
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + " ..."
