"""What a run folder holds under a condition."""

from __future__ import annotations

from pathlib import Path

from cpwl_milp.counting import CountBounds
from cpwl_milp.engines.choice import is_stateless
from cpwl_milp.enumeration.outcome import Bracket
from cpwl_milp.enumeration.prefixes import Prefixes
from cpwl_milp.storage.run_folder import RunFolder


def listed_prefixes(path: Path, formulas: CountBounds) -> tuple[Bracket, ...]:
    """The prefix patterns 1..l of the regions that a run lists; exact if it is complete.

    Parameters
    ----------
    path : Path
        The folder of a run.
    formulas : CountBounds
        Of the network on the run's domain.

    Raises
    ------
    RunFolderError
        If the folder cannot be read.
    """
    run = RunFolder.read(path)
    prefixes = Prefixes(run.layout.widths, ordered=is_stateless(run.question.engine))
    for batch in run.patterns():
        prefixes.accept_patterns(batch)
    complete = bool(run.outcome and run.outcome["complete"]) and prefixes.exact
    return tuple(
        Bracket(count, count) if complete else Bracket(0, layer.prefix_upper)
        for count, layer in zip(prefixes.counts, formulas.layers, strict=True)
    )
