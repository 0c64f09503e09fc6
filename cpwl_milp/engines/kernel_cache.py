"""Compiled kernels that are older than their sources are forgotten.

numba caches each compiled function beside its file and notices when that file changes, but not
when a constant or a function that it takes from another file does (a checkout that is updated).
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

_STAMP = "kernels.sha256"
# Folders that no kernel takes anything from.
_WITHOUT_KERNELS = {"exact", "milp"}


def forget_stale_kernels(folder: Path) -> None:
    """Delete cached kernels below `folder` unless they were compiled from the sources there now."""
    digest = hashlib.sha256()
    for source in sorted(folder.rglob("*.py")):
        if source.parent.name in _WITHOUT_KERNELS:
            continue
        digest.update(source.read_bytes())
    stamp = folder / "__pycache__" / _STAMP
    # A place that cannot be written holds no cache of ours either.
    with contextlib.suppress(OSError):
        if stamp.is_file() and stamp.read_text() == digest.hexdigest():
            return
        for pattern in ("*.nbi", "*.nbc"):
            for cached in folder.rglob(f"__pycache__/{pattern}"):
                cached.unlink(missing_ok=True)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(digest.hexdigest())
