"""Masses of a whole run: a stream of listed regions in, files beside the run out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.pattern import Packed, packed_size
from cpwl_milp.partition.mass import JoinReport, Masses, RegionJoin
from cpwl_milp.partition.samples import SamplePatterns
from cpwl_milp.storage.mass_files import own_file, prefix_file, regions_file, write_masses


def write_run_masses(
    run: Path, regions: Iterable[Packed], samples: SamplePatterns, *, complete: bool
) -> JoinReport:
    """Lay samples over a run's regions and write all masses beside it.

    Written are `regions` (every listed region), and per layer the own and prefix patterns that
    are listed or sampled; the prefixes of the last layer are the regions. Memory holds the
    distinct patterns of the layers, not the regions.

    Parameters
    ----------
    run : Path
        The run's folder; ``mass/`` is made in it, files of an earlier call are replaced.
    regions : iterable of ndarray of uint8, shape (n, bytes)
        Packed patterns, each region once, e.g. ``RunFolder.patterns()``.
    samples : SamplePatterns
        Made with the run's domain.
    complete : bool
        Whether the run lists every region of its domain.

    Raises
    ------
    CheckFailedError
        If a complete run lacks the region of a sample; no file is then left or changed.
    RunFolderError
        If a file cannot be written.
    """
    join = RegionJoin(samples)
    reports: list[JoinReport] = []

    def stream() -> Iterator[tuple[Packed, NDArray[np.int64], NDArray[np.float64]]]:
        # One batch at least, so that a run without regions has a file with its columns.
        yield _columns(join.masses(np.zeros((0, packed_size(samples.n_units)), dtype=np.uint8)))
        for batch in regions:
            yield _columns(join.masses(batch))
        # Before the file is whole: a failed check must leave none.
        reports.append(join.finish(complete=complete))

    note = {"n_samples": str(samples.n_samples), "n_units": str(samples.n_units)}
    write_masses(regions_file(run), stream(), note)
    ends = np.cumsum([layer.width for layer in samples.layers])
    for k, layer in enumerate(samples.layers):
        note["n_units"] = str(layer.width)
        write_masses(own_file(run, k + 1), [_columns(join.own(k))], note)
        if k < len(samples.layers) - 1:
            note["n_units"] = str(ends[k])
            write_masses(prefix_file(run, k + 1), [_columns(join.prefix(k))], note)
    return reports[0]


def _columns(masses: Masses) -> tuple[Packed, NDArray[np.int64], NDArray[np.float64]]:
    return masses.patterns, masses.counts, masses.mass
