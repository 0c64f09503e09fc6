"""The command line with short steps and constant progress: ``python -m tests.cli.small_steps ...``.

A run of two seconds can then be killed at many places, however fast the engines are.
"""

from __future__ import annotations

import time
from typing import Any

from cpwl_milp.cli import main
from cpwl_milp.enumeration.limits import Pace
from cpwl_milp.enumeration.progress import LineProgress
from cpwl_milp.enumeration.recording import RunRecorder


class SlowRecorder(RunRecorder):
    """Writes every advance as a step, not too fast."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named, min_seconds=0.0, max_seconds=0.0)

    def delivery(self, advance: Any, prepared: Any) -> Any:
        """Take one advance when the result is called."""
        take = super().delivery(advance, prepared)

        def slowly() -> None:
            take()
            time.sleep(0.01)

        return slowly


if __name__ == "__main__":
    import cpwl_milp.enumeration.run as run

    run.RunRecorder = SlowRecorder  # type: ignore[misc]
    LineProgress.__init__.__defaults__ = (0.0,)
    Pace.for_rows = staticmethod(lambda row_bytes, jobs=1: Pace(seconds=0.05, regions=600))  # type: ignore[method-assign]
    Pace.for_others = staticmethod(  # type: ignore[method-assign]
        lambda row_bytes: Pace(seconds=0.05, regions=100, ahead=10_000)
    )
    main()
