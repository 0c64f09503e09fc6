"""What float64 cannot tell, told by exact arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.ambiguity import Basis, Doubt, Question, Sign, Verdict
from cpwl_milp.engines.exact.basis import proves_nonnegative, vanishes
from cpwl_milp.engines.exact.dictionary import Effort, EffortExceededError
from cpwl_milp.engines.exact.integers import Row
from cpwl_milp.engines.exact.maps import Bits, ExactMaps
from cpwl_milp.engines.exact.path import CellPath
from cpwl_milp.engines.exact.space import ExactSpace

# Products of 64-bit numbers for one question: some seconds.
MOST_EFFORT = 20_000_000


class Settler:
    """Settles the signs of units on cells, in whole numbers.

    Parameters
    ----------
    problem : Problem
        Over a domain with linear faces.
    most_effort : int
        Work that one question may take (see `Effort`).
    most_composing : int
        Work of one try on composing affine functions.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        most_effort: int = MOST_EFFORT,
        most_composing: int = MOST_EFFORT,
    ) -> None:
        self._space = ExactSpace(problem.domain)
        self._maps = ExactMaps(problem.network, self._space)
        self._path = CellPath(self._maps, self._space)
        self._offsets = problem.network.offsets
        self._most_effort = most_effort
        self._most_composing = most_composing
        # What bases proved, by layer, as long as the bits below the layer stay the same.
        self._proofs: list[tuple[bytes, dict[tuple[int, Doubt, Basis], bool]]] = [
            (b"", {}) for _ in problem.network.layers
        ]

    def settle(self, literals: Sequence[int], bits: Bits, question: Question) -> Verdict:
        """What a unit does on the cell of some literals.

        Parameters
        ----------
        literals : sequence of int
            The decisions that bound the cell, in their order (lower layers first), as in `Cube`.
        bits : ndarray of uint8, shape (n_units,)
            The bits on the cell of all units in layers below that of `unit`; and in its own layer
            those of `basis`.
        question : Question
            Where its basis is right, the answer costs one small linear system.

        Raises
        ------
        UnfinishedError
            If functions are still to be composed: ask again.
        """
        unit, doubt, basis = question.unit, question.doubt, question.basis
        effort = Effort(self._most_effort, composing=self._most_composing)
        try:
            row = self._maps.row(unit, bits, effort)
            if doubt is Doubt.ZERO:
                assert basis is not None, "zero at which vertex?"
                return Verdict(None, zero=self._proved(row, bits, unit, doubt, basis, effort))
            if not any(row[1:]):
                return Verdict(Sign.POSITIVE if row[0] > 0 else Sign.NEGATIVE)
            if (
                basis is not None
                and doubt in (Doubt.BELOW, Doubt.ABOVE)
                and self._proved(row, bits, unit, doubt, basis, effort)
            ):
                return Verdict(Sign.POSITIVE if doubt is Doubt.BELOW else Sign.NEGATIVE)
            return self._by_pivots(literals, bits, row, doubt, effort)
        except EffortExceededError:
            return Verdict(None)

    def _proved(
        self, row: Row, bits: Bits, unit: int, doubt: Doubt, basis: Basis, effort: Effort
    ) -> bool:
        layer = self._maps.layer_of(unit)
        below = bits[: self._offsets[layer]].tobytes()
        if self._proofs[layer][0] != below:
            self._proofs[layer] = (below, {})
        proofs = self._proofs[layer][1]
        signed = Basis(
            tuple(u + 1 if bits[u] else -(u + 1) for u in basis.units), basis.lower, basis.upper
        )
        key = (unit, doubt, signed)
        found = proofs.get(key)
        if found is None:
            sides = []
            for other in basis.units:
                side = self._maps.row(other, bits, effort)
                sides.append(side if bits[other] else _negated(side))
            target = _negated(row) if doubt is Doubt.ABOVE else row
            proof = vanishes if doubt is Doubt.ZERO else proves_nonnegative
            found = proofs[key] = proof(target, sides, basis, self._space.width, effort)
        return found

    def _by_pivots(
        self, literals: Sequence[int], bits: Bits, row: Row, doubt: Doubt, effort: Effort
    ) -> Verdict:
        cell = self._path.cell(literals, bits, effort)
        sides = {Doubt.BELOW: row, Doubt.ABOVE: _negated(row)}
        side = sides.get(doubt)
        if side is not None and not cell.is_negative_somewhere(side, effort):
            return Verdict(Sign.POSITIVE if doubt is Doubt.BELOW else Sign.NEGATIVE)
        sign = cell.sign(row, effort)
        if sign is not Sign.CUTS or doubt is Doubt.CUT:
            return Verdict(sign)
        depths = (
            cell.depth_below(wanted, self._space, effort)
            for kind, wanted in sides.items()
            if doubt & kind
        )
        return Verdict(sign, min(depths))


def _negated(row: Row) -> Row:
    return tuple(-value for value in row)
