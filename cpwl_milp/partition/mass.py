"""Sample mass: how many samples lie in each own pattern, each prefix and each listed region.

The regions of an enumeration are read as a stream; only the sampled patterns (and, for the
layers, the distinct ones) are held. A sampled pattern that a complete list lacks means that one
of the two is wrong, so it is an error, unless the sample lies outside the listed domain or so
close to a boundary that rounding decides its pattern.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.errors import CheckFailedError, DataError
from cpwl_milp.core.pattern import Packed, as_keys, pack, packed_size, unique, unpack
from cpwl_milp.partition.samples import SamplePatterns, prefix_of

_BLOCK = 1 << 16


@dataclass(frozen=True, eq=False)
class Masses:
    """Patterns with the samples they hold.

    Attributes
    ----------
    patterns : ndarray of uint8, shape (n, packed_size(n_units))
    counts : ndarray of int64, shape (n,)
    mass : ndarray, shape (n,)
        Share of all samples, also of those that lie in none of the patterns.
    """

    patterns: Packed
    counts: NDArray[np.int64]
    mass: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.counts)

    @staticmethod
    def of(patterns: Packed, counts: NDArray[np.int64], n_samples: int) -> Masses:
        """Counts as shares of `n_samples`."""
        return Masses(patterns, counts, counts / n_samples)


@dataclass(frozen=True)
class JoinReport:
    """How samples and listed regions fit together; every sample is in one of the four.

    Attributes
    ----------
    regions : int
        Listed regions.
    regions_with_samples : int
        Those that hold a sample of the domain.
    in_regions, outside_domain, at_boundaries, unlisted : int
        Samples in listed regions; outside the domain; in no listed region but within tolerance
        of a boundary; in a region that is not listed (an error when the list is complete).
    unlisted_patterns : int
        Distinct patterns of the unlisted samples.
    own_patterns, prefix_regions : tuple of int
        Listed own patterns, and listed prefixes, of each layer.
    """

    regions: int
    regions_with_samples: int
    in_regions: int
    outside_domain: int
    at_boundaries: int
    unlisted: int
    unlisted_patterns: int
    own_patterns: tuple[int, ...]
    prefix_regions: tuple[int, ...]


def own_masses(samples: SamplePatterns, layer: int) -> Masses:
    """Mass of each own pattern of `layer` (from 0) that holds a sample."""
    here = samples.layers[layer]
    return Masses.of(here.own_patterns, here.own.counts, samples.n_samples)


def prefix_masses(samples: SamplePatterns, layer: int) -> Iterator[Masses]:
    """Mass of each prefix pattern up to `layer` (from 0) that holds a sample, in blocks."""
    counts = samples.layers[layer].prefix.counts
    for start in range(0, len(counts), _BLOCK):
        rows = slice(start, start + _BLOCK)
        yield Masses.of(samples.prefix_patterns(layer, rows), counts[rows], samples.n_samples)


class RegionJoin:
    """Lays samples over a stream of listed regions.

    Feed the region batches to `masses`, in any order and each region once, then ask `finish`
    for the balance. Samples outside the domain carry no mass here: a region is a part of the
    domain. Layers' own and prefix patterns of the listed regions are gathered on the way.

    Parameters
    ----------
    samples : SamplePatterns
        Made with the domain of the enumeration.
    """

    def __init__(self, samples: SamplePatterns) -> None:
        self._samples = samples
        n = samples.n_samples
        if samples.layers:
            self._ids = samples.layers[-1].prefix.ids
            patterns = samples.prefix_patterns(len(samples.layers) - 1)
        else:
            self._ids = np.zeros(n, dtype=np.int64)
            patterns = np.zeros((1, packed_size(0)), dtype=np.uint8)
        self._inside = np.bincount(self._ids[~samples.outside], minlength=len(patterns))
        keys = as_keys(patterns)
        self._order = np.argsort(keys)
        self._keys = keys[self._order]
        self._listed = np.zeros(len(patterns), dtype=np.bool_)
        self._regions = 0
        self._layers = [
            (_Gathered(layer.width), _Gathered(units))
            for layer, units in zip(samples.layers, self._prefix_units(), strict=True)
        ]

    def _prefix_units(self) -> list[int]:
        return [int(k) for k in np.cumsum([layer.width for layer in self._samples.layers])]

    def masses(self, patterns: Packed) -> Masses:
        """The masses of a batch of listed regions, zero where no sample lies.

        Raises
        ------
        DataError
            If the patterns are of another length than the samples'.
        CheckFailedError
            If a region that holds samples was listed before.
        """
        self._check_length(patterns)
        keys = as_keys(patterns)
        place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        found = self._keys[place] == keys
        sampled = self._order[place[found]]
        if self._listed[sampled].any() or len(np.unique(sampled)) < len(sampled):
            raise CheckFailedError(
                "regions", "a region is listed twice", "each region once", "the run is damaged"
            )
        self._listed[sampled] = True
        self._regions += len(patterns)
        self._gather(patterns)
        counts = np.zeros(len(patterns), dtype=np.int64)
        counts[found] = self._inside[sampled]
        return Masses.of(patterns, counts, self._samples.n_samples)

    def _check_length(self, patterns: Packed) -> None:
        expected = packed_size(self._samples.n_units)
        if patterns.ndim != 2 or patterns.shape[1] != expected:
            raise DataError(
                "regions",
                f"patterns of shape {patterns.shape}",
                f"rows of {expected} bytes for {self._samples.n_units} units",
                "is the run of this network?",
            )

    def _gather(self, patterns: Packed) -> None:
        n_units = self._samples.n_units
        bits = unpack(patterns, n_units)
        end = 0
        for k, (layer, (own, prefix)) in enumerate(
            zip(self._samples.layers, self._layers, strict=True)
        ):
            start, end = end, end + layer.width
            own.add(pack(bits[:, start:end]))
            # The last prefix is the region itself.
            if k < len(self._layers) - 1:
                prefix.add(prefix_of(patterns, n_units, end))

    def own(self, layer: int) -> Masses:
        """Mass of every own pattern, sampled or listed."""
        here = self._samples.layers[layer]
        return self._layers[layer][0].joined(
            here.own_patterns, here.own.counts, self._samples.n_samples
        )

    def prefix(self, layer: int) -> Masses:
        """Mass of every prefix pattern before the last layer, sampled or listed."""
        if layer == len(self._layers) - 1:
            raise ValueError("the prefixes of the last layer are the regions themselves")
        return self._layers[layer][1].joined(
            self._samples.prefix_patterns(layer),
            self._samples.layers[layer].prefix.counts,
            self._samples.n_samples,
        )

    def finish(self, *, complete: bool) -> JoinReport:
        """The balance of the join, once all regions have passed.

        Parameters
        ----------
        complete : bool
            Whether the list claims to hold every region of the domain.

        Raises
        ------
        CheckFailedError
            If a complete list lacks the pattern of a sample that lies in the domain and away
            from every boundary.
        """
        samples = self._samples
        missing = ~self._listed[self._ids] & ~samples.outside
        ties = missing & (samples.near_zero | samples.float32_differs)
        unlisted = missing & ~ties
        n_unlisted = int(unlisted.sum())
        n_patterns = len(np.unique(self._ids[unlisted]))
        if complete and n_unlisted:
            raise CheckFailedError(
                "regions",
                f"{n_unlisted} samples (the first in row {int(np.argmax(unlisted))}) lie in "
                f"{n_patterns} regions that the complete list of {self._regions} lacks",
                "every sample of the domain in a listed region",
                "report this as a fault, unless the run is of another network",
            )
        return JoinReport(
            regions=self._regions,
            regions_with_samples=int(np.count_nonzero(self._listed & (self._inside > 0))),
            in_regions=int(self._inside[self._listed].sum()),
            outside_domain=int(samples.outside.sum()),
            at_boundaries=int(ties.sum()),
            unlisted=n_unlisted,
            unlisted_patterns=n_patterns,
            own_patterns=tuple(own.n_distinct for own, _ in self._layers),
            # The last prefix is the region itself.
            prefix_regions=(
                *(prefix.n_distinct for _, prefix in self._layers[:-1]),
                *([self._regions] if self._layers else []),
            ),
        )


class _Gathered:
    """Distinct patterns of a stream, merged whenever as many new ones have come as are held."""

    def __init__(self, n_units: int) -> None:
        self._distinct = np.zeros((0, packed_size(n_units)), dtype=np.uint8)
        self._new: list[Packed] = []
        self._n_new = 0

    def add(self, packed: Packed) -> None:
        distinct, _, _ = unique(packed)
        self._new.append(distinct)
        self._n_new += len(distinct)
        if self._n_new > max(_BLOCK, len(self._distinct)):
            self._merge()

    @property
    def n_distinct(self) -> int:
        """Distinct patterns so far."""
        self._merge()
        return len(self._distinct)

    def _merge(self) -> None:
        self._distinct, _, _ = unique(np.concatenate([self._distinct, *self._new]))
        self._new, self._n_new = [], 0

    def joined(self, sampled: Packed, counts: NDArray[np.int64], n_samples: int) -> Masses:
        """All patterns in byte order, with the counts of the sampled ones."""
        self._merge()
        patterns, place, _ = unique(np.concatenate([sampled, self._distinct]))
        full = np.zeros(len(patterns), dtype=np.int64)
        full[place[: len(sampled)]] = counts
        return Masses.of(patterns, full, n_samples)
