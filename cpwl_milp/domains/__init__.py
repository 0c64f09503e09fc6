"""Making domains that need a linear program: bounded, with an interior, cut by a slice."""

from cpwl_milp.domains.polytopes import polytope
from cpwl_milp.domains.slices import plane_through, slice_of

__all__ = ["plane_through", "polytope", "slice_of"]
