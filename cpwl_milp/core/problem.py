"""What is asked: a network on a domain."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.coordinates import ChainedCoordinates, Coordinates
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.network import Network
from cpwl_milp.core.region import RegionBatch


@dataclass(frozen=True, eq=False)
class Problem:
    """A network over a full-dimensional domain.

    Build it with `Problem.of`, which changes to coordinates in which the domain has an interior.
    Engines see only `network` and `domain`, a box, a polytope or an L2 ball; `embed` takes their
    points back to the inputs of the ONNX model.

    Attributes
    ----------
    network : Network
        Over the domain's own coordinates.
    domain : Domain
        Full-dimensional.
    coordinates : Coordinates
        How the domain's coordinates lie among the model's inputs.
    asked : Domain
        The domain as the user gave it.
    plain : Network
        The same units over the same region, without artificial inputs: what closed formulas and
        output maps are about. It is `network` but for whole spaces and L1 balls.
    """

    network: Network
    domain: Domain
    coordinates: Coordinates
    asked: Domain
    plain: Network

    @staticmethod
    def of(network: Network, domain: Domain) -> Problem:
        """Pose the question of `network`'s regions in `domain`.

        Raises
        ------
        DomainError
            If the dimensions differ or the domain has no interior.
        """
        if domain.dim != network.n_inputs:
            raise DomainError(
                "domain",
                f"{domain.dim} coordinates",
                f"{network.n_inputs}, the inputs of the network",
            )
        steps: list[Coordinates] = []
        inner, step = domain.reduced()
        while step is not None:
            steps.append(step)
            inner, step = inner.reduced()
        coordinates = ChainedCoordinates(tuple(steps))
        restricted = coordinates.restricted(network)
        artificial = not coordinates.isometric
        plain = coordinates.plain(network) if artificial else restricted
        return Problem(restricted, inner, coordinates, domain, plain)

    def truncated(self, n_layers: int) -> Problem:
        """The same question of layers 1..n_layers alone."""
        return replace(
            self,
            network=self.network.truncated(n_layers),
            plain=self.plain.truncated(n_layers),
        )

    def presented(self, regions: RegionBatch) -> RegionBatch:
        """Regions as their reader expects them: points of the plain network's inputs.

        A radius in artificial inputs means nothing and becomes NaN.
        """
        if self.coordinates.isometric:
            return regions
        return RegionBatch(
            regions.patterns,
            self.coordinates.plain_points(regions.points),
            np.full(len(regions.inradii), np.nan),
        )

    def embed(self, points: Dense) -> Dense:
        """Points of the domain's coordinates as inputs of the model, (n, n_inputs)."""
        return self.coordinates.embed(points)

    def project(self, inputs: Dense) -> Dense:
        """Inputs of the model in the domain's coordinates."""
        return self.coordinates.project(inputs)
