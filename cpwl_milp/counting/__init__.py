"""Closed-form bounds of the number of regions, every formula by name."""

from cpwl_milp.counting.bounds import CountBounds, LayerBounds, NamedBound, count_bounds

__all__ = ["CountBounds", "LayerBounds", "NamedBound", "count_bounds"]
