"""Look around many points: every network, every set of points, every radius."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from cpwl_milp.core.domains import Ball
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Packed, pack
from cpwl_milp.enumeration.interrupts import Interrupts
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.progress import ProgressReporter, SilentProgress, Snapshot
from cpwl_milp.local.ball_bound import BallBound, BallBounder
from cpwl_milp.local.boundary import nearest_boundaries, sign_changes
from cpwl_milp.local.exact import BallCount, count_in_ball
from cpwl_milp.local.point_sets import PointSet

# Relative rounding error of a boundary's distance that is allowed for.
_MARGIN = 1e-9


@dataclass(frozen=True)
class LocalSettings:
    """What to look for around each point.

    Attributes
    ----------
    radii : tuple of float
    norm : str
        "1", "2" or "inf": of balls and distances.
    method : str
        Of pre-activation bounds, see `ball_bound.METHODS`.
    limits : Limits or None
        Of the exact count in each ball; None counts nowhere.
    n_samples : int
        Random points of each ball for the lower bound.
    n_directions : int
        Of `boundary.sign_changes`.
    sigma : float
        Of `boundary.NearestBoundary.density`.
    most_sets : int
        Sets of hyperplanes that the first layer's bound may look at, a ball.
    seed : int
    """

    radii: tuple[float, ...]
    norm: str = "2"
    method: str = "crown"
    limits: Limits | None = field(default_factory=Limits)
    n_samples: int = 300
    n_directions: int = 20
    sigma: float = 0.1
    most_sets: int = 2000
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What is known around one point of one set, for one network and one radius.

    Attributes
    ----------
    model : int
        Which network, from 0.
    points : str
        Name of the set.
    index : int
        The point's row in what the set was taken from.
    label : int or None
    radius : float
    upper : int
        BallBound.
    product : int or None
        The product form by Lipschitz constants.
    first_layer : int or None
        Upper bound of the regions of the first layer.
    count : BallCount
    distance : float
        To the nearest activation boundary; infinite where there is none.
    nearest : (int, int) or None
        Layer, from 0, and hidden unit in it, from 0, whose boundary it is.
    crossing : tuple of int
        Units of each layer that may take both signs, by sound bounds.
    crossing_units : ndarray of uint8
        The same, as a packed pattern over all units.
    sign_changes : int
    density : float
        See `boundary`.
    """

    model: int
    points: str
    index: int
    label: int | None
    radius: float
    upper: int
    product: int | None
    first_layer: int | None
    count: BallCount
    distance: float
    nearest: tuple[int, int] | None
    crossing: tuple[int, ...]
    crossing_units: Packed
    sign_changes: int
    density: float

    @property
    def regions(self) -> int | None:
        """The exact number of regions, where it is known."""
        return self.count.lower if self.count.complete else None

    @property
    def most(self) -> int:
        """So many regions at most."""
        return self.count.lower if self.count.complete else self.upper


@dataclass(frozen=True, eq=False)
class Survey:
    """All of them, in the order of networks, sets, points and radii.

    Attributes
    ----------
    found : tuple of Surroundings
    interrupted : bool
        Whether Ctrl-C cut it off.
    seconds : float
    """

    found: tuple[Surroundings, ...]
    interrupted: bool
    seconds: float


def survey(
    networks: Sequence[Network],
    sets: Sequence[PointSet],
    settings: LocalSettings,
    progress: ProgressReporter | None = None,
) -> Survey:
    """Look around every point of every set, in every network, at every radius.

    Ctrl-C ends it after the current ball; what was found is returned.

    Parameters
    ----------
    networks : sequence of Network
        With the same inputs.
    sets : sequence of PointSet
    settings : LocalSettings
    progress : ProgressReporter, optional

    Raises
    ------
    CheckFailedError
        If two ways contradict each other anywhere.
    """
    progress = progress or SilentProgress()
    begin = time.monotonic()
    total = len(networks) * sum(len(points) for points in sets) * len(settings.radii)
    found: list[Surroundings] = []
    listed = 0

    def state() -> Snapshot:
        share = len(found) / total if total else 1.0
        return Snapshot(share, listed, listed, total - len(found), time.monotonic() - begin)

    interrupts = Interrupts()
    with interrupts.caught():
        try:
            for surroundings in _all(networks, sets, settings):
                if surroundings.count.reason == "interrupted":
                    # A ball half done would stand among whole ones.
                    break
                found.append(surroundings)
                listed += surroundings.count.lower
                progress.update(state())
                if interrupts.requested:
                    break
        finally:
            progress.finish(state())
    return Survey(tuple(found), len(found) < total, time.monotonic() - begin)


def _all(
    networks: Sequence[Network], sets: Sequence[PointSet], settings: LocalSettings
) -> Iterator[Surroundings]:
    for model, network in enumerate(networks):
        bounder = BallBounder(
            network, settings.norm, method=settings.method, most_sets=settings.most_sets
        )
        if model == 0 and settings.limits is not None:
            # Compiling kernels on their first use is not to be charged to the first ball.
            ball = Ball(
                sets[0].points[0],
                settings.radii[0],
                settings.norm,
                _place(sets[0], 0),
            )
            first = count_in_ball(
                network, ball, bounder.at(ball), limits=Limits(1), n_samples=0, seed=0
            )
            if first.reason == "interrupted":
                return
        for points in sets:
            yield from _around_set(model, network, bounder, points, settings)


def _around_set(
    model: int, network: Network, bounder: BallBounder, points: PointSet, settings: LocalSettings
) -> Iterator[Surroundings]:
    near = nearest_boundaries(network, points.points, settings.norm, sigma=settings.sigma)
    # The same directions for every network and set: differences are then paired.
    changes = [
        sign_changes(
            network,
            points.points,
            radius,
            settings.n_directions,
            np.random.default_rng(settings.seed),
        )
        for radius in settings.radii
    ]
    for row, centre in enumerate(points.points):
        place = (int(near.layer[row]), int(near.unit[row]))
        for radius, changed in zip(settings.radii, changes, strict=True):
            ball = Ball(centre, radius, settings.norm, _place(points, row))
            bound = bounder.at(ball)
            yield Surroundings(
                model=model,
                points=points.name,
                index=int(points.index[row]),
                label=None if points.labels is None else int(points.labels[row]),
                radius=radius,
                upper=bound.upper,
                product=bound.product,
                first_layer=None if bound.first_layer is None else bound.first_layer.upper,
                count=count_in_ball(
                    network,
                    ball,
                    bound,
                    limits=settings.limits,
                    n_samples=settings.n_samples,
                    seed=settings.seed,
                    # Beyond its nearest boundary another region begins.
                    least=2 if near.distance[row] < radius * (1.0 - _MARGIN) else 1,
                ),
                distance=float(near.distance[row]),
                nearest=None if place[0] < 0 else place,
                crossing=bound.crossing,
                crossing_units=_packed_crossing(bound),
                sign_changes=int(changed[row]),
                density=float(near.density[row]),
            )


def _packed_crossing(bound: BallBound) -> Packed:
    parts = [np.zeros(0, dtype=np.bool_), *(fate.unstable for fate in bound.stability)]
    packed: Packed = pack(np.concatenate(parts)[None, :])[0]
    return packed


def _place(points: PointSet, row: int) -> str:
    """Where a ball comes from, for messages."""
    return f"{points.name}, row {points.index[row]}"
