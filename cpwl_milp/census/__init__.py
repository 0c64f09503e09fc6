"""The answer to "how many?": enumeration, samples, formulas and projections put together."""

from cpwl_milp.census.answer import Count as Count
from cpwl_milp.census.answer import CountSettings as CountSettings
from cpwl_milp.census.answer import LayerCount as LayerCount
from cpwl_milp.census.count import count_own_patterns as count_own_patterns
from cpwl_milp.census.count import count_regions as count_regions
