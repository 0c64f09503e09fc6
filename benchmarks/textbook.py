"""The textbook loop: solve, read the pattern, add a no-good cut over all units, solve again.

A plain big-M program (interval bounds, margin 1e-6 on active units, default HiGHS settings),
written for comparison only: it knows no samples, certifies nothing and starts every solve anew.
"""

from __future__ import annotations

import time

import highspy
import numpy as np

from cpwl_milp import Box, Network, pre_activation_bounds


def textbook_rate(network: Network, box: Box, seconds: float) -> tuple[int, float]:
    """Regions found within about `seconds`, and the seconds they took."""
    bounds = pre_activation_bounds(network, box, method="interval")
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    values = [
        solver.addVariable(float(a), float(b)) for a, b in zip(box.lower, box.upper, strict=True)
    ]
    on = []
    for layer, low, high in zip(network.layers, bounds.lower, bounds.upper, strict=True):
        following = []
        for row, bias, least, most in zip(
            layer.affine.dense(), layer.affine.bias, low, high, strict=True
        ):
            p = solver.addBinary()
            plus = solver.addVariable(0.0, max(float(most), 0.0))
            minus = solver.addVariable(0.0, max(-float(least), 0.0))
            z = sum(float(w) * value for w, value in zip(row, values, strict=True))
            solver.addConstr(z + float(bias) == plus - minus)
            solver.addConstr(plus <= max(float(most), 0.0) * p)
            solver.addConstr(minus <= max(-float(least), 0.0) * (1 - p))
            solver.addConstr(plus >= 1e-6 * p)
            on.append(p)
            following.append(plus)
        values = following
    found, begin = 0, time.process_time()
    while time.process_time() - begin < seconds:
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            break
        found += 1
        bits = np.array([solver.val(p) for p in on]) > 0.5
        solver.addConstr(sum((1 - p) if b else p for p, b in zip(on, bits, strict=True)) >= 1)
    return found, time.process_time() - begin
