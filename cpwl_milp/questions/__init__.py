"""Questions about regions beyond their number: those that meet a condition, and what they hold."""

from cpwl_milp.questions.boundary import Boundary as Boundary
from cpwl_milp.questions.boundary import BoundaryPart as BoundaryPart
from cpwl_milp.questions.boundary import boundary_pieces as boundary_pieces
from cpwl_milp.questions.counting import count_regions_where as count_regions_where
from cpwl_milp.questions.listing import list_regions_where as list_regions_where
from cpwl_milp.questions.runs import listed_prefixes as listed_prefixes
