"""``enumerate``: list the regions into a run folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cpwl_milp.cli.arguments.conditions import ConditionRequest, condition_options
from cpwl_milp.cli.arguments.options import (
    cluster_option,
    domain_options,
    engine_options,
    jobs_option,
    json_option,
    limit_options,
    optional_model_options,
    rigorous_option,
)
from cpwl_milp.cli.arguments.requests import (
    DomainRequest,
    EngineRequest,
    LimitRequest,
    ModelRequest,
)
from cpwl_milp.cli.output import print_json, proof_text

if TYPE_CHECKING:
    from cpwl_milp.conditions import Condition, ConditionedProblem
    from cpwl_milp.core.domain import Domain
    from cpwl_milp.core.problem import Problem
    from cpwl_milp.counting import CountBounds
    from cpwl_milp.engines.proof import Proof
    from cpwl_milp.enumeration.outcome import Outcome
    from cpwl_milp.onnx_io import ImportedModel
    from cpwl_milp.storage.question import Question


# What may be said of a run that was begun already.
_RESUMABLE = (
    "model_path",
    "resume",
    "max_regions",
    "max_seconds",
    "max_per_layer",
    "jobs",
    "cluster",
    "rigorous",
    "volumes",
    "as_json",
)


@click.command(name="enumerate")
@optional_model_options
@domain_options
@condition_options
@click.option(
    "-o",
    "--output-folder",
    "folder",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="A new or empty folder for the run.",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with a run; MODEL and domain are the run's own.",
)
@click.option(
    "--with-maps", is_flag=True, help="Store the affine map of the output of every region."
)
@engine_options
@limit_options
@jobs_option
@cluster_option
@rigorous_option
@click.option(
    "--exact-volumes",
    "volumes",
    is_flag=True,
    help="Store the volume of every region as a fraction (up to 4 free inputs).",
)
@json_option
def command(
    model: ModelRequest | None,
    domain: DomainRequest,
    condition: ConditionRequest,
    folder: Path | None,
    resume: Path | None,
    with_maps: bool,
    engine: EngineRequest,
    limits: LimitRequest,
    jobs: int,
    cluster: str | None,
    rigorous: bool,
    volumes: bool,
    as_json: bool,
) -> None:
    """List the regions into a run folder.

    RUN/regions/*.parquet gets a row a region: its pattern, an interior point, the inradius and,
    with --with-maps, the affine map of the output. A run that was killed, interrupted or stopped
    by a limit goes on with --resume and ends with the same set.

    With --rigorous a complete list is proved, and RUN/certificate.gz holds the proof: `certify RUN`
    checks it, without the engines, in whole numbers.

    With --exact-volumes RUN/volumes.parquet gets the volume of every region of a complete list as
    a fraction; they add up to the domain's, without rounding.

    With --class, --where or --pattern only the regions are listed that meet the condition (see
    `count`), each with a point of the part that does; RUN keeps the condition.

    \b
    Examples:
      cpwl-milp enumerate network.onnx --box -1,1 -o run
      cpwl-milp enumerate --resume run
      cpwl-milp enumerate network.onnx --box -1,1 -o run --rigorous
    """
    from cpwl_milp.cli.arguments.checks import refuse_others
    from cpwl_milp.cli.arguments.workers import searchers
    from cpwl_milp.enumeration.progress import progress_on
    from cpwl_milp.enumeration.run import enumerate_into

    if condition.given and (rigorous or volumes):
        option = "--rigorous" if rigorous else "--exact-volumes"
        raise click.UsageError(f"--class, --where and --pattern do not go with {option}")
    if condition.given and limits.max_per_layer is not None:
        raise click.UsageError("--class, --where and --pattern do not go with --max-per-layer")
    if resume is not None:
        refuse_others(_RESUMABLE, "--resume, which takes all but limits and MODEL from the run")
        path, task = resume, _taken_up(resume, model)
    else:
        if model is None or folder is None:
            raise click.UsageError("give MODEL, a domain and -o RUN, or --resume RUN")
        path, task = folder, _asked(model, domain, condition, engine, with_maps)
    if volumes:
        from cpwl_milp.partition.exact_volumes import require_exact_volumes

        require_exact_volumes(task.problem)
    outcome, formulas, proof = enumerate_into(
        path,
        task.question,
        task.problem,
        resume=resume is not None,
        limits=limits.limits(),
        progress=progress_on(sys.stderr),
        jobs=searchers(task.question.engine, jobs, cluster),
        rigorous=rigorous,
        posed=task.posed,
    )
    answer = _answer(path, task, outcome, formulas, proof)
    if volumes and outcome.complete:
        from cpwl_milp.enumeration.volumes import record_volumes

        answer["volume"] = str(record_volumes(path, task.problem))
    if as_json:
        print_json(answer)
    else:
        _show(answer)
    unproved = rigorous and (proof is None or not proof.complete)
    if unproved and outcome.complete:
        why = proof.reason if proof is not None else ""
        click.echo(f"note: the list is complete but not proved: {why}", err=True)
    if unproved or not outcome.complete:
        click.get_current_context().exit(3)


class _Task(NamedTuple):
    """What is to be enumerated, and the `model` field of the answer."""

    question: Question
    problem: Problem
    model: dict[str, Any]
    posed: ConditionedProblem | None


def _asked(
    model: ModelRequest,
    domain: DomainRequest,
    condition: ConditionRequest,
    engine: EngineRequest,
    with_maps: bool,
) -> _Task:
    from cpwl_milp.cli.arguments import domains
    from cpwl_milp.cli.arguments import question as typed

    domains.require_named(domain)
    imported = typed.load(model)
    where = domains.resolve(domain, imported)
    typed.checked(imported, where, engine.seed)
    asked = condition.resolved(imported.network)
    return _posed(imported, model.described(), where, asked, engine, with_maps)


def _posed(
    imported: ImportedModel,
    model_options: dict[str, Any],
    where: Domain,
    condition: Condition,
    engine: EngineRequest,
    with_maps: bool,
) -> _Task:
    from cpwl_milp.cli.arguments.question import described
    from cpwl_milp.conditions import ConditionedProblem
    from cpwl_milp.core.problem import Problem
    from cpwl_milp.engines.choice import chosen_engine
    from cpwl_milp.storage.question import Layout, Question

    problem = Problem.of(imported.network, where)
    network = problem.network
    posed = ConditionedProblem.of(imported.network, where, condition) if condition else None
    searched = problem if posed is None else posed.extended
    question = Question(
        model_path=str(Path(imported.path).resolve()),
        model_sha256=imported.sha256,
        model_options=model_options,
        domain=where.describe(),
        engine=chosen_engine(searched, engine.settings(with_inradii=True)),
        settings={
            "solver": engine.solver,
            "seed": engine.seed,
            "bounds": engine.bound_method,
        },
        layout=Layout(
            network.widths,
            problem.plain.n_inputs,
            network.n_outputs if with_maps else None,
            unbounded=not where.bounded,
        ),
        condition=condition.to_json() if condition else {},
    )
    return _Task(question, problem, described(imported), posed)


def _taken_up(resume: Path, model: ModelRequest | None) -> _Task:
    """The question of a run folder; a MODEL given beside it only says where the file is now."""
    from cpwl_milp.cli.arguments import question as typed
    from cpwl_milp.conditions import Condition
    from cpwl_milp.core.domains import domain_from
    from cpwl_milp.storage.run_folder import RunFolder

    stored = RunFolder.read(resume).question
    place = typed.located(resume, stored) if model is None else model.path
    request = ModelRequest.from_description(str(place), stored.model_options)
    imported = typed.load(request)
    where = domain_from(stored.domain, str(resume))
    typed.checked(imported, where)
    engine = EngineRequest(
        stored.engine,
        str(stored.settings["solver"]),
        str(stored.settings["bounds"]),
        int(stored.settings["seed"]),
    )
    with_maps = stored.layout.n_outputs is not None
    condition = Condition.from_json(stored.condition)
    return _posed(imported, request.described(), where, condition, engine, with_maps)


def _answer(
    path: Path, task: _Task, outcome: Outcome, formulas: CountBounds, proof: Proof | None
) -> dict[str, Any]:
    regions = outcome.regions(formulas.upper)
    if task.posed is None:
        layers = outcome.layers([layer.prefix_upper for layer in formulas.layers])
    else:
        from cpwl_milp.questions import listed_prefixes

        layers = listed_prefixes(path, formulas)
    return {
        "schema": "cpwl-milp/enumerate/1",
        "run": str(path),
        "model": task.model,
        "domain": dict(task.question.domain),
        "condition": dict(task.question.condition) or None,
        "engine": task.question.engine,
        "complete": outcome.complete,
        "reason": outcome.reason,
        "regions": outcome.n_regions,
        "lower": regions.lower,
        "upper": regions.upper,
        "thin_patterns": outcome.tally.n_thin if task.question.engine == "milp" else None,
        "layers": [
            {"layer": k + 1, "prefix_lower": bracket.lower, "prefix_upper": bracket.upper}
            for k, bracket in enumerate(layers)
        ],
        "closed": float(outcome.closed),
        "decisions": outcome.tally.decisions,
        "proof": None if proof is None else proof.to_json(),
        "volume": None,
        "seconds": round(outcome.tally.seconds, 3),
    }


def _show(answer: dict[str, Any]) -> None:
    from cpwl_milp.report.tables import bracket_text

    click.echo(f"{answer['regions']:,} regions listed in {answer['run']}")
    if answer["proof"] is not None:
        click.echo(proof_text(answer["proof"]))
    if answer["volume"] is not None:
        click.echo(f"their volumes, fractions in volumes.parquet, add up to {answer['volume']}")
    if not answer["complete"]:
        bracket = bracket_text(answer["lower"], answer["upper"])
        click.echo(f"incomplete ({answer['reason']}): in all {bracket}")
        if answer["engine"] == "sampling":
            click.echo("only an exact engine can list all: begin a new run with --engine tree")
        else:
            click.echo(f"go on with: cpwl-milp enumerate --resume {answer['run']}")
