"""Compiled kernels on disk: none older than its sources, and a word when one is compiled.

numba caches each compiled function beside its file (in a folder of the user's where that cannot
be written, or below NUMBA_CACHE_DIR), and notices when that file changes, but not when a constant
or a function that it takes from another file does: after an update, kernels of two versions would
count together. So each folder of kernels gets a stamp of all sources.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
from pathlib import Path
from typing import Any

from numba.core import event

_STAMP = "kernels.sha256"
_ENGINES = Path(__file__).parent
_PACKAGE = __name__.rpartition(".")[0]


def forget_stale_kernels(cache: Path, digest: str) -> None:
    """Delete the kernels in a folder unless they were compiled from sources of this digest.

    Parameters
    ----------
    cache : Path
        Where numba puts kernels of one of our folders, and of nobody else's.
    digest : str
    """
    stamp = cache / _STAMP
    # A place that cannot be written holds no kernels of ours either.
    with contextlib.suppress(OSError):
        if stamp.is_file() and stamp.read_text() == digest:
            return
        for pattern in ("*.nbi", "*.nbc"):
            for kernel in cache.glob(pattern):
                kernel.unlink(missing_ok=True)
        cache.mkdir(parents=True, exist_ok=True)
        stamp.write_text(digest)


@functools.cache
def forget_stale_once(cache: Path) -> None:
    """`forget_stale_kernels` for the sources of all engines, once a process."""
    forget_stale_kernels(cache, _own_digest())


def digest_of(folder: Path) -> str:
    """A digest of all sources below a folder."""
    digest = hashlib.sha256()
    for source in sorted(folder.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


@functools.cache
def _own_digest() -> str:
    return digest_of(_ENGINES)


class _Announcer(event.Listener):  # type: ignore[misc]
    """Says, once an engine, that its kernels are being compiled: the caller waits for seconds."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def on_start(self, event: Any) -> None:
        """Numba found nothing in its cache and starts to compile."""
        module = event.data["dispatcher"].py_func.__module__
        if not module.startswith(f"{_PACKAGE}."):
            return
        engine = module.removeprefix(f"{_PACKAGE}.").partition(".")[0]
        if engine not in self._said:
            self._said.add(engine)
            logging.getLogger(_PACKAGE).info(
                "compiling the %s engine for this machine: some seconds, once", engine
            )

    def on_end(self, event: Any) -> None:
        """Nothing to say."""


event.register("numba:compile", _Announcer())
