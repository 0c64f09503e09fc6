"""Questions about regions beyond their number: those that meet a condition, and what they hold."""

from cpwl_milp.questions.boundary import Boundary as Boundary
from cpwl_milp.questions.boundary import BoundaryPart as BoundaryPart
from cpwl_milp.questions.boundary import boundary_pieces as boundary_pieces
from cpwl_milp.questions.counting import count_regions_where as count_regions_where
from cpwl_milp.questions.lipschitz import LipschitzConstant as LipschitzConstant
from cpwl_milp.questions.lipschitz import lipschitz_constant as lipschitz_constant
from cpwl_milp.questions.listing import list_regions_where as list_regions_where
from cpwl_milp.questions.maximum import Maximum as Maximum
from cpwl_milp.questions.maximum import maximum_over_regions as maximum_over_regions
from cpwl_milp.questions.maximum_by_program import maximum_by_program as maximum_by_program
from cpwl_milp.questions.objectives import Objective as Objective
from cpwl_milp.questions.runs import listed_prefixes as listed_prefixes
