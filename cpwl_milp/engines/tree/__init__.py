"""The tree engine: no-good cuts turned into branching, one dictionary simplex a cell."""

from cpwl_milp.engines.tree.engine import TreeEngine as TreeEngine
