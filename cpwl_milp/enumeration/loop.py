"""The loop that drives an engine over open cubes until nothing is left or a limit says stop."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from cpwl_milp.core.cube import ROOT, Cube
from cpwl_milp.core.exploration import Engine
from cpwl_milp.enumeration.advances import Advances
from cpwl_milp.enumeration.frontier import Frontier
from cpwl_milp.enumeration.interrupts import Interrupts
from cpwl_milp.enumeration.limits import Limits, Pace
from cpwl_milp.enumeration.outcome import Outcome, Tally
from cpwl_milp.enumeration.progress import ProgressReporter, SilentProgress
from cpwl_milp.enumeration.session import Session
from cpwl_milp.enumeration.work import Finding, Sink, Work
from cpwl_milp.enumeration.workers import Jobs, Threads, workers_of

# Reasons to stop that leave time for the advances at work.
_LETS_WORKERS_END = ("interrupted", "max-seconds")


def enumerate_regions(
    engine: Engine,
    n_layers: int,
    *,
    roots: Sequence[Cube] = (ROOT,),
    before: Tally | None = None,
    closed: Fraction = Fraction(0),
    limits: Limits | None = None,
    sinks: Sequence[Sink] = (),
    progress: ProgressReporter | None = None,
    pace: Pace | None = None,
    jobs: Jobs = 1,
) -> Outcome:
    """List the regions of some cubes, depth first.

    Several workers list the same regions in the same order as one, with the same counts.

    Ctrl-C ends the session after the advances at work, with all that was found and whose turn has
    come handed to the sinks. Several workers may then be ahead by some advances: these are lost,
    and made again when the run goes on.

    Parameters
    ----------
    engine : Engine
    n_layers : int
        Layers of the network, the length of `prefix_counts`.
    roots : sequence of Cube
        The open cubes to begin with.
    before : Tally, optional
        Counts of earlier sessions (`resume.restart`).
    closed : Fraction
        Weight of the cubes closed in earlier sessions.
    limits : Limits, optional
    sinks : sequence of Sink
        Each gets every advance, in order.
    progress : ProgressReporter, optional
    pace : Pace, optional
    jobs : int or Workers
        Threads that advance cubes, 0 for one a core, or other workers; an engine that is not
        stateless gets one thread.

    Returns
    -------
    Outcome

    Raises
    ------
    CheckFailedError
        If the engine breaks its contract: cubes of another place, more regions than asked for, or
        a cube handed back again and again untouched.
    """
    workers = workers_of(jobs)
    if not engine.stateless:
        workers = Threads(1)
    nothing = Tally(prefix_counts=(0,) * n_layers)
    before = nothing if before is None else nothing.plus(before)
    session = Session(engine, Frontier(roots, closed), before, limits or Limits(), pace or Pace())
    progress = progress or SilentProgress()
    interrupts = Interrupts()
    advances = Advances(session, Work(engine, sinks), interrupts, workers)

    def hand_over(finding: Finding) -> None:
        for deliver in finding.deliveries:
            deliver()
        progress.update(session.snapshot())

    with interrupts.caught():
        try:
            while (reason := session.stop_reason(interrupted=interrupts.requested)) is None:
                finding = advances.next()
                if finding is not None:
                    hand_over(finding)
            while reason in _LETS_WORKERS_END and (finding := advances.rest()) is not None:
                hand_over(finding)
                reason = session.stop_reason(interrupted=interrupts.requested)
        finally:
            advances.close()
            progress.finish(session.snapshot())
    return session.outcome(reason or "")
