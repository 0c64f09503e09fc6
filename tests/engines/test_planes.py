"""Planes through wide networks: what is listed along them equals dense sampling."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.affine import Affine, Dense, compact
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Slice
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import Packed, pack
from cpwl_milp.core.problem import Problem
from cpwl_milp.domains import plane_through
from cpwl_milp.domains.polygons import polygon_of
from cpwl_milp.engines.cells import CellsEngine
from cpwl_milp.engines.cells.complex import cells_of
from cpwl_milp.engines.cells.planar.plan import planar_plan
from cpwl_milp.engines.choice import EngineSettings, chosen_engine, make_engine
from cpwl_milp.engines.reduced import ReducedEngine, without_stable_units
from cpwl_milp.engines.tree import TreeEngine
from cpwl_milp.onnx_io import load_model
from cpwl_milp.onnx_io.vnnlib_inputs import read_vnnlib_boxes
from tests.engines.listing import Listing, listed
from tests.networks import degenerate_network, random_network


def _along(network: Network, plane: Slice, n_samples: int = 4000, step: int = 10**6) -> Listing:
    """The regions on a plane, after they were held to samples, to their centres and to areas."""
    problem = Problem.of(network, plane)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    settings = EngineSettings(with_points=True)
    assert chosen_engine(problem, settings) == "cells"
    found = listed(make_engine(problem, bounds, settings), step=step)
    samples = plane.sample(n_samples, np.random.default_rng(3))
    seen = {bytes(row) for row in _patterns(network, samples)}
    assert len(seen) > 1
    assert seen <= found.patterns
    assert problem.domain.contains(found.regions.points).all()
    # Of large networks a part: 500 passes at a time.
    for start in range(0, len(found.regions), 500 * max(1, network.n_units // 5000)):
        here = slice(start, start + 500)
        expected = _patterns(problem.network, found.regions.points[here])
        assert np.array_equal(found.regions.patterns[here], expected)
    volumes = sum(float(cells.volumes.sum()) for cells in cells_of(problem, bounds))
    x, y = (polygon_of(problem.domain) - problem.domain.box.centre).T
    area = 0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))
    assert volumes == pytest.approx(area, rel=1e-9)
    return found


def _patterns(network: Network, x: Dense) -> Packed:
    """Patterns of inputs, where a difference of equal values is zero although it was rounded."""
    z = network.pre_activations(x)
    parts = [z[:, layer.units] for layer, z in zip(network.layers, z, strict=True)]
    return pack(np.concatenate(parts, axis=1) > 1e-12)


def _images(folder: Path, n_inputs: int) -> Dense:
    """The first three images that some properties are about."""
    boxes = [read_vnnlib_boxes(file, n_inputs)[0] for file in sorted(folder.glob("*.vnnlib"))[:3]]
    return np.array([box.centre for box in boxes])


def test_dense_mnist_network(shared_models: Path) -> None:
    network = load_model(shared_models / "medium/mnist_fc/mnist-net_256x2.onnx").network
    images = _images(shared_models / "conv/verivital/vnnlib", 784)
    found = _along(network, plane_through(images, Box.uniform(0, 1, 784)))
    assert len(found.regions) == 2137


def test_convolutional_mnist_network(shared_models: Path) -> None:
    network = load_model(shared_models / "conv/verivital/Convnet_avgpool.onnx").network
    images = _images(shared_models / "conv/verivital/vnnlib", 784)
    near = Box(np.maximum(images[0] - 0.01, 0), np.minimum(images[0] + 0.01, 1))
    found = _along(network, plane_through(images, near), n_samples=300)
    assert len(found.regions) == 3775


def test_a_network_with_maxima_on_the_whole_plane(shared_models: Path) -> None:
    network = load_model(shared_models / "conv/maxpool/conv_mp1.onnx").network
    points = np.random.default_rng(0).uniform(0, 1, (3, 192))
    found = _along(network, plane_through(points, Box.uniform(0, 1, 192)), step=500)
    assert len(found.regions) == 5915
    assert found.decisions["close_calls"] == 0


@pytest.mark.parametrize("seed", range(8))
def test_small_networks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 9))
    make = degenerate_network if seed % 2 else random_network
    network = make(rng, n, [int(k) for k in rng.integers(8, 30, 2)])
    points = rng.uniform(-1, 1, (3, n))
    _along(network, plane_through(points, Box.uniform(-1, 1, n)), step=50)


def _local_network(rng: np.random.Generator, widths: list[int], slope: float) -> Network:
    """Layers in which a unit sees few neighbours of the layer before, between dense ones."""
    maps = [Affine(rng.normal(size=(widths[0], 2)), rng.normal(0, 0.5, widths[0]))]
    for n_in, n_out in itertools.pairwise(widths):
        offsets = range(-1, 2)
        rows = [sp.eye_array(n_out, n_in, k=k) * rng.normal() for k in offsets]
        weight = sp.csr_array(sum(rows[1:], rows[0]))
        weight.data *= rng.uniform(0.5, 1.5, weight.data.size)
        maps.append(Affine(compact(weight), rng.normal(0, 0.3, n_out)))
    maps[-1] = Affine(rng.normal(size=maps[-1].weight.shape), maps[-1].bias)
    layers = [Layer(m, np.full(m.n_out, slope)) for m in maps]
    # Some values are passed on, as by a skip connection.
    layers[1] = Layer(maps[1], np.where(np.arange(widths[1]) % 5 == 0, 1.0, slope))
    return Network(tuple(layers), Affine(rng.normal(size=(1, widths[-1])), np.zeros(1)))


@pytest.mark.parametrize(("seed", "slope"), [(0, 0.0), (1, 0.0), (2, 0.1), (3, -1.0)])
@pytest.mark.parametrize("step", [10**6, 37])
def test_sparse_layers_list_what_the_tree_lists(seed: int, slope: float, step: int) -> None:
    rng = np.random.default_rng(seed)
    network = _local_network(rng, [70, 66, 64, 9], slope)
    box = Box.uniform(-1, 1, 2)
    problem = Problem.of(network, box)
    bounds = pre_activation_bounds(network, box)
    plan = planar_plan(network, box, bounds)
    assert (plan.first_column >= 0).tolist() == [False, True, True, False]
    assert plan.follows.tolist() == [0, 1, 1, 1]
    found = listed(CellsEngine(problem, bounds), step=step)
    expected = listed(TreeEngine(problem, bounds))
    assert np.array_equal(found.regions.patterns, expected.regions.patterns)
    assert found.prefix_counts == expected.prefix_counts
    assert found.decisions["maps_composed"] < found.decisions["maps_updated"]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", [CellsEngine, TreeEngine])
def test_without_stable_units_the_list_is_the_same(
    seed: int, kind: type[CellsEngine | TreeEngine]
) -> None:
    rng = np.random.default_rng(seed)
    network = degenerate_network(rng, 2, [int(k) for k in rng.integers(5, 25, 3)])
    centre = rng.uniform(-1, 1, 2)
    box = Box(centre - 0.2, centre + 0.2)
    problem = Problem.of(network, box)
    bounds = pre_activation_bounds(network, box)
    reduction = without_stable_units(network, bounds)
    assert reduction.network.n_units == len(reduction.units)
    x = box.sample(50, rng)
    assert np.allclose(reduction.network(x), network(x), rtol=1e-12, atol=1e-12)
    expected = listed(kind(problem, bounds))
    found = listed(ReducedEngine(problem, bounds, kind), step=int(rng.integers(1, 30)))
    assert np.array_equal(found.regions.patterns, expected.regions.patterns)
    assert found.prefix_counts == expected.prefix_counts


def test_cubes_may_name_stable_units() -> None:
    # On the box the first unit is always on, the second always off, the third cuts.
    first = Affine(np.array([[1.0, 0], [1, 0], [0, 1]]), np.array([5.0, -5, 0]))
    network = Network((Layer(first, np.zeros(3)),), Affine(np.ones((1, 3)), np.zeros(1)))
    box = Box.uniform(-1, 1, 2)
    problem, bounds = Problem.of(network, box), pre_activation_bounds(network, box)
    engine = ReducedEngine(problem, bounds, CellsEngine)
    assert listed(engine).patterns == {b"\x01", b"\x05"}
    assert listed(engine, (Cube((1, -2, 3)),)).patterns == {b"\x05"}
    assert len(listed(engine, (Cube((-1,)),)).regions) == 0
    assert len(listed(engine, (Cube((2, 3)),)).regions) == 0


def test_a_layer_may_lose_all_its_units() -> None:
    rng = np.random.default_rng(0)
    maps = [Affine(rng.normal(size=(4, 2)), -20 * np.ones(4))]
    maps += [Affine(rng.normal(size=(3, 4)), np.array([1.0, -1, 0]))]
    layers = tuple(Layer(m, np.zeros(m.n_out)) for m in maps)
    network = Network(layers, Affine(np.ones((1, 3)), np.zeros(1)))
    box = Box.uniform(-1, 1, 2)
    problem, bounds = Problem.of(network, box), pre_activation_bounds(network, box)
    found = listed(ReducedEngine(problem, bounds, CellsEngine))
    assert found.patterns == {bytes(pack(network.bits(np.zeros((1, 2))))[0])}
