"""Weigh the regions of a run with samples: masses beside the run's regions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.pattern import Packed, packed_size
from cpwl_milp.partition.mass import JoinReport, Masses, RegionJoin
from cpwl_milp.partition.samples import SamplePatterns
from cpwl_milp.storage.mass_files import own_file, prefix_file, regions_file, write_masses
from cpwl_milp.storage.run_folder import RunFolder


def weigh_run(run: RunFolder, samples: SamplePatterns, *, complete: bool) -> JoinReport:
    """Write the mass of every listed region and of every layer's patterns into ``RUN/mass``.

    Regions without samples are written too, with mass zero.

    Parameters
    ----------
    run : RunFolder
    samples : SamplePatterns
        Made with the run's network and domain.
    complete : bool
        Whether the run lists every region of the domain.

    Raises
    ------
    CheckFailedError
        If a complete list lacks a region that clearly holds a sample.
    RunFolderError
        If the files cannot be written.
    """
    join = RegionJoin(samples)
    metadata = {"n_samples": str(samples.n_samples)}
    write_masses(regions_file(run.path), _weighed(run, join), metadata)
    report = join.finish(complete=complete)
    for layer in range(len(samples.layers)):
        write_masses(own_file(run.path, layer + 1), [_columns(join.own(layer))], metadata)
        if layer < len(samples.layers) - 1:
            write_masses(prefix_file(run.path, layer + 1), [_columns(join.prefix(layer))], metadata)
    return report


def _weighed(
    run: RunFolder, join: RegionJoin
) -> Iterator[tuple[Packed, NDArray[np.int64], NDArray[np.float64]]]:
    nothing = np.zeros((0, packed_size(run.layout.n_units)), dtype=np.uint8)
    yield _columns(join.masses(nothing))  # so that an empty run has a file, too
    for patterns in run.patterns():
        yield _columns(join.masses(patterns))


def _columns(masses: Masses) -> tuple[Packed, NDArray[np.int64], NDArray[np.float64]]:
    return masses.patterns, masses.counts, masses.mass
