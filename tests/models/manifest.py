"""The manifest of the shipped networks, as plain values."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

MODELS = Path(__file__).resolve().parent.parent.parent / "models"


def entries(kind: str) -> list[dict[str, Any]]:
    """All entries of one kind, `model` or `data`."""
    with (MODELS / "manifest.toml").open("rb") as manifest:
        return tomllib.load(manifest)[kind]


def piecewise_linear_models() -> list[dict[str, Any]]:
    return [entry for entry in entries("model") if entry.get("piecewise_linear", True)]


def other_models() -> list[dict[str, Any]]:
    return [entry for entry in entries("model") if not entry.get("piecewise_linear", True)]
