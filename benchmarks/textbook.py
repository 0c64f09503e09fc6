"""The textbook loop: solve a big-M program, forbid the pattern found, solve again.

After Serra, Tjandraatmadja and Ramalingam (2018, section 5), as a feasibility problem (faster than
the largest margin), each cut over all units of the network, bounds by interval arithmetic. Written
as plainly as a textbook has it: a baseline, not a tool.
"""

from __future__ import annotations

import time
from typing import Any

import highspy
import numpy as np

from benchmarks.measurement import Finding, Job
from benchmarks.networks import Chain, chain
from benchmarks.timing import timed

# An active unit is at least this far above zero, so that a pattern found is a region's.
_MARGIN = 1e-6


def loop(job: Job) -> Finding:
    """Time the first regions that the loop finds, or all."""
    pairs = chain(job.network)
    seconds, (patterns, complete) = timed(
        lambda: textbook_patterns(pairs, limit=job.limit, max_seconds=job.max_seconds)
    )
    return Finding(seconds, len(patterns), complete)


def textbook_patterns(
    pairs: Chain, *, limit: int | None = None, max_seconds: float = float("inf")
) -> tuple[list[tuple[int, ...]], bool]:
    """Activation patterns on the box [-1, 1]^n, and whether these are all; CPU seconds."""
    model, units = _program(pairs)
    patterns: list[tuple[int, ...]] = []
    end = time.process_time() + max_seconds
    while (limit is None or len(patterns) < limit) and time.process_time() < end:
        # A single solve may take for ever; elapsed time, summed over the solves.
        model.setOptionValue("time_limit", 2 * max_seconds)
        model.run()
        status = model.getModelStatus()
        if status == highspy.HighsModelStatus.kTimeLimit:
            return patterns, False
        if status == highspy.HighsModelStatus.kInfeasible:
            return patterns, True
        if status != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError(f"HiGHS ended with {model.modelStatusToString(status)}")
        values = model.getSolution().col_value
        pattern = tuple(round(values[unit.index]) for unit in units)
        patterns.append(pattern)
        differences = [1 - on if bit else on for on, bit in zip(units, pattern, strict=True)]
        model.addConstr(model.qsum(differences) >= 1)
    return patterns, False


def _program(pairs: Chain) -> tuple[highspy.Highs, list[Any]]:
    """The network on its box; the binaries say which units are active."""
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.setOptionValue("threads", 1)
    before = [model.addVariable(lb=-1, ub=1) for _ in range(pairs[0][0].shape[1])]
    lower, upper = -np.ones(len(before)), np.ones(len(before))
    units: list[Any] = []
    for weight, bias in pairs[:-1]:
        low = np.minimum(weight, 0) @ upper + np.maximum(weight, 0) @ lower + bias
        high = np.maximum(weight, 0) @ upper + np.minimum(weight, 0) @ lower + bias
        after = []
        for row, constant, least, most in zip(weight, bias, low, high, strict=True):
            terms = [float(w) * x for w, x in zip(row, before, strict=True)]
            z = model.qsum(terms) + float(constant)
            on = model.addBinary()
            value = model.addVariable(lb=0, ub=max(float(most), 0.0))
            # on: value = z >= margin; off: value = 0 >= z.
            model.addConstr(value - z >= 0)
            model.addConstr(value - z + min(float(least), 0.0) * (1 - on) <= 0)
            model.addConstr(value - max(float(most), 0.0) * on <= 0)
            model.addConstr(z - (float(least) - _MARGIN) * (1 - on) >= _MARGIN)
            after.append(value)
            units.append(on)
        before, lower, upper = after, np.maximum(low, 0), np.maximum(high, 0)
    return model, units
