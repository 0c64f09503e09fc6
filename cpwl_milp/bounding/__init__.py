"""Sound pre-activation bounds of a network on a domain, from cheap to tight."""

from __future__ import annotations

from cpwl_milp.bounding.combine import METHODS, pre_activation_bounds

__all__ = ["METHODS", "pre_activation_bounds"]
