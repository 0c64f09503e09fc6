"""A run in a process of its own, slow enough to be killed: ``python -m ... RUN [--quick]``."""

from __future__ import annotations

import sys
from pathlib import Path

from cpwl_milp.enumeration.limits import Pace
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.recording import RunRecorder, finish_run
from cpwl_milp.enumeration.resume import restart
from cpwl_milp.storage.question import Layout, Question
from cpwl_milp.storage.run_folder import RunFolder
from tests.enumeration.toy import ToyEngine

ENGINE = ToyEngine((7, 6, 6), 11)


def main(path: Path, delay: float) -> None:
    """Begin or go on, writing a step every few advances."""
    engine = ToyEngine(ENGINE.widths, ENGINE.seed, delay=delay)
    question = Question("toy", "0" * 64, {}, "toy", Layout(engine.widths, 2))
    begun = (path / "run.json").exists()
    folder = RunFolder.resume(path, question) if begun else RunFolder.create(path, question, {})
    with folder as run:
        begin = restart(run)
        with RunRecorder(run, min_seconds=0.03, max_seconds=0.03) as recorder:
            outcome = enumerate_regions(
                engine,
                len(engine.widths),
                roots=begin.roots,
                before=begin.tally,
                closed=begin.closed,
                sinks=[recorder],
                pace=Pace(seconds=0.01, regions=9),
            )
        finish_run(run, outcome)


if __name__ == "__main__":
    main(Path(sys.argv[1]), 0.0 if "--quick" in sys.argv else 0.001)
