"""Distances of cells from the centre of a ball in whole numbers: what float64 cannot tell."""

from cpwl_milp.engines.ball.exact.arbiter import BallArbiter as BallArbiter
from cpwl_milp.engines.ball.exact.engine import ExactBallEngine as ExactBallEngine
