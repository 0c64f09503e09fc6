"""The ball engine: regions that meet an L2 ball, by distances of cells from its centre."""

from cpwl_milp.engines.ball.engine import BallEngine as BallEngine
