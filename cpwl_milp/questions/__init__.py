"""Questions about regions beyond their number: those that meet a condition, and what they hold."""

from cpwl_milp.questions.counting import count_regions_where as count_regions_where
from cpwl_milp.questions.listing import list_regions_where as list_regions_where
from cpwl_milp.questions.runs import listed_prefixes as listed_prefixes
