"""Cached kernels live as long as the sources they were compiled from."""

from __future__ import annotations

from pathlib import Path

from cpwl_milp.engines.kernel_cache import forget_stale_kernels


def test_kernels_go_with_their_sources(tmp_path: Path) -> None:
    (tmp_path / "tree" / "__pycache__").mkdir(parents=True)
    constants = tmp_path / "tree" / "state.py"
    constants.write_text("PLACE = 1\n")
    cached = tmp_path / "tree" / "__pycache__" / "search.nbi"
    cached.write_text("compiled before anybody kept a stamp")
    forget_stale_kernels(tmp_path)
    assert not cached.exists()

    cached.write_text("compiled from PLACE = 1")
    forget_stale_kernels(tmp_path)
    assert cached.exists()

    constants.write_text("PLACE = 2\n")
    forget_stale_kernels(tmp_path)
    assert not cached.exists()
