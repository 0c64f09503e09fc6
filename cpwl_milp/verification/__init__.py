"""Does a property of inputs and outputs hold? Proved, refuted by an input, or unknown."""

from __future__ import annotations

from cpwl_milp.verification.answer import METHODS, Verification, VerifySettings
from cpwl_milp.verification.verify import verify
from cpwl_milp.verification.witness import Counterexample

__all__ = ["METHODS", "Counterexample", "Verification", "VerifySettings", "verify"]
