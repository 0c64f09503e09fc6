"""Networks whose counts are known in closed form, or published.

`regions` counts proper (full-dimensional) patterns that meet the interior of the box. Where the
closed form is for all of R^n (`whole_space`), the box is large enough that every cell of R^n
meets its interior; tests/test_known_answers.py checks that (exactly for one layer, and against
a box of half-width 1024 for deeper ones).

Sources: Zaslavsky 1975 (one layer); Xiong et al. 2020 (convolution); Serra, Tjandraatmadja and
Ramalingam 2018 (Fig. 2, Theorem 5); Montufar et al. 2014 (folding); Stargalla, Hertrich and
Reichman 2025 (their example and the definitions R1 to R6).
"""

from __future__ import annotations

from dataclasses import dataclass

from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from tests import definitions
from tests.networks import (
    braid,
    convolution,
    folding,
    grid,
    moment_curve,
    serra_maximal,
)


@dataclass(frozen=True, eq=False)
class KnownAnswer:
    """A network, a box and what is known of it there; None where no value is known.

    Attributes
    ----------
    regions : int
        Proper patterns of all hidden units (R2).
    prefix, own : tuple of int or None
        Proper patterns of layers 1..l, and of layer l alone.
    thin : int or None
        Nonempty patterns that are not full-dimensional (R1 - R2).
    linear_regions, affine_maps : int or None
        R4 and R6 of the output.
    whole_space : bool
        Whether the counts hold for R^n too.
    """

    name: str
    network: Network
    box: Box
    regions: int
    prefix: tuple[int, ...] | None = None
    own: tuple[int, ...] | None = None
    thin: int | None = None
    linear_regions: int | None = None
    affine_maps: int | None = None
    whole_space: bool = False


def _cube(half_width: float, dim: int) -> Box:
    return Box.uniform(-half_width, half_width, dim)


def _one_layer(name: str, network: Network, half_width: float, regions: int) -> KnownAnswer:
    box = _cube(half_width, network.n_inputs)
    one = (regions,)
    return KnownAnswer(name, network, box, regions, one, one, whole_space=True)


def _definition(
    name: str,
    linear_regions: int,
    affine_maps: int,
    prefix: tuple[int, ...],
    own: tuple[int, ...] | None = None,
) -> KnownAnswer:
    case = next(case for case in definitions.CASES if case.name == name)
    return KnownAnswer(
        name=f"{name} on [-2, 2]",
        network=case.network,
        box=_cube(2, case.network.n_inputs),
        regions=case.proper,
        prefix=prefix,
        own=own,
        thin=case.half_open - case.proper,
        linear_regions=linear_regions,
        affine_maps=affine_maps,
        whole_space=True,
    )


def _tent(depth: int) -> KnownAnswer:
    return KnownAnswer(
        name=f"tent({depth}) on [0, 1]",
        network=definitions.tent(depth),
        box=Box.uniform(0, 1, 1),
        regions=2**depth,
        prefix=tuple(2**layer for layer in range(1, depth + 1)),
        own=(2,) * depth,
        linear_regions=2**depth,
        affine_maps=2**depth,
    )


def _serra_maximal(n_units: int, depth: int, box: Box) -> KnownAnswer:
    count = (n_units + 1) ** depth
    return KnownAnswer(
        name=f"serra_maximal({n_units}, {depth}) on [{box.lower[0]:g}, {box.upper[0]:g}]",
        network=serra_maximal(n_units, depth),
        box=box,
        regions=count,
        prefix=tuple((n_units + 1) ** layer for layer in range(1, depth + 1)),
        own=(n_units + 1,) * depth,
        linear_regions=count,
        affine_maps=count,
        whole_space=box.lower[0] < 0,
    )


UNIT = Box.uniform(0, 1, 1)
SQUARE = Box.uniform(0, 1, 2)

KNOWN_ANSWERS = (
    *(
        _one_layer(f"moment_curve({d}, {n})", moment_curve(d, n), 40, count)
        for d, n, count in (
            (1, 5, 6),
            (2, 4, 11),
            (2, 6, 22),
            (3, 5, 26),
            (3, 6, 42),
            (4, 6, 57),
        )
    ),
    _one_layer("zero_bias(2, 4)", moment_curve(2, 4, bias=False), 1, 8),
    _one_layer("zero_bias(3, 5)", moment_curve(3, 5, bias=False), 1, 22),
    _one_layer("braid(3)", braid(3), 1, 6),
    _one_layer("braid(4)", braid(4), 1, 24),
    _one_layer("grid(3, 2)", grid(3, 2), 4, 12),
    _one_layer("grid(4, 5)", grid(4, 5), 6, 30),
    _one_layer("convolution(1)", convolution(1), 8, 4),
    _one_layer("convolution(2)", convolution(2), 8, 15),
    _one_layer("convolution(3)", convolution(3), 8, 40),
    _definition("serra_fig2", 4, 4, (3, 5), (3, 2)),
    _definition("stargalla", 3, 3, (4, 5)),
    _definition("opposite", 2, 2, (2,), (2,)),
    _definition("twice", 2, 2, (2,), (2,)),
    _definition("chained", 2, 2, (2, 2), (2, 2)),
    _definition("three_lines", 6, 6, (6,), (6,)),
    _definition("parallel", 9, 9, (9,), (9,)),
    _definition("tent2", 6, 5, (3, 6), (3, 3)),
    _definition("tent3", 10, 9, (3, 6, 10), (3, 3, 3)),
    _definition("tent4", 18, 17, (3, 6, 10, 18), (3, 3, 3, 3)),
    *(_tent(depth) for depth in (1, 2, 3, 5, 8)),
    _serra_maximal(3, 1, UNIT),
    _serra_maximal(3, 3, UNIT),
    _serra_maximal(3, 3, _cube(2, 1)),
    _serra_maximal(4, 2, UNIT),
    _serra_maximal(5, 2, _cube(2, 1)),
    _serra_maximal(7, 3, UNIT),
    KnownAnswer("folding [3]", folding(folded=False), SQUARE, 7, (7,), (7,)),
    KnownAnswer("folding [4, 3]", folding(folded=True), SQUARE, 28, (4, 28), (4, 7)),
)
