"""The command line with short steps and constant progress: ``python -m tests.cli.small_steps ...``.

A run of two seconds can then be killed at many places.
"""

from __future__ import annotations

from cpwl_milp.cli import main
from cpwl_milp.enumeration.limits import Pace
from cpwl_milp.enumeration.progress import LineProgress
from cpwl_milp.enumeration.recording import RunRecorder

if __name__ == "__main__":
    RunRecorder.__init__.__kwdefaults__["min_seconds"] = 0.0  # type: ignore[index]
    RunRecorder.__init__.__kwdefaults__["max_seconds"] = 0.0  # type: ignore[index]
    LineProgress.__init__.__defaults__ = (0.0,)
    Pace.for_rows = staticmethod(lambda row_bytes: Pace(seconds=0.08, regions=2_500))  # type: ignore[method-assign]
    main()
