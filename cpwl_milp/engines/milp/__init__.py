"""Regions by successive feasibility problems with no-good cuts on the pattern."""

from cpwl_milp.engines.milp.engine import MilpEngine, MilpSettings
from cpwl_milp.engines.milp.scope import Scope

__all__ = ["MilpEngine", "MilpSettings", "Scope"]
