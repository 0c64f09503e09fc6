"""Samples and volumes beside what a run folder lists: part of ``information``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from cpwl_milp.core.pattern import Bits
    from cpwl_milp.information.volumes import ExactLayer
    from cpwl_milp.partition.samples import SamplePatterns


def weighed(run: Path, samples: SamplePatterns) -> dict[str, Any]:
    """Write the masses of all listed regions; the field ``run``."""
    from cpwl_milp.cli.arguments import question
    from cpwl_milp.partition.run_masses import write_run_masses

    folder = question.stored_run(run)
    complete = bool(folder.outcome and folder.outcome["complete"])
    report = write_run_masses(run, folder.patterns(), samples, complete=complete)
    return {"path": str(run), "complete": complete, **asdict(report)}


def require_listed(run: Path, bits: Bits, layers: Sequence[ExactLayer]) -> dict[str, Any]:
    """Hold the regions whose volumes are known against those that a run lists; the field ``run``.

    Raises
    ------
    RunFolderError
        If the run is incomplete: then nothing exact can be said of its list.
    CheckFailedError
        If the two differ.
    """
    import numpy as np

    from cpwl_milp.cli.arguments import question
    from cpwl_milp.core.errors import CheckFailedError, RunFolderError
    from cpwl_milp.core.pattern import pack, unique
    from cpwl_milp.partition.mass import JoinReport

    folder = question.stored_run(run)
    if not (folder.outcome and folder.outcome["complete"]):
        raise RunFolderError(
            str(run),
            "it is incomplete, so that nothing exact can be said of its regions",
            "a complete enumeration",
            f"continue it: enumerate --resume {run}, or sample: --uniform --draws N",
        )
    known = unique(pack(bits))[0]
    batches = list(folder.patterns())
    listed = unique(np.concatenate(batches))[0] if batches else known[:0]
    if not np.array_equal(known, listed):
        raise CheckFailedError(
            str(run),
            f"it lists {len(listed)} regions, which are not the {len(known)} that have a volume",
            "the same regions",
            "report this as a fault, unless the run is damaged",
        )
    fields: dict[str, Any] = dict.fromkeys(JoinReport.__dataclass_fields__)
    return {
        "path": str(run),
        "complete": True,
        **fields,
        "regions": len(known),
        "own_patterns": [layer.own.regions for layer in layers],
        "prefix_regions": [layer.prefix.regions for layer in layers],
    }
