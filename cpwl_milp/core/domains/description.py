"""Domains from what `describe` wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.domains.balls import Ball
from cpwl_milp.core.domains.polytope import Polytope
from cpwl_milp.core.domains.slice import Slice
from cpwl_milp.core.domains.whole_space import WholeSpace
from cpwl_milp.core.errors import DomainError


def domain_from(description: Mapping[str, Any], where: str) -> Domain:
    """The inverse of `Domain.describe`.

    Parameters
    ----------
    description : mapping
        JSON of a run folder.
    where : str
        What holds it, for messages.

    Raises
    ------
    DomainError
        If it is of a kind that this version does not know, or damaged.
    """
    kind = description.get("kind")
    try:
        origin = str(description["origin"])
        dim = int(description["dim"])
        if kind == "box":
            return _box(description, dim, origin)
        if kind == "ball":
            return Ball(
                _vector(description["centre"]),
                float(description["radius"]),
                str(description["norm"]),
                origin,
            )
        if kind == "polytope":
            return Polytope(
                np.array(description["A"], dtype=np.float64).reshape(-1, dim),
                _vector(description["b"]),
                _box(description, dim, origin),
                _vector(description["inside"]),
                origin,
            )
        if kind == "slice":
            basis: Dense = np.array(description["basis"], dtype=np.float64).reshape(-1, dim)
            inner = domain_from(description["inner"], where)
            limits = domain_from(description["limits"], where)
            return Slice(_vector(description["start"]), basis, inner, limits, origin)
        if kind == "whole-space":
            return WholeSpace(dim, origin)
    except (KeyError, TypeError, ValueError) as error:
        raise DomainError(where, f"a damaged description of a domain: {error}") from None
    raise DomainError(where, f"a domain of kind {kind!r}", "one that this version knows")


def _vector(values: Any) -> Vector:
    return np.array(values, dtype=np.float64)


def _box(description: Mapping[str, Any], dim: int, origin: str) -> Box:
    lower, upper = (
        np.broadcast_to(_vector(description[k]), dim).copy() for k in ("lower", "upper")
    )
    return Box(lower, upper, origin)
