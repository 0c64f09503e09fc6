"""Units that never change, and the smaller network without them."""

from cpwl_milp.simplification.simplify import Simplification as Simplification
from cpwl_milp.simplification.simplify import simplified as simplified
from cpwl_milp.simplification.states import StateSettings as StateSettings
from cpwl_milp.simplification.states import UnitState as UnitState
from cpwl_milp.simplification.states import UnitStates as UnitStates
from cpwl_milp.simplification.states import unit_states as unit_states
