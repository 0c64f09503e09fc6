"""Exact decisions in whole numbers: what float64 cannot tell, and an engine of its own."""

from cpwl_milp.engines.exact.arbiter import ExactArbiter as ExactArbiter
from cpwl_milp.engines.exact.engine import ExactEngine as ExactEngine
from cpwl_milp.engines.exact.settler import Settler as Settler
