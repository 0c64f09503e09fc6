"""What is asked: a network on a domain."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cpwl_milp.core.affine import Affine, Dense
from cpwl_milp.core.domain import Box, Domain, without_fixed_coordinates
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.network import Network


@dataclass(frozen=True, eq=False)
class Problem:
    """A network over a full-dimensional domain.

    Build it with `Problem.of`, which takes fixed coordinates out. Engines see only `network`
    and `domain`; `embed` takes their points back to the inputs of the ONNX model.

    Attributes
    ----------
    network : Network
        Over the domain's own coordinates.
    domain : Domain
        Full-dimensional.
    embedding : Affine or None
        From the domain's coordinates to the model's inputs; None when they are the same.
    asked : Domain
        The domain as the user gave it.
    """

    network: Network
    domain: Domain
    embedding: Affine | None
    asked: Domain

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
        if isinstance(domain, Box) and domain.free.size < domain.dim:
            inner, embedding = without_fixed_coordinates(domain)
            return Problem(network.restricted(embedding), inner, embedding, domain)
        return Problem(network, domain, None, domain)

    def truncated(self, n_layers: int) -> Problem:
        """The same question of layers 1..n_layers alone."""
        return replace(self, network=self.network.truncated(n_layers))

    def embed(self, points: Dense) -> Dense:
        """Points of the domain's coordinates as inputs of the model, (n, n_inputs)."""
        return points if self.embedding is None else self.embedding(points)

    def project(self, inputs: Dense) -> Dense:
        """Inputs of the model in the domain's coordinates (fixed ones dropped)."""
        if self.embedding is None:
            return inputs
        return inputs[:, np.flatnonzero(np.abs(self.embedding.dense()).sum(axis=1))]
