"""How far a point is from the nearest activation boundary, and how dense boundaries are there.

In its own cell every pre-activation is ``z(x) = g.x + q``. The p-distance from x to the hyperplane
``z = 0`` is ``|z(x)| / ||g||_q``, q the dual norm; and the least of these over all units is exact:
the way to the nearest hyperplane meets no other one before, so it stays in the cell, and that
hyperplane is a facet of it (Hanin and Rolnick, Complexity of linear regions in deep networks,
2019, for the 2-norm). Units with g = 0, those fed by dead units only, have no boundary there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Matrix, Vector
from cpwl_milp.core.network import Network
from cpwl_milp.local.norms import DUAL

# Entries of the largest array of gradients held at a time (float64: 64 MB).
_BLOCK_ENTRIES = 1 << 23
_ORDER = {"1": 1, "2": 2, "inf": np.inf}


@dataclass(frozen=True, eq=False)
class NearestBoundary:
    """The nearest activation boundary of each of n points.

    Attributes
    ----------
    distance : ndarray, shape (n,)
        0 on a boundary; infinite where the network has none.
    layer : ndarray of int64, shape (n,)
        Of the unit whose boundary it is, from 0; -1 where there is none.
    unit : ndarray of int64, shape (n,)
        The unit's place among the hidden units of that layer, from 0.
    density : ndarray, shape (n,)
        ``sum_units ||grad z||_2 phi_sigma(z)``, phi_sigma the normal density with standard
        deviation sigma: the expected area of boundary per volume at the point when every bias
        moves by such a random amount (the co-area formula behind the local complexity of Patel
        and Montufar, On the local complexity of linear regions in deep ReLU networks, 2024).
    """

    distance: Vector
    layer: NDArray[np.int64]
    unit: NDArray[np.int64]
    density: Vector


def nearest_boundaries(
    network: Network, points: Dense, norm: str, *, sigma: float = 0.1
) -> NearestBoundary:
    """Find the nearest activation boundary of each point.

    Parameters
    ----------
    network : Network
    points : ndarray, shape (n, n_inputs)
    norm : str
        In which distances are measured: "1", "2" or "inf".
    sigma : float
        Of `NearestBoundary.density`, in units of z.

    Returns
    -------
    NearestBoundary
        Exact up to the rounding of z and its gradient.
    """
    n = len(points)
    distance, density = np.full(n, np.inf), np.zeros(n)
    place = np.full((2, n), -1, dtype=np.int64)
    widest = max([1, *(layer.affine.n_out for layer in network.layers)])
    size = max(1, _BLOCK_ENTRIES // (widest * network.n_inputs))
    for start in range(0, n, size):
        rows = slice(start, min(n, start + size))
        count = rows.stop - rows.start
        for index, (z, gradient) in enumerate(unit_gradients(network, points[rows])):
            if z.shape[1] == 0:
                continue
            length = np.linalg.norm(gradient, ord=_ORDER[DUAL[norm]], axis=2)
            with np.errstate(divide="ignore", invalid="ignore"):
                apart = np.where(length > 0, np.abs(z) / length, np.inf)
            nearest = apart.argmin(axis=1)
            least = apart[np.arange(count), nearest]
            closer = least < distance[rows]
            distance[rows] = np.where(closer, least, distance[rows])
            place[0, rows] = np.where(closer, index, place[0, rows])
            place[1, rows] = np.where(closer, nearest, place[1, rows])
            steep = length if norm == "2" else np.linalg.norm(gradient, axis=2)
            bell = np.exp(-0.5 * (z / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
            density[rows] += (steep * bell).sum(axis=1)
    return NearestBoundary(distance, place[0], place[1], density)


def unit_gradients(network: Network, points: Dense) -> Iterator[tuple[Dense, Dense]]:
    """Each layer's hidden units at n points: z, (n, n_units), and gradients, (n, n_units, n_in)."""
    n, dim = points.shape
    a = points
    current: Dense | None = None
    for layer in network.layers:
        z = layer.affine(a)
        weight: Matrix = layer.affine.weight
        if current is None:
            first = layer.affine.dense()
            current = np.broadcast_to(first[:, None, :], (layer.affine.n_out, n, dim))
        else:
            flat = current.reshape(len(current), n * dim)
            current = np.asarray(weight @ flat).reshape(layer.affine.n_out, n, dim)
        yield z[:, layer.units], current[layer.units].transpose(1, 0, 2)
        factor = np.where(z > 0, 1.0, layer.slope)
        current = current * factor.T[:, :, None]
        a = layer.activate(z)


def sign_changes(
    network: Network, points: Dense, radius: float, n_directions: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Units that change their sign among the points ``x +- r v_k``, each of n points x.

    The v_k are orthonormal and random, drawn anew for every point (Humayun, Balestriero and
    Baraniuk, Deep networks always grok and here is why, 2024, with the units' signs at the corners
    of a cross-polytope). Lengths are Euclidean whatever the norm of the balls.

    Parameters
    ----------
    network : Network
    points : ndarray, shape (n, n_inputs)
    radius : float
    n_directions : int
        k; no more than there are inputs are used.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    k = min(n_directions, network.n_inputs)
    found = np.zeros(len(points), dtype=np.int64)
    for row, x in enumerate(points):
        basis, upper = np.linalg.qr(rng.standard_normal((network.n_inputs, k)))
        # Signs that make the basis uniform (Mezzadri 2007).
        corners = radius * (basis * np.sign(np.diag(upper))).T
        bits = network.bits(np.concatenate([x + corners, x - corners]))
        found[row] = np.count_nonzero(bits.any(axis=0) & ~bits.all(axis=0))
    return found
