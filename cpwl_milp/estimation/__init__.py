"""How many regions there may be, where listing them would take too long."""

from cpwl_milp.estimation.estimate import EstimateSettings as EstimateSettings
from cpwl_milp.estimation.estimate import RegionEstimate as RegionEstimate
from cpwl_milp.estimation.estimate import estimate_regions as estimate_regions
from cpwl_milp.estimation.parity import ParitySettings as ParitySettings
from cpwl_milp.estimation.parity import parity_lower_bound as parity_lower_bound
