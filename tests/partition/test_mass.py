"""Masses of own, prefix and listed region patterns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import CheckFailedError, DataError, RunFolderError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import pack, unpack
from cpwl_milp.partition.mass import RegionJoin, own_masses, prefix_masses
from cpwl_milp.partition.run_masses import write_run_masses
from cpwl_milp.partition.samples import sample_patterns
from cpwl_milp.storage import mass_files
from cpwl_milp.storage.tables import read_metadata
from tests.definitions import tent
from tests.engines.listing import listed, tree
from tests.networks import degenerate_network, mlp

BOX = Box.uniform(-1, 1, 2)


def listing(network: Network, box: Box) -> np.ndarray:
    return listed(tree(network, box)).regions.patterns


def test_masses_of_layers() -> None:
    network = tent(2)
    x = np.array([[0.1], [0.2], [0.3], [0.9]])
    found = sample_patterns(network, x)
    own = own_masses(found, 0)
    assert unpack(own.patterns, 2).tolist() == [[True, False], [True, True]]
    assert own.mass.tolist() == [0.75, 0.25]
    (prefix,) = prefix_masses(found, 1)
    assert prefix.counts.sum() == 4
    assert np.array_equal(prefix.patterns[found.layers[1].prefix.ids], pack(network.bits(x)))


@pytest.mark.parametrize("seed", range(6))
def test_join_with_a_complete_list(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = degenerate_network(rng, 2, [6, 5, 4])
    x = rng.uniform(-1.2, 1.2, (400, 2))
    patterns = listing(network, BOX)
    found = sample_patterns(network, x, BOX)
    join = RegionJoin(found)
    batches = np.array_split(patterns[rng.permutation(len(patterns))], 3)
    masses = [join.masses(batch) for batch in batches]
    report = join.finish(complete=True)
    counts = np.concatenate([m.counts for m in masses])
    assert report.regions == len(counts) == len(patterns)
    assert report.outside_domain == found.outside.sum() > 0
    assert report.in_regions == counts.sum() == 400 - report.outside_domain
    assert report.unlisted == report.at_boundaries == 0
    assert report.regions_with_samples == np.count_nonzero(counts)
    all_bits = unpack(patterns, network.n_units)
    for k in range(3):
        own, prefix = all_bits[:, network.layer_bits(k)], all_bits[:, : network.offsets[k + 1]]
        assert report.own_patterns[k] == len(np.unique(own, axis=0))
        assert report.prefix_regions[k] == len(np.unique(prefix, axis=0))
    bits = pack(network.bits(x[~found.outside]))
    for batch, mass in zip(batches, masses, strict=True):
        expected = [int((bits == row).all(axis=1).sum()) for row in batch]
        assert mass.counts.tolist() == expected
        assert np.allclose(mass.mass, np.array(expected) / 400)
    # Layers: every listed pattern, those without samples included.
    listed_bits = unpack(patterns, network.n_units)
    sampled = network.bits(x)
    for k in range(3):
        both = np.concatenate([listed_bits, sampled])
        own = join.own(k)
        assert len(own) == len(np.unique(both[:, network.layer_bits(k)], axis=0))
        assert own.counts.sum() == 400
        if k < 2:
            prefix = join.prefix(k)
            assert len(prefix) == len(np.unique(both[:, : network.offsets[k + 1]], axis=0))
            assert prefix.counts.sum() == 400
            assert np.isclose(prefix.mass.sum(), 1)


def test_a_region_missing_from_a_complete_list_is_an_error() -> None:
    network = tent(3)
    box = Box.uniform(0, 1, 1)
    patterns = listing(network, box)
    x = (np.arange(100)[:, None] + 0.3) / 100
    found = sample_patterns(network, x, box)
    hole = pack(network.bits(x[40:41]))[0]
    kept = patterns[(patterns != hole).any(axis=1)]
    assert len(kept) == len(patterns) - 1
    join = RegionJoin(found)
    join.masses(kept)
    with pytest.raises(CheckFailedError, match=r"the first in row 38\) lie in 1 regions"):
        join.finish(complete=True)
    report = join.finish(complete=False)
    # x in (3/8, 1/2): rows 38 to 49.
    assert (report.unlisted, report.unlisted_patterns) == (12, 1)
    assert report.in_regions + report.unlisted == 100


def test_ties_at_boundaries_are_counted_apart() -> None:
    # relu(x), relu(-x) on [-1, 1]: x = 0 has the thin pattern 00, which is no region.
    network = mlp(([[1.0], [-1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0]))
    box = Box.uniform(-1, 1, 1)
    join = RegionJoin(sample_patterns(network, np.array([[0.0], [0.5], [-0.5], [2.0]]), box))
    join.masses(listing(network, box))
    report = join.finish(complete=True)
    assert (report.in_regions, report.at_boundaries, report.outside_domain) == (2, 1, 1)


def test_regions_listed_twice_and_of_another_network() -> None:
    network = tent(2)
    box = Box.uniform(0, 1, 1)
    patterns = listing(network, box)
    found = sample_patterns(network, np.linspace(0.01, 0.99, 50)[:, None], box)
    join = RegionJoin(found)
    join.masses(patterns)
    with pytest.raises(CheckFailedError, match="twice"):
        join.masses(patterns[:1])
    with pytest.raises(DataError, match="bytes"):
        RegionJoin(found).masses(np.zeros((1, 3), dtype=np.uint8))


def test_files_beside_the_run(tmp_path: Path) -> None:
    network = degenerate_network(np.random.default_rng(2), 2, [6, 5])
    x = np.random.default_rng(3).uniform(-1, 1, (20, 2))
    patterns = listing(network, BOX)
    samples = sample_patterns(network, x, BOX)
    report = write_run_masses(tmp_path, np.array_split(patterns, 2), samples, complete=True)
    assert report.regions == len(patterns)
    assert sorted(f.name for f in (tmp_path / "mass").iterdir()) == [
        "1-own.parquet",
        "1-prefix.parquet",
        "2-own.parquet",
        "regions.parquet",
    ]
    back = read(mass_files.regions_file(tmp_path))
    assert np.array_equal(back["pattern"], patterns)
    bits = pack(network.bits(x))
    assert back["count"].tolist() == [int((bits == row).all(axis=1).sum()) for row in patterns]
    assert 0 in back["count"]
    for path in (
        mass_files.own_file(tmp_path, 1),
        mass_files.own_file(tmp_path, 2),
        mass_files.prefix_file(tmp_path, 1),
    ):
        part = read(path)
        assert part["count"].sum() == 20
        assert np.isclose(part["mass"].sum(), 1)
    assert read_metadata(mass_files.own_file(tmp_path, 2)) == {"n_samples": "20", "n_units": "5"}
    with pytest.raises(RunFolderError, match="missing"):
        read(mass_files.prefix_file(tmp_path, 2))


def test_a_failed_check_leaves_no_file(tmp_path: Path) -> None:
    network = tent(2)
    box = Box.uniform(0, 1, 1)
    samples = sample_patterns(network, np.linspace(0.01, 0.99, 50)[:, None], box)
    half = listing(network, box)[:2]
    with pytest.raises(CheckFailedError):
        write_run_masses(tmp_path, [half], samples, complete=True)
    assert list((tmp_path / "mass").iterdir()) == []
    report = write_run_masses(tmp_path, [half], samples, complete=False)
    # x = 1/4 or 3/4 lies on a boundary.
    assert report.unlisted == 50 - report.in_regions - report.at_boundaries > 20
    write_run_masses(tmp_path, [], samples, complete=False)
    assert len(read(mass_files.regions_file(tmp_path))["count"]) == 0


def read(path: Path) -> dict[str, np.ndarray]:
    parts = list(mass_files.read_masses(path))
    return {
        name: np.concatenate([part[name] for part in parts]) if parts else np.zeros(0)
        for name in ("pattern", "count", "mass")
    }
