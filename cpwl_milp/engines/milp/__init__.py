"""Regions by successive feasibility problems with no-good cuts on the pattern."""

from cpwl_milp.engines.milp.engine import MilpEngine
from cpwl_milp.engines.milp.scope import Scope
from cpwl_milp.engines.milp.settings import MilpSettings

__all__ = ["MilpEngine", "MilpSettings", "Scope"]
