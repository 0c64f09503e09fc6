"""One function called on many things, several at a time, each in a process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import connection, get_context, parent_process
from typing import Any, TypeVar

Key = TypeVar("Key")
Found = TypeVar("Found")


def in_processes(
    function: Callable[..., Found], arguments: Mapping[Key, tuple[Any, ...]], jobs: int
) -> Iterator[tuple[Key, Found]]:
    """Call `function` on all arguments, `jobs` at a time; answers as they come.

    Parameters
    ----------
    function : callable
        Of a module, so that another process can find it.
    arguments : mapping
    jobs : int
        1 for none but this process.
    """
    if jobs == 1 or len(arguments) < 2:
        for key, values in arguments.items():
            yield key, function(*values)
        return
    # Not forked: a fork copies the locks of libraries' threads.
    with ProcessPoolExecutor(
        min(jobs, len(arguments)), get_context("spawn"), initializer=_begin
    ) as pool:
        waiting = {pool.submit(function, *values): key for key, values in arguments.items()}
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """One core a process is enough: libraries need no threads. And nobody works for the dead."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    # A pool's processes wait for work for ever where their parent was killed.
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)
