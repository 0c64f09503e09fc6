"""The first thing in a job's process: limits that hold whatever the job does, then the job.

``python -m cpwl_milp.audit.child PARENT MEGABYTES MODULE ARGUMENTS...``, PARENT by its process id
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import runpy
import signal
import sys
from pathlib import Path

_MEGABYTE = 1_000_000
_PR_SET_PDEATHSIG = 1


def confine(parent: int, megabytes: int) -> None:
    """Bound this process's memory, and tie its life to its parent's (the latter on Linux)."""
    limit = megabytes * _MEGABYTE
    # What is written to. Address space is no measure: libraries reserve far more than they use.
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Ctrl-C is the audit's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            # It died before that.
            os._exit(1)
        # If the machine runs out of memory all the same, this process goes, not the audit.
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("800", encoding="ascii")


def main() -> None:
    """Confine this process and run a module in it."""
    parent, megabytes, module, *arguments = sys.argv[1:]
    confine(int(parent), int(megabytes))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
