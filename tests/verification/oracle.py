"""Whether a property holds, by brute force: a linear program on every region and for every case."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.core.property import Case, LinearRows, Property
from tests.oracles import facet_walk_regions


def least_excess(network: Network, prop: Property) -> float:
    """The least excess of any input over any case: at most 0 iff the property is violated."""
    return min(_least(network, case) for case in prop.cases)


def _least(network: Network, case: Case) -> float:
    patterns = facet_walk_regions(network, case.box)
    packed = [np.frombuffer(key, dtype=np.uint8) for key in patterns]
    unpacked = [np.unpackbits(p, count=network.n_units, bitorder="little") for p in packed]
    bits = [each.astype(np.bool_) for each in unpacked]
    return min(_on_region(network, case, each) for each in bits)


def _on_region(network: Network, case: Case, bits: np.ndarray) -> float:
    """min t with ``excess <= t`` on the closed region of a pattern."""
    n = network.n_inputs
    matrix, shift = np.eye(n), np.zeros(n)
    rows, limits = [], []
    for k, layer in enumerate(network.layers):
        z_matrix = layer.affine.dense() @ matrix
        z_shift = layer.affine.dense() @ shift + layer.affine.bias
        active = np.ones(layer.affine.n_out, dtype=np.bool_)
        active[layer.units] = bits[network.layer_bits(k)]
        for unit in layer.units:
            sign = -1.0 if active[unit] else 1.0
            rows.append(np.append(sign * z_matrix[unit], 0.0))
            limits.append(-sign * z_shift[unit])
        slope = np.where(active, 1.0, layer.slope)
        matrix, shift = slope[:, None] * z_matrix, slope * z_shift
    y_matrix = network.output.dense() @ matrix
    y_shift = network.output.dense() @ shift + network.output.bias
    of = case.rows
    for row in range(len(of)):
        rows.append(np.append(of.on_outputs[row] @ y_matrix + of.on_inputs[row], -1.0))
        limits.append(of.limit[row] - of.on_outputs[row] @ y_shift)
    bounds = [*zip(case.box.lower, case.box.upper, strict=True), (None, None)]
    cost = np.zeros(n + 1)
    cost[-1] = 1.0
    found = linprog(cost, A_ub=np.array(rows), b_ub=np.array(limits), bounds=bounds)
    return float(found.fun) if found.status == 0 else np.inf


def random_property(rng: np.random.Generator, network: Network, *, mixed: bool = True) -> Property:
    """One to three cases over one or two boxes, limits near what the outputs take."""
    n = network.n_inputs
    boxes = []
    for _ in range(rng.integers(1, 3)):
        centre = rng.uniform(-0.5, 0.5, n)
        half = rng.uniform(0.1, 0.8, n)
        boxes.append(Box(centre - half, centre + half, "a test"))
    cases = []
    for k in range(rng.integers(len(boxes), 4)):
        box = boxes[k % len(boxes)]
        m = int(rng.integers(1, 4))
        on_outputs = rng.normal(size=(m, network.n_outputs))
        on_inputs = rng.normal(size=(m, n)) * (mixed and rng.random() < 0.5)
        x = box.sample(200, rng)
        values = network(x) @ on_outputs.T + x @ on_inputs.T
        # About half of the properties hold.
        limit = values.min(axis=0) + rng.uniform(-0.3, 0.4) * np.ptp(values, axis=0)
        cases.append(Case(box, LinearRows.closed(on_outputs, limit, on_inputs)))
    return Property(tuple(cases), n, network.n_outputs, "a test")
