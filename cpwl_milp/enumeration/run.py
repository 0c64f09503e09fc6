"""A whole enumeration into a run folder: begin it, or take it up again."""

from __future__ import annotations

from pathlib import Path

from cpwl_milp.conditions import ConditionedEngine, ConditionedProblem
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.exploration import Engine
from cpwl_milp.core.problem import Problem
from cpwl_milp.core.versions import versions
from cpwl_milp.counting import CountBounds, count_bounds
from cpwl_milp.engines.choice import EngineSettings, is_stateless, make_engine
from cpwl_milp.engines.proof import Proof, require_provable
from cpwl_milp.enumeration.certifying import prove_run
from cpwl_milp.enumeration.first_bounds import bounds_or_rough_ones
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.outcome import Outcome
from cpwl_milp.enumeration.output_maps import OutputMapsOf
from cpwl_milp.enumeration.presenting import Presenting
from cpwl_milp.enumeration.progress import ProgressReporter
from cpwl_milp.enumeration.recording import RunRecorder, finish_run
from cpwl_milp.enumeration.resume import listed_patterns, restart
from cpwl_milp.enumeration.workers import Jobs, workers_of
from cpwl_milp.storage.question import Question
from cpwl_milp.storage.run_folder import RunFolder


def enumerate_into(
    path: Path,
    question: Question,
    problem: Problem,
    *,
    resume: bool,
    limits: Limits | None = None,
    progress: ProgressReporter | None = None,
    jobs: Jobs = 1,
    rigorous: bool = False,
    posed: ConditionedProblem | None = None,
) -> tuple[Outcome, CountBounds, Proof | None]:
    """List the regions of a problem into a run folder.

    Parameters
    ----------
    path : Path
        A new or empty folder, or with `resume` that of a run.
    question : Question
        What is asked; its engine and settings (`solver`, `seed`, `bounds`) decide how, and its
        layout whether the affine maps of the output are stored.
    problem : Problem
        The model and domain that the question names.
    resume : bool
        Go on with a run that was interrupted, killed or stopped by a limit.
    limits : Limits, optional
    progress : ProgressReporter, optional
    jobs : int or Workers
        As `enumerate_regions` takes them; may differ from session to session.
    rigorous : bool
        Prove a complete list and leave the certificate in the folder.
    posed : ConditionedProblem, optional
        Of the question's condition: list the regions that meet it. The outcome's layers are
        empty then.

    Returns
    -------
    Outcome
        Of all sessions together.
    CountBounds
        The closed formulas beside it.
    Proof or None
        None where none was asked for, or the list is not complete.

    Raises
    ------
    RunFolderError
        If the folder is of another question, damaged, in use or cannot be written.
    CheckFailedError
        If folder and count disagree, a proved bound is exceeded, or a proof finds the list wrong.
    DomainError, InputError
        If a proof is asked for that is not possible.
    """
    network = problem.network
    if posed is not None:
        _require_plain(rigorous, limits)
    if rigorous:
        require_provable(problem)
    opened = (
        RunFolder.resume(path, question) if resume else RunFolder.create(path, question, versions())
    )
    with opened as run:
        searched = problem if posed is None else posed.extended
        bounds, interrupted = bounds_or_rough_ones(
            searched.network, searched.domain, method=str(question.settings["bounds"])
        )
        own_bounds = bounds if posed is None else posed.own_bounds(bounds)
        formulas = count_bounds(problem.plain, own_bounds.stability(network))
        state = restart(run)
        if interrupted:
            outcome = state.untouched("interrupted")
            finish_run(run, outcome)
            return outcome, formulas, None
        settings = EngineSettings(
            name=question.engine,
            solver=str(question.settings["solver"]),
            seed=int(question.settings["seed"]),
            with_inradii=True,
        )
        known = None if is_stateless(question.engine) else listed_patterns(run)
        engine: Engine
        if posed is None:
            engine = make_engine(problem, bounds, settings, known)
        else:
            engine = ConditionedEngine(posed, bounds, settings, known)
        maps_of = OutputMapsOf(problem.plain) if question.layout.n_outputs is not None else None
        row = network.n_units // 8 + 8 * (1 + network.n_inputs) * (
            1 + (question.layout.n_outputs or 0)
        )
        presented = Presenting(problem, question.layout)
        with RunRecorder(run, maps_of, presented=presented) as recorder:
            outcome = enumerate_regions(
                engine,
                n_layers=len(network.layers) if posed is None else 0,
                roots=state.roots,
                before=state.tally,
                closed=state.closed,
                limits=limits,
                sinks=[recorder],
                progress=progress,
                pace=workers_of(jobs).pace(row, kept=True),
                jobs=jobs,
            )
        # Exceeding a proved bound is a fault that must not pass as an answer.
        outcome.regions(formulas.upper)
        finish_run(run, outcome)
        if not (rigorous and outcome.complete):
            return outcome, formulas, None
        proof = prove_run(run, problem, limits)
        run.finish({**outcome.to_json(), "proof": proof.to_json()})
    return outcome, formulas, proof


def _require_plain(rigorous: bool, limits: Limits | None) -> None:
    """Stop where a condition does not go with what else is asked."""
    for given, what in (
        (rigorous, "a proof"),
        (limits is not None and limits.max_per_layer is not None, "a limit per layer"),
    ):
        if given:
            raise InputError("condition", f"{what} of regions that meet a condition", "neither")
