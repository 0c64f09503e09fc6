"""``count`` of the regions that meet a condition."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from cpwl_milp.cli.arguments.conditions import ConditionRequest
from cpwl_milp.cli.arguments.requests import EngineRequest, LimitRequest
from cpwl_milp.cli.output import print_json
from cpwl_milp.core.domain import Domain

if TYPE_CHECKING:
    from cpwl_milp.onnx_io import ImportedModel


def count_and_show(
    imported: ImportedModel,
    where: Domain,
    request: ConditionRequest,
    engine: EngineRequest,
    limits: LimitRequest,
    jobs: int,
    cluster: str | None,
    *,
    as_json: bool,
) -> None:
    """Count, print, and end with exit code 3 if the answer is a bracket."""
    from cpwl_milp.census import CountSettings
    from cpwl_milp.cli.arguments import question, workers
    from cpwl_milp.cli.count import answer
    from cpwl_milp.conditions import ConditionedProblem
    from cpwl_milp.engines.choice import chosen_engine
    from cpwl_milp.enumeration.progress import progress_on
    from cpwl_milp.questions import count_regions_where

    condition = request.resolved(imported.network)
    posed = ConditionedProblem.of(imported.network, where, condition)
    who = workers.searchers(chosen_engine(posed.extended, engine.settings()), jobs, cluster)
    settings = CountSettings(engine.settings(), limits.limits(), engine.bound_method, jobs=who)
    count = count_regions_where(posed, settings, progress_on(sys.stderr))
    if as_json:
        described = question.described(imported)
        print_json(answer.as_json(count, None, "all", described, where.describe(), condition))
    else:
        answer.show(count, None, "all", condition)
    if not count.complete:
        click.get_current_context().exit(3)
