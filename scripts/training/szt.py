"""The 12-bit data set of Shwartz-Ziv and Tishby (2017), from a closed form."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

# The twelve bits sit on the vertices of an icosahedron (the published labels are invariant under
# its symmetries). Row i lists the five neighbours of vertex i.
NEIGHBOURS = (
    (1, 3, 5, 10, 11),
    (0, 2, 3, 4, 11),
    (1, 3, 4, 8, 9),
    (0, 1, 2, 8, 10),
    (1, 2, 6, 9, 11),
    (0, 6, 7, 10, 11),
    (4, 5, 7, 9, 11),
    (5, 6, 8, 9, 10),
    (2, 3, 7, 9, 10),
    (2, 4, 6, 7, 8),
    (0, 3, 5, 7, 8),
    (0, 1, 4, 5, 6),
)
ANTIPODES = (9, 7, 5, 6, 10, 2, 3, 1, 11, 0, 4, 8)


def _label(bits: tuple[int, ...]) -> int:
    """The class of one input: it depends on orbits of the icosahedral group only."""
    ones = [vertex for vertex, bit in enumerate(bits) if bit]
    edges = sum(b in NEIGHBOURS[a] for a, b in combinations(ones, 2))
    opposite = sum(ANTIPODES[a] == b for a, b in combinations(ones, 2))
    match len(ones):
        case n if n >= 8:
            return 1
        case 7:
            return int((edges, opposite) != (8, 2))
        case 6:
            return int(edges >= 7 or (edges, opposite) == (6, 0))
        case 5:
            return int(edges == 7)
        case _:
            return 0


def inputs_and_labels() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """All 4096 inputs in lexicographic order, first bit slowest, and their labels.

    Returns
    -------
    inputs : (4096, 12) array of 0 and 1
    labels : (4096,) array of 0 and 1; 2118 of them are 1

    Notes
    -----
    Data set: R. Shwartz-Ziv and N. Tishby, "Opening the black box of deep neural networks via
    information", 2017. The rule by counts of ones, of edges between ones and of antipodal pairs
    of ones gives the published labels of all 4096 inputs.
    """
    inputs = tuple(product((0, 1), repeat=12))
    labels = [_label(bits) for bits in inputs]
    return np.array(inputs, dtype=np.uint8), np.array(labels, dtype=np.uint8)
