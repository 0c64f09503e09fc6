"""Answers to standard output: one JSON object, or text."""

from __future__ import annotations

import json
import math
from typing import Any

import click


def print_json(answer: dict[str, Any]) -> None:
    """Print one JSON object; NaN and infinities become null, counts stay integers."""
    click.echo(json.dumps(finite(answer), allow_nan=False))


def finite(value: Any) -> Any:
    """The same with null in place of NaN and infinities."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
