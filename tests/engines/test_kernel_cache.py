"""Cached kernels live as long as their sources, wherever there is a place for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from cpwl_milp.core.domain import Box
from cpwl_milp.engines.kernel_cache import digest_of, forget_stale_kernels
from cpwl_milp.engines.tree.search import search
from tests.conftest import REPOSITORY
from tests.engines.listing import listed, tree
from tests.networks import degenerate_network, random_network

_KERNEL = """
from cpwl_milp.engines.compiled import entry_kernel

@entry_kernel
def double(x):
    return x + x
"""
# A folder more of the engines, with that kernel in it.
_SCRIPT = """
import sys
import cpwl_milp.engines
from cpwl_milp.cli.notices import notices_passed_on

cpwl_milp.engines.__path__.append(sys.argv[1])
from cpwl_milp.engines.doubling import double

with notices_passed_on():
    print(double(21), double(1), sum(double.stats.cache_hits.values()))
"""


def test_kernels_go_with_their_sources(tmp_path: Path) -> None:
    sources, cache = tmp_path / "tree", tmp_path / "cache"
    sources.mkdir()
    cache.mkdir()
    constants = sources / "state.py"
    constants.write_text("PLACE = 1\n")
    cached = cache / "search.nbi"
    cached.write_text("compiled before anybody kept a stamp")
    forget_stale_kernels(cache, digest_of(sources))
    assert not cached.exists()

    cached.write_text("compiled from PLACE = 1")
    forget_stale_kernels(cache, digest_of(sources))
    assert cached.exists()

    constants.write_text("PLACE = 2\n")
    forget_stale_kernels(cache, digest_of(sources))
    assert not cached.exists()


def _run(folder: Path, caches: Path) -> tuple[str, str]:
    """Double two numbers by a kernel in a folder where numba can make none for its cache."""
    (folder / "doubling.py").write_text(_KERNEL)
    (folder / "__pycache__").write_text("a file")
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    environment |= {"PYTHONPATH": str(REPOSITORY), "XDG_CACHE_HOME": str(caches)}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, folder],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr


_SAID = "note: compiling the doubling engine for this machine: some seconds, once\n"


def test_an_installation_that_cannot_be_written_uses_the_folder_of_the_user(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    assert _run(tmp_path, home) == ("42 2 0\n", _SAID)
    (kept,) = home.rglob("kernels.sha256")
    # Nothing is compiled any more, and nothing said ...
    assert _run(tmp_path, home) == ("42 2 1\n", "")
    # ... until a source changes.
    kept.write_text("of other sources")
    assert _run(tmp_path, home) == ("42 2 0\n", _SAID)


def test_where_nothing_can_be_written_kernels_live_as_long_as_the_process(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file")
    assert _run(tmp_path, home) == ("42 2 0\n", _SAID)


def test_each_kernel_is_compiled_for_one_set_of_types() -> None:
    rng = np.random.default_rng(0)
    listed(tree(random_network(rng, 1, [1]), Box.uniform(-1.0, 1.0, 1)), step=1)
    listed(tree(degenerate_network(rng, 3, [4, 3]), Box(-np.ones(3), 2.0 * np.ones(3))))
    # Beyond 64 inputs the box's scales are a sparse matrix.
    listed(tree(random_network(rng, 70, [3, 2]), Box.uniform(0.0, 1.0, 70)), step=3)
    assert len(search.signatures) == 1
