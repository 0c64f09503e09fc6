"""Which bits the no-good cuts range over."""

from __future__ import annotations

from dataclasses import dataclass

from cpwl_milp.core.network import Network


@dataclass(frozen=True)
class Scope:
    """A set of consecutive layers whose joint patterns are listed.

    Attributes
    ----------
    first, last : int or None
        Layers, counted from 1; a last of None is the network's last layer.
    """

    first: int = 1
    last: int | None = None

    @staticmethod
    def whole() -> Scope:
        """All hidden units: the regions themselves."""
        return Scope()

    @staticmethod
    def prefix(n_layers: int) -> Scope:
        """The joint patterns of layers 1..n_layers."""
        return Scope(1, n_layers)

    @staticmethod
    def own(layer: int) -> Scope:
        """The patterns of layer `layer` (from 1) alone."""
        return Scope(layer, layer)

    @property
    def is_projection(self) -> bool:
        """Whether several regions may share one listed pattern."""
        return self.first > 1

    def network(self, network: Network) -> Network:
        """The layers that the scope depends on; the whole network keeps its outputs."""
        if self.last is None or self.last == len(network.layers):
            return network
        return network.truncated(self.last)

    def bits(self, network: Network) -> slice:
        """The scope's bits in a pattern of `network`."""
        if not network.layers:
            return slice(0, 0)
        last = len(network.layers) if self.last is None else self.last
        if not 1 <= self.first <= last <= len(network.layers):
            raise ValueError(f"{self} does not fit a network of {len(network.layers)} layers")
        return slice(network.offsets[self.first - 1], network.offsets[last])
