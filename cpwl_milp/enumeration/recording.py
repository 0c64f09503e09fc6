"""The sink that writes advances to a run folder, many to a step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import NamedTuple, TypeAlias

import numpy as np

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.exploration import Advance
from cpwl_milp.core.pattern import Packed
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.enumeration.outcome import Outcome, Tally
from cpwl_milp.storage.journal import Step
from cpwl_milp.storage.rows import OutputMaps
from cpwl_milp.storage.run_folder import RunFolder

MapsOf: TypeAlias = Callable[[RegionBatch], OutputMaps]
Presented: TypeAlias = Callable[[RegionBatch], RegionBatch]


class _Rows(NamedTuple):
    """What is to be written of an advance."""

    regions: RegionBatch
    maps: OutputMaps | None


@dataclass(frozen=True)
class _RowsOf:
    """Computes it."""

    maps_of: MapsOf | None
    presented: Presented | None

    def __call__(self, advance: Advance) -> _Rows:
        regions = advance.regions
        if self.presented is not None:
            regions = self.presented(regions)
        maps = self.maps_of(regions) if self.maps_of is not None and len(regions) else None
        return _Rows(regions, maps)


class RunRecorder:
    """Gathers advances and writes them as one step: what a kill loses is simply done again.

    A context manager: leaving it writes what is gathered, except after a failed write.

    Parameters
    ----------
    run : RunFolder
    maps_of : callable, optional
        The output's affine maps of a batch of regions; needed iff the run's layout stores them.
    presented : callable, optional
        What to write of a batch, where its points are not those that readers expect.
    max_regions : int
        Write when so many regions are gathered.
    max_bytes : int
        Write when the gathered rows take so much memory.
    min_seconds, max_seconds : float
        Write at the latest after a sixtieth of the run's time so far, within these bounds: a
        kill costs little, and a run of days leaves thousands of files rather than a hundred
        thousand.
    """

    def __init__(
        self,
        run: RunFolder,
        maps_of: MapsOf | None = None,
        *,
        presented: Presented | None = None,
        max_regions: int = 50_000,
        max_bytes: int = 64 << 20,
        min_seconds: float = 2.0,
        max_seconds: float = 60.0,
    ) -> None:
        if (maps_of is not None) != (run.layout.n_outputs is not None):
            raise ValueError("output maps are computed iff the run's layout stores them")
        self._run = run
        self._maps_of = maps_of
        self._presented = presented
        self._max_regions = max_regions
        self._max_bytes = max_bytes
        self._min_seconds = min_seconds
        self._max_seconds = max_seconds
        self._begin = self._last = time.monotonic()
        self._seconds_before = run.seconds
        self._gathered = _Gathered()

    def accept(self, advance: Advance) -> None:
        """Take one advance, and write a step if it is time to.

        Raises
        ------
        RunFolderError
            If the folder cannot be written.
        """
        self.prepared(advance)()

    def prepared(self, advance: Advance) -> Callable[[], None]:
        """Compute what is to be written of an advance now; it is taken when the result is called.

        Safe in any thread.
        """
        return self.delivery(advance, self.preparation()(advance))

    def preparation(self) -> Callable[[Advance], _Rows]:
        """The computing part, which may be done in another process."""
        return _RowsOf(self._maps_of, self._presented)

    def delivery(self, advance: Advance, prepared: _Rows) -> Callable[[], None]:
        """What is left to do with what was computed of an advance."""
        return partial(self._take, replace(advance, regions=prepared.regions), prepared.maps)

    def _take(self, advance: Advance, maps: OutputMaps | None) -> None:
        self._gathered.add(advance, maps)
        if (
            self._gathered.tally.n_regions >= self._max_regions
            or self._gathered.n_bytes >= self._max_bytes
            or time.monotonic() - self._last >= self._patience()
        ):
            self.flush()

    def flush(self) -> None:
        """Write what is gathered as one step, if it is anything."""
        gathered = self._gathered
        if not gathered.taken or not gathered.whole:
            return
        # First, so that a step whose write failed is never tried again.
        self._gathered = _Gathered()
        thin = np.concatenate(gathered.thin) if gathered.thin else None
        self._run.append(gathered.step(self._seconds()), gathered.regions, thin, gathered.maps)
        self._last = time.monotonic()

    def __enter__(self) -> RunRecorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.flush()

    def _seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._begin

    def _patience(self) -> float:
        return max(self._min_seconds, min(self._max_seconds, self._seconds() / 60))


@dataclass
class _Gathered:
    """The net effect of several advances."""

    # Cubes of the journal that are replaced, and what is left of them.
    taken: list[Cube] = field(default_factory=list)
    open: dict[Cube, None] = field(default_factory=dict)
    parked: list[Cube] = field(default_factory=list)
    unresolved: dict[str, list[Cube]] = field(default_factory=dict)
    regions: list[RegionBatch] = field(default_factory=list)
    maps: list[OutputMaps] = field(default_factory=list)
    thin: list[Packed] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    n_bytes: int = 0
    whole: bool = True

    def add(self, advance: Advance, maps: OutputMaps | None) -> None:
        # An advance taken by half (Ctrl-C, no memory) must never be written.
        self.whole = False
        if advance.cube in self.open:
            del self.open[advance.cube]
        else:
            self.taken.append(advance.cube)
        if advance.unresolved:
            self.unresolved.setdefault(advance.unresolved, []).extend(advance.open)
        else:
            self.open.update(dict.fromkeys(reversed(advance.open)))
        self.parked.extend(advance.parked)
        regions = advance.regions
        if len(regions):
            self.regions.append(regions)
            self.n_bytes += regions.patterns.nbytes + regions.points.nbytes + regions.inradii.nbytes
        if maps is not None:
            self.maps.append(maps)
            self.n_bytes += maps.coefficients.nbytes + maps.bias.nbytes
        if len(advance.thin):
            self.thin.append(advance.thin)
            self.n_bytes += advance.thin.nbytes
        self.tally = self.tally.plus(Tally.of(advance))
        self.whole = True

    def step(self, seconds: float) -> Step:
        return Step(
            taken=tuple(self.taken),
            open=tuple(self.open),
            parked=tuple(self.parked),
            unresolved=tuple((why, tuple(cubes)) for why, cubes in self.unresolved.items()),
            prefix_counts=self.tally.prefix_counts,
            decisions=self.tally.decisions,
            seconds=seconds,
        )


def finish_run(run: RunFolder, outcome: Outcome) -> None:
    """Write into `run.json` how the session ended, after a check that folder and loop agree.

    Raises
    ------
    CheckFailedError
        If the folder holds another number of regions than were counted.
    RunFolderError
        If the folder cannot be written.
    """
    if run.n_regions != outcome.n_regions:
        raise CheckFailedError(
            str(run.path), f"{run.n_regions} regions stored", f"{outcome.n_regions}, as counted"
        )
    run.finish(outcome.to_json())
