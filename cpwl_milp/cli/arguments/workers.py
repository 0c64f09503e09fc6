"""Who is to work: threads of this process, processes on this machine, or those of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cpwl_milp.cluster.connection import Cluster
    from cpwl_milp.enumeration.workers import Jobs

_LOCAL = "local"


def searchers(engine: str, jobs: int, cluster: str | None) -> Jobs:
    """Who searches, as --jobs and --cluster ask; they are let go when the command ends.

    Parameters
    ----------
    engine : str
        One that can use one worker only says so.
    jobs : int
    cluster : str or None
    """
    from cpwl_milp.engines.choice import is_stateless

    if not is_stateless(engine):
        if jobs != 1 or cluster is not None:
            click.echo(f"note: the {engine} engine runs as one job", err=True)
        return 1
    if cluster is None:
        return jobs
    from cpwl_milp.enumeration.spreading import ClusterWorkers

    return ClusterWorkers(connected(cluster, jobs))


def connected(cluster: str, jobs: int) -> Cluster:
    """The cluster that --cluster names, until the command ends."""
    from cpwl_milp.cluster.connection import Cluster
    from cpwl_milp.enumeration.workers import resolved_jobs

    context = click.get_current_context()
    typed = context.get_parameter_source("jobs") is click.core.ParameterSource.COMMANDLINE
    if cluster == _LOCAL:
        n_workers = resolved_jobs(jobs if typed else 0)
        return context.with_resource(Cluster.local(n_workers))
    if typed:
        raise click.UsageError("--jobs is for --cluster local; an ADDRESS has its own workers")
    return context.with_resource(Cluster.at(cluster))
