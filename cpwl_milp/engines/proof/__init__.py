"""The prover: from a list of patterns to a proof that these are the regions, all and no others."""

from cpwl_milp.engines.proof.answer import Proof
from cpwl_milp.engines.proof.prover import prove, require_provable

__all__ = ["Proof", "prove", "require_provable"]
