"""Linear terms of points: ours, and PyTorch's Jacobians by autograd, of the same ONNX files.

All in float64 on random points of [0, 1]^n. What is timed gives coefficients of all outputs at
every point; ours gives bias and pattern, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measurement import Finding, Job
from benchmarks.networks import SHARED_MODELS
from benchmarks.timing import repeated
from cpwl_milp import load_model
from cpwl_milp.terms.linear import linear_term_blocks, linear_terms

BATCH = 1000
# One point at a time, the rate is the same for fewer.
_SINGLE = 100
# Several times the memory of a batch: as many as fit.
_MAPPED = 100


def points_of(n_inputs: int) -> NDArray[np.float64]:
    """The points: the same for every tool."""
    return np.random.default_rng(0).random((BATCH, n_inputs))


def ours(job: Job) -> Finding:
    """Time the linear terms of a batch."""
    network = load_model(SHARED_MODELS / job.network).network
    points = points_of(network.n_inputs)
    linear_terms(network, points[:2])

    def batch(_: None) -> None:
        for _block in linear_term_blocks(network, points):
            pass

    seconds, _ = repeated(batch, prepare=lambda: None)
    return Finding(seconds, BATCH, True)


def torch_point_by_point(job: Job) -> Finding:
    """Time `torch.autograd.functional.jacobian`, a point a call: one backward pass an output."""
    return _by_torch(job, _SINGLE, _one_by_one(vectorize=False))


def torch_vectorized(job: Job) -> Finding:
    """Time the same with `vectorize=True`: all outputs of a point in one backward pass."""
    return _by_torch(job, _SINGLE, _one_by_one(vectorize=True))


def torch_mapped(job: Job) -> Finding:
    """Time `vmap(jacrev)` of `torch.func`: a batch of points at once."""
    import torch

    def mapped(function: Any, points: Any) -> Any:
        return torch.func.vmap(torch.func.jacrev(lambda x: function(x[None])[0]))(points)

    return _by_torch(job, _MAPPED, mapped)


def installed() -> bool:
    """Whether PyTorch is there."""
    try:
        import torch  # noqa: F401
    except ImportError:
        return False
    return True


def _one_by_one(*, vectorize: bool) -> Callable[[Any, Any], Any]:
    def jacobians(function: Any, points: Any) -> Any:
        import torch

        jacobian = torch.autograd.functional.jacobian
        found = [jacobian(function, x[None], vectorize=vectorize) for x in points]
        return torch.stack([each[0, :, 0] for each in found])

    return jacobians


def _by_torch(job: Job, n: int, jacobians: Callable[[Any, Any], Any]) -> Finding:
    import torch

    from benchmarks.torch_graph import as_function

    torch.set_num_threads(1)
    path = SHARED_MODELS / job.network
    network = load_model(path).network
    points = torch.from_numpy(points_of(network.n_inputs)[:n])
    function = as_function(path)
    found = jacobians(function, points[:3]).numpy()
    expected = linear_terms(network, points[:3].numpy()).coefficients
    # Both must be the same thing, or times say nothing.
    np.testing.assert_allclose(found, expected, atol=1e-9 * float(np.abs(expected).max()))
    seconds, _ = repeated(lambda _: jacobians(function, points), prepare=lambda: None)
    return Finding(seconds, n, True)
