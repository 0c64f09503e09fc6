"""Compile the engines before jobs need them.

On a fresh installation that takes longer than a short job has, and a job that is killed while it
compiles leaves nothing for the next. ``python -m cpwl_milp.audit.warming`` counts and draws a small
network in each kind of domain.
"""

from __future__ import annotations

import itertools
import logging
import tempfile
import time
from pathlib import Path

from cpwl_milp.audit.jobs import QUESTIONS, Job, Limits
from cpwl_milp.audit.processes import Confined

_LIMITS = Limits(seconds=900.0, memory_mb=4000)
_POLL_SECONDS = 0.05
_SEARCHES = ("ball", "cells", "cells/planar", "tree")
# Compiled kernels load faster; only then is there something to tell.
_TELL_AFTER = 4.0


def needed(jobs: list[Job]) -> bool:
    """Whether any of these jobs searches, and the engines are not seen to be compiled."""
    return any(QUESTIONS[job.question].stops for job in jobs) and not compiled()


def compiled() -> bool:
    """Whether each compiled search lies beside its source, and is younger than all sources.

    Where kernels are kept elsewhere (a package that cannot be written to) this sees none.
    """
    engines = Path(__file__).parent.parent / "engines"
    sources = max(source.stat().st_mtime for source in engines.rglob("*.py"))
    for room in _SEARCHES:
        kept = [
            k.stat().st_mtime for k in (engines / room / "__pycache__").glob("search.search-*.nbi")
        ]
        if not kept or max(kept) < sources:
            return False
    return True


def warm() -> None:
    """Have all engines compiled, in a process of its own; a failure shows in the jobs."""
    told = False
    with tempfile.TemporaryDirectory(prefix="cpwl-milp-") as folder:
        output, errors = Path(folder) / "output", Path(folder) / "errors"
        process = Confined("cpwl_milp.audit.warming", [], _LIMITS, output, errors)
        try:
            while process.poll() is None:
                if process.seconds > _TELL_AFTER and not told:
                    told = True
                    logging.getLogger(__name__).info(
                        "compiling the engines for this machine before jobs start: once"
                    )
                time.sleep(_POLL_SECONDS)
        except BaseException:
            process.stop()
            raise


def _main() -> None:
    import numpy as np

    from cpwl_milp.census import CountSettings, count_regions
    from cpwl_milp.core.affine import Affine
    from cpwl_milp.core.domain import Box, Domain
    from cpwl_milp.core.domains import Ball
    from cpwl_milp.core.network import Layer, Network
    from cpwl_milp.core.problem import Problem
    from cpwl_milp.engines.choice import EngineSettings
    from cpwl_milp.enumeration.listing import list_regions
    from cpwl_milp.partition.outlines import outline_of
    from cpwl_milp.partition.polygons import region_polygons

    random = np.random.default_rng(0)

    def network(n_inputs: int) -> Network:
        sizes = (n_inputs, 5, 5, 1)
        maps = [
            Affine(random.normal(size=(n, m)), random.normal(size=n))
            for m, n in itertools.pairwise(sizes)
        ]
        return Network(tuple(Layer(m, np.zeros(m.n_out)) for m in maps[:-1]), maps[-1])

    asked: tuple[tuple[Domain, str], ...] = (
        (Box.uniform(-1.0, 1.0, 2), "cells"),
        (Box.uniform(-1.0, 1.0, 3), "cells"),
        (Box.uniform(-1.0, 1.0, 3), "tree"),
        (Ball(np.zeros(3), 1.0, "2", "warming"), "auto"),
    )
    for domain, engine in asked:
        problem = Problem.of(network(domain.dim), domain)
        for with_inradii in (False, True):
            settings = EngineSettings(engine, with_inradii=with_inradii)
            if with_inradii:
                regions, _ = list_regions(problem, settings)
                if domain.dim == 2:
                    region_polygons(problem.network, outline_of(problem.domain), regions.patterns)
            else:
                count_regions(problem, CountSettings(settings))


if __name__ == "__main__":
    _main()
