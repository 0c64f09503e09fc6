"""One cluster that several tests use: a scheduler and three workers, processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.loopback import Loopback
from cpwl_milp.cluster.connection import Cluster


@pytest.fixture(scope="session")
def loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    settings = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    with Loopback(tmp_path_factory.mktemp("cluster"), 3, settings) as running:
        yield running


@pytest.fixture(scope="session")
def cluster(loopback: Loopback) -> Iterator[Cluster]:
    with Cluster.at(loopback.address) as connected:
        yield connected


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Loopback]:
    """A cluster with one worker, to be broken."""
    with Loopback(tmp_path, 1) as running:
        yield running
