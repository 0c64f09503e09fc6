"""Where a network narrows: ranks of its images, growth of its partition, distinct maps.

Prefix patterns can only become more, so a layer that forgets shows elsewhere: in own patterns, in
the rank of the linear map on each region, and in the functional quotient, where regions on which
the network up to a layer is one and the same affine map are one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Packed
from cpwl_milp.information.labels import Labels
from cpwl_milp.information.measures import PartitionInformation, measured
from cpwl_milp.partition.composed import composed_blocks, scaled
from cpwl_milp.partition.linear_regions import SAME_MAP, map_ids
from cpwl_milp.partition.samples import Bins, SamplePatterns

NOTES = (
    "rank: of the map from inputs to the layer's values on each prefix region with samples; where "
    "it falls, values fill fewer dimensions",
    "functional: regions with one map from inputs to the layer's values (on the samples' box) "
    "are one; their number may fall with depth",
    "a falling count of own patterns or functional regions says that fewer distinctions are kept, "
    "not that less is known: within a region values vary",
)


@dataclass(frozen=True)
class LayerBottleneck:
    """How one layer narrows.

    Attributes
    ----------
    growth : float
        Prefix regions seen over those of the layer before (1 before the first).
    rank_least, rank_mean, rank_largest
        Of the affine map on the prefix regions, the mean weighted by samples.
    functional : PartitionInformation
        The samples by functional region.
    """

    growth: float
    rank_least: int
    rank_mean: float
    rank_largest: int
    functional: PartitionInformation

    def as_json(self) -> dict[str, Any]:
        """The field ``bottleneck`` of a layer."""
        return {
            "growth": self.growth,
            "rank": {
                "least": self.rank_least,
                "mean": self.rank_mean,
                "largest": self.rank_largest,
            },
            "functional": self.functional.as_json(),
        }


def bottlenecks(
    network: Network,
    samples: SamplePatterns,
    box: Box,
    labels: Labels | None = None,
    *,
    tolerance: float = SAME_MAP,
    population: bool = False,
    n_permutations: int = 1000,
    seed: int = 0,
) -> tuple[LayerBottleneck, ...]:
    """Look at every layer.

    Parameters
    ----------
    network : Network
    samples : SamplePatterns
        Of this network.
    box : Box
        Over which maps are compared, e.g. that of the samples: what an input that does not vary
        there is multiplied by does not count.
    labels : Labels, optional
    tolerance : float
        By which two maps may differ on the box, relative to the largest.
    population, n_permutations, seed
        As `layers.measure` takes them.
    """
    inner = scaled(network, box)
    found = []
    before = 1
    for k, layer in enumerate(samples.layers):
        patterns = samples.prefix_patterns(k)
        upto = inner.truncated(k + 1)
        ranks = _ranks(upto, patterns)
        maps = map_ids(upto, patterns, tolerance)
        ids = maps[layer.prefix.ids].astype(np.int64)
        functional = measured(
            Bins(ids, np.bincount(ids)),
            labels,
            population=population,
            n_permutations=n_permutations,
            seed=seed,
        )
        weights = layer.prefix.counts / layer.prefix.counts.sum()
        found.append(
            LayerBottleneck(
                growth=len(layer.prefix) / before,
                rank_least=int(ranks.min()),
                rank_mean=float(weights @ ranks),
                rank_largest=int(ranks.max()),
                functional=functional,
            )
        )
        before = len(layer.prefix)
    return tuple(found)


def _ranks(network: Network, patterns: Packed) -> NDArray[np.int64]:
    ranks = np.empty(len(patterns), dtype=np.int64)
    for block in composed_blocks(network, patterns, with_rows=False):
        slopes: Dense = block.outputs[:, :, :-1]
        ranks[block.start : block.start + len(slopes)] = np.linalg.matrix_rank(slopes)
    return ranks


def box_of(samples: NDArray[np.generic]) -> Box:
    """The smallest box around samples, shape (n, n_inputs)."""
    return Box(
        samples.min(axis=0).astype(np.float64),
        samples.max(axis=0).astype(np.float64),
        "the samples",
    )
