"""What is wrong with a command line as such, said before anything slow begins."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import click
from click.core import ParameterSource

from cpwl_milp.core.errors import InputError


def refuse_others(allowed: Collection[str], why: str) -> None:
    """Stop if an option other than the `allowed` parameters was typed: it would go unheard.

    Raises
    ------
    click.UsageError
    """
    context = click.get_current_context()
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name not in allowed and source is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{parameter.opts[-1]} does not go with {why}")


def require_place_for(file: Path) -> None:
    """Stop if a file cannot be written there; missing folders above it will be made.

    Raises
    ------
    InputError
    """
    if file.is_dir():
        raise InputError(str(file), "is a folder", "the name of a file")
    above = file.absolute().parent
    while not above.exists():
        above = above.parent
    if not above.is_dir():
        raise InputError(str(file), f"{above} is a file", "a folder to write into")
    if not os.access(above, os.W_OK | os.X_OK):
        raise InputError(str(file), f"{above} cannot be written into", "a folder that can")
