"""Lists that a proof refutes."""

from __future__ import annotations

from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.engines.proof import Proof


def require_right(proof: Proof, where: str) -> None:
    """Stop where a proof found a list to be wrong.

    Raises
    ------
    CheckFailedError
    """
    if proof.missed or proof.phantom:
        raise CheckFailedError(
            where,
            f"the list lacks {proof.missed} regions and holds {proof.phantom} that are none",
            f"{proof.regions} regions, as proved" if proof.complete else "",
            "please report it; --engine tree or milp may list them right",
        )
