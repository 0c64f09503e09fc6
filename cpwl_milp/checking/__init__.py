"""The independent checker of certificates: whole numbers only, and nothing of the engines.

Read in this order: `statement` (what is claimed), `exact` (its pre-activations in integers),
`records` (the file), `checker` (the walk). The room takes from `core` the errors alone, and
imports neither numpy nor any other room, so that nothing that found a count can vouch for it.
"""

from cpwl_milp.checking.checker import Checked, check
from cpwl_milp.checking.records import CertificateError
from cpwl_milp.checking.statement import StatedLayer, Statement

__all__ = ["CertificateError", "Checked", "StatedLayer", "Statement", "check"]
