"""What a count answers, and how it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.counting import CountBounds, LayerBounds
from cpwl_milp.engines.choice import EngineSettings
from cpwl_milp.engines.proof import Proof
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.outcome import Bracket
from cpwl_milp.enumeration.workers import Jobs


@dataclass(frozen=True)
class LayerCount:
    """The counts of one layer.

    Attributes
    ----------
    layer : int
        From 1.
    units, always_active, always_inactive, unstable : int
        Hidden units, and what bounds prove of them.
    prefix : Bracket
        Regions of layers 1..layer.
    own : Bracket
        Distinct patterns of this layer alone.
    upper_bound : int
        Of `prefix`, by closed formulas.
    """

    layer: int
    units: int
    always_active: int
    always_inactive: int
    unstable: int
    prefix: Bracket
    own: Bracket
    upper_bound: int

    @staticmethod
    def of(layer: LayerBounds, prefix: Bracket, own: Bracket) -> LayerCount:
        """The counts of a layer whose units and bounds are known."""
        return LayerCount(
            layer=layer.layer,
            units=layer.units,
            always_active=layer.always_active,
            always_inactive=layer.always_inactive,
            unstable=layer.unstable,
            prefix=prefix,
            own=own,
            upper_bound=layer.prefix_upper,
        )


@dataclass(frozen=True)
class Count:
    """The number of regions of a network on a domain.

    Attributes
    ----------
    engine : str
    reason : str
        Why the count is a bracket; "" when it is complete.
    regions : Bracket
    found : int
        Regions that were listed one by one (a lower bound may count open cubes on top).
    thin : int or None
        Patterns met that are nonempty but not full-dimensional; never part of the count. None
        where the engine does not look for them.
    linear_regions, affine_maps : int or None
        On request, from a complete list.
    layers : tuple of LayerCount
    bounds : CountBounds
    decisions : dict of str to int
        How decisions were settled; ``ties`` were within the tolerance.
    seconds : float
    proof : Proof or None
        On request.
    """

    engine: str
    reason: str
    regions: Bracket
    found: int
    thin: int | None
    linear_regions: int | None
    affine_maps: int | None
    layers: tuple[LayerCount, ...]
    bounds: CountBounds
    decisions: dict[str, int]
    seconds: float
    proof: Proof | None = None

    @property
    def complete(self) -> bool:
        """Whether the count is exact."""
        return not self.reason


@dataclass(frozen=True)
class CountSettings:
    """How to count.

    Attributes
    ----------
    engine : EngineSettings
    limits : Limits
    bound_method : str
        Of the pre-activation bounds.
    linear : bool
        Also count linear regions and affine maps (keeps the list in memory).
    jobs : int or Workers
        Threads that search, 0 for one a core, or other workers. The answer is the same whoever
        they are.
    rigorous : bool
        Prove the list, which is kept in memory.
    """

    engine: EngineSettings = field(default_factory=EngineSettings)
    limits: Limits = field(default_factory=Limits)
    bound_method: str = "crown"
    linear: bool = False
    jobs: Jobs = 1
    rigorous: bool = False


def raised(bracket: Bracket, lower: int, what: str) -> Bracket:
    """A bracket with a lower bound from elsewhere.

    Raises
    ------
    CheckFailedError
        If more are known to exist than the upper bound allows.
    """
    if bracket.upper is not None and lower > bracket.upper:
        raise CheckFailedError(what, f"{lower} found", f"at most {bracket.upper}, please report it")
    return Bracket(max(bracket.lower, lower), bracket.upper)


def intersected(a: Bracket, b: Bracket, what: str) -> Bracket:
    """What two brackets of one number say together."""
    uppers = [upper for upper in (a.upper, b.upper) if upper is not None]
    upper = min(uppers) if uppers else None
    return raised(Bracket(a.lower, upper), b.lower, what)
