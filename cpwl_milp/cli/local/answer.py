"""The answer of ``local``: what was found, and what it was asked of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cpwl_milp.local.measures import Tables
from cpwl_milp.local.point_sets import PointSet
from cpwl_milp.local.survey import LocalSettings, Survey

if TYPE_CHECKING:
    from cpwl_milp.onnx_io import ImportedModel


@dataclass(frozen=True, eq=False)
class LocalAnswer:
    """What was found, and what it was asked of.

    Attributes
    ----------
    models : sequence of ImportedModel
    sets : sequence of PointSet
        The first is the data.
    settings : LocalSettings
    survey : Survey
    everywhere : sequence of int or None
        Serra's bound of each network on the whole space.
    """

    models: Sequence[ImportedModel]
    sets: Sequence[PointSet]
    settings: LocalSettings
    survey: Survey
    everywhere: Sequence[int | None]

    @property
    def complete(self) -> bool:
        """Whether every count that was asked for is exact."""
        counted = self.settings.limits is not None
        return not counted or all(one.count.complete for one in self.survey.found)

    @cached_property
    def names(self) -> list[str]:
        """Short names of the models, all different."""
        names = [Path(model.path).stem for model in self.models]
        if len(set(names)) < len(names):
            names = [str(Path(model.path).with_suffix("")) for model in self.models]
        return [name[_common(names) :] for name in names]

    @cached_property
    def tables(self) -> Tables:
        """Values by group."""
        return Tables(self.survey)


def _common(names: Sequence[str]) -> int:
    """How much the names of checkpoints say alike: epoch_0001, epoch_0100."""
    same = 0
    for letters in zip(*names, strict=False):
        if len(set(letters)) > 1:
            break
        same += 1
    return max(names[0][:same].rfind(mark) + 1 for mark in "_-/.") if len(names) > 1 else 0
