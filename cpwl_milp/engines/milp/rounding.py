"""Bounds of the rounding errors in pre-activations.

A dot product of n terms errs by at most ``gamma_n = n u / (1 - n u)`` times the sum of the
absolute terms, whatever the order of summation (Higham 2002, section 3.1); errors of earlier
layers pass through the absolute weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import Bits

_UNIT = 2.0**-53


def _gamma(layer: Layer) -> float:
    # Three more roundings than terms: the bias, the slope, and this bound's own.
    n = (layer.affine.n_in + 3) * _UNIT
    return n / (1.0 - n)


def composed_noise(network: Network, bits: Bits, reach: Vector) -> Vector:
    """How far the composed maps of a pattern may be off anywhere within ``|x| <= reach``.

    Parameters
    ----------
    network : Network
    bits : ndarray of bool, shape (n_units,)
    reach : ndarray, shape (n_inputs,)

    Returns
    -------
    ndarray, shape (n_units,)
        Bound of ``|computed P x + q - exact P x + q|`` of each hidden unit.
    """
    parts = [np.zeros(0)]
    size, error = reach, np.zeros_like(reach)
    for index, layer in enumerate(network.layers):
        magnitude = layer.affine.magnitude()
        total = magnitude @ size + np.abs(layer.affine.bias)
        # Composing rounds once, evaluating the composed row over the inputs once more.
        error = magnitude @ error + (_gamma(layer) + (reach.size + 3) * _UNIT) * total
        factor = np.ones(layer.affine.n_out)
        own = bits[network.layer_bits(index)]
        factor[layer.units] = np.where(own, 1.0, np.abs(layer.slope[layer.units]))
        parts.append(error[layer.units])
        size, error = factor * total, factor * error
    return np.concatenate(parts)


def clear_patterns(network: Network, points: Dense) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Patterns of points, and which of them no rounding error can have touched.

    A point all of whose |z| exceed their error bounds lies inside a full-dimensional region.

    Parameters
    ----------
    points : ndarray, shape (n, n_inputs)

    Returns
    -------
    bits : ndarray of bool, shape (n, n_units)
    clear : ndarray of bool, shape (n,)
    """
    n = len(points)
    clear = np.ones(n, dtype=np.bool_)
    parts = [np.zeros((n, 0), dtype=np.bool_)]
    value, error = points, np.zeros_like(points)
    for layer in network.layers:
        magnitude = layer.affine.magnitude()
        z = layer.affine(value)
        total = np.asarray((magnitude @ np.abs(value).T).T) + np.abs(layer.affine.bias)
        error = np.asarray((magnitude @ error.T).T) + _gamma(layer) * total
        units = layer.units
        clear &= (np.abs(z[:, units]) > error[:, units]).all(axis=1)
        parts.append(z[:, units] > 0)
        value = layer.activate(z)
        error = error * np.maximum(1.0, np.abs(layer.slope))
    return np.concatenate(parts, axis=1), clear
