"""The kinds of domain beyond the box."""

from cpwl_milp.core.domains.balls import Ball
from cpwl_milp.core.domains.description import domain_from
from cpwl_milp.core.domains.polytope import Polytope
from cpwl_milp.core.domains.slice import Slice
from cpwl_milp.core.domains.whole_space import WholeSpace

__all__ = ["Ball", "Polytope", "Slice", "WholeSpace", "domain_from"]
