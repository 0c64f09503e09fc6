"""Public benchmark networks: counts of open units that another implementation measured."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.core.problem import Problem
from cpwl_milp.onnx_io import load_model

_BOUND = re.compile(r"\((<=|>=)\s+X_(\d+)\s+([-+\d.eE]+)\)")


def _problem(models: Path, model: str, prop: str) -> Problem:
    network = load_model(models / f"{model}.onnx").network
    lower, upper = np.full(network.n_inputs, -np.inf), np.full(network.n_inputs, np.inf)
    for relation, index, value in _BOUND.findall((models / f"{prop}.vnnlib").read_text()):
        (upper if relation == "<=" else lower)[int(index)] = float(value)
    return Problem.of(network, Box(lower, upper))


def _n_open(problem: Problem, method: str) -> int:
    bounds = pre_activation_bounds(problem.network, problem.domain, method=method)
    return sum(int(s.unstable.sum()) for s in bounds.stability(problem.network))


RL, REACH, MNIST = "small/rl", "small/reach", "medium/mnist_fc"


@pytest.mark.parametrize(
    ("model", "prop", "expected"),
    [
        (f"{RL}/cartpole", f"{RL}/vnnlib/cartpole_case_unsafe_0", (19, 5, 5)),
        (f"{RL}/dubinsrejoin", f"{RL}/vnnlib/dubinsrejoin_case_safe_13", (184, 93, 90)),
        (f"{RL}/dubinsrejoin", f"{RL}/vnnlib/dubinsrejoin_case_unsafe_69", (224, 112, 111)),
        (f"{REACH}/gcas", f"{REACH}/vnnlib/gcas_3", (64, 64, 64)),
        (f"{REACH}/vdp", f"{REACH}/vnnlib/vdp_6", (63, 63, 63)),
        (f"{MNIST}/mnist-net_256x2", f"{MNIST}/vnnlib/prop_0_0.03", (56, 23, 18)),
        (f"{MNIST}/mnist-net_256x2", f"{MNIST}/vnnlib/prop_2_0.03", (63, 38, 35)),
    ],
)
def test_open_units(
    shared_models: Path, model: str, prop: str, expected: tuple[int, int, int]
) -> None:
    problem = _problem(shared_models, model, prop)
    found = tuple(_n_open(problem, method) for method in ("interval", "crown", "lp"))
    assert found == expected


def test_open_units_of_acas_xu(shared_models: Path) -> None:
    problem = _problem(
        shared_models, "small/acasxu/ACASXU_run2a_1_1_batch_2000", "small/acasxu/vnnlib/prop_1"
    )
    assert _n_open(problem, "interval") == 256
    assert _n_open(problem, "crown") == 247


def _evaluates_inside(network: Network, box: Box, bounds: Bounds) -> None:
    zs = network.pre_activations(box.sample(20, np.random.default_rng(0)))
    for z, lower, upper in zip(zs, bounds.lower, bounds.upper, strict=True):
        slack = 1e-12 * (1 + np.abs(z).max(initial=0))
        assert np.all(z >= lower - slack)
        assert np.all(z <= upper + slack)


@pytest.mark.parametrize(
    "model",
    [
        "residual/cifar10_resnet/resnet_2b",
        "conv/oval21/cifar_base_kw",
        "conv/maxpool/conv_mp1",
        "conv/verivital/Convnet_avgpool",
    ],
)
def test_wide_sparse_networks(shared_models: Path, model: str) -> None:
    """Over all images at once nearly every unit is open: the dearest case."""
    network = load_model(shared_models / f"{model}.onnx").network
    box = Box.uniform(0, 1, network.n_inputs)
    start = time.process_time()
    bounds = pre_activation_bounds(network, box)
    assert time.process_time() - start < 30
    _evaluates_inside(network, box, bounds)
    centre = np.random.default_rng(1).random(network.n_inputs)
    near = Box(centre - 0.01, centre + 0.01)
    _evaluates_inside(network, near, pre_activation_bounds(network, near))
