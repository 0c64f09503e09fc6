"""The cells engine: for few inputs, the tree's search on cells that carry their vertices."""

from cpwl_milp.engines.cells.engine import MOST_INPUTS as MOST_INPUTS
from cpwl_milp.engines.cells.engine import CellsEngine as CellsEngine
