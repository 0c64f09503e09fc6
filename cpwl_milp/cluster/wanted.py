"""In a worker: whether anybody still waits for the call at hand."""

from __future__ import annotations

import sys


def still_wanted() -> bool:
    """Whether the call that this thread makes is still asked for; True outside any worker.

    Dask drops what was cancelled, and what belongs to a client that is gone, but cannot stop a
    thread.
    """
    if "distributed" not in sys.modules:
        return True
    from distributed import get_worker

    try:
        worker = get_worker()
        task = worker.state.tasks.get(worker.get_current_task())
    except (ValueError, AttributeError):
        # No worker's thread.
        return True
    return task is not None and task.state != "cancelled"
