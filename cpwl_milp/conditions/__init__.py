"""Conditions on regions: linear inequalities over inputs and outputs, and partial patterns."""

from cpwl_milp.conditions.condition import Condition as Condition
from cpwl_milp.conditions.condition import Inequality as Inequality
from cpwl_milp.conditions.engine import ConditionedEngine as ConditionedEngine
from cpwl_milp.conditions.posing import ConditionedProblem as ConditionedProblem
