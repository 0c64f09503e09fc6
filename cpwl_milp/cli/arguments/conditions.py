"""Conditions on regions, as typed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cpwl_milp.core.errors import InputError

if TYPE_CHECKING:
    from cpwl_milp.conditions import Condition
    from cpwl_milp.core.network import Network


@dataclass(frozen=True)
class ConditionRequest:
    """What a region must meet, as typed."""

    class_: int | None
    where: tuple[str, ...]
    pattern: tuple[str, ...]

    @property
    def given(self) -> bool:
        """Whether anything was typed."""
        return self.class_ is not None or bool(self.where) or bool(self.pattern)

    def resolved(self, network: Network) -> Condition:
        """The condition, checked against the network.

        Raises
        ------
        InputError
            If it cannot be read, or names what the network has not.
        """
        from cpwl_milp.conditions import Condition
        from cpwl_milp.conditions.parsing import parsed_inequality, parsed_pattern

        found = Condition(
            tuple(parsed_inequality(text) for text in self.where),
            tuple(k for text in self.pattern for k in parsed_pattern(_literals(text))),
        )
        if self.class_ is not None:
            found = found & Condition.of_class(self.class_, network.n_outputs)
        found.require_fits(network)
        return found


def condition_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --class, --where and --pattern; the command gets `condition`."""

    @click.option(
        "--class",
        "class_",
        type=click.IntRange(min=0),
        metavar="K",
        help="Only regions where output K (from 0) is somewhere larger than all others.",
    )
    @click.option(
        "--where",
        multiple=True,
        metavar="INEQUALITY",
        help="Only regions that meet it, as 'y0 - 2*y1 > 0.5' or 'x3 + y0 <= 1' (all of several).",
    )
    @click.option(
        "--pattern",
        multiple=True,
        metavar="L.U=BIT,...|FILE",
        help="Only regions with these bits: unit U (from 0) of layer L (from 1).",
    )
    @functools.wraps(command)
    def gathered(
        class_: int | None, where: tuple[str, ...], pattern: tuple[str, ...], **rest: Any
    ) -> Any:
        return command(condition=ConditionRequest(class_, where, pattern), **rest)

    return gathered


def _literals(text: str) -> str:
    """The literals typed, or those of a file: one or more on a line."""
    if "=" in text:
        return text
    try:
        lines = Path(text).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(
            f"--pattern {text}", error.strerror or str(error), "1.3=1,2.0=0 or a file of such bits"
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"--pattern {text}", "not a text", "bits such as 1.3=1") from None
    return ",".join(line for line in lines if line.strip())
