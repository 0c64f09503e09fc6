"""Answers to standard output: one JSON object, or text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
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


def proof_text(proof: Mapping[str, Any]) -> str:
    """A proof, as answers hold it, in a line."""
    settled = (
        f"{proof['decisions_float']:,} decisions in floats with errors bounded, "
        f"{proof['decisions_rational']:,} in whole numbers; {proof['seconds']:.2f} s"
    )
    if proof["complete"]:
        return f"proved: {settled}"
    return f"not proved ({proof['reason']}): {settled}"
