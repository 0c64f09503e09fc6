"""relucent (PyPI): a walk across facets, with linear programs for the facets of every cell."""

from __future__ import annotations

from collections import OrderedDict
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measurement import Finding, Job
from benchmarks.networks import Chain, chain
from benchmarks.timing import timed

# A first short walk tells how many cells the time is enough for: a walk has no limit of time.
_FIRST_CELLS = 20


def installed() -> bool:
    """Whether this environment has it."""
    try:
        metadata.version("relucent")
    except metadata.PackageNotFoundError:
        return False
    return True


def walk(job: Job) -> Finding:
    """Time a breadth-first walk over the cells that meet the box [-1, 1]^n, one worker."""
    walked(chain("2-2"), None)
    pairs = chain(job.network)
    seconds, (regions, complete) = timed(lambda: walked(pairs, _FIRST_CELLS))
    if not complete:
        affordable = max(_FIRST_CELLS, int(job.max_seconds * regions / seconds.cpu))
        limit = affordable if job.limit is None else min(affordable, job.limit)
        seconds, (regions, complete) = timed(lambda: walked(pairs, limit))
    return Finding(seconds, regions, complete)


def walked(
    pairs: Chain, limit: int | None, start: NDArray[np.float64] | None = None
) -> tuple[int, bool]:
    """How many cells were found from a starting point, and whether these are all.

    The optional certification of the finished complex is left out.
    """
    from relucent import Complex
    from relucent.model.model import LinearLayer, ReLULayer, ReLUNetwork

    layers: OrderedDict[str, Any] = OrderedDict()
    for place, (weight, bias) in enumerate(pairs):
        if place:
            layers[f"relu{place}"] = ReLULayer()
        layers[f"linear{place}"] = LinearLayer(weight=weight, bias=bias.reshape(1, -1))
    n_inputs = pairs[0][0].shape[1]
    cells = Complex(ReLUNetwork(layers, input_shape=(n_inputs,)))
    result = cells.bfs(
        np.full(n_inputs, 1e-3) if start is None else start,
        max_polys=float("inf") if limit is None else limit,
        nworkers=1,
        cube_radius=1.0,
        cube_mode="intersect",
        verify=False,
        verbose=0,
    )
    # A walk that the limit stopped may call itself complete.
    stopped = limit is not None and len(cells) >= limit
    return len(cells), bool(result.complete) and not stopped
