"""The manifest of the shipped networks, as plain values."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from cpwl_milp.onnx_io import ImportedModel, load_model

MODELS = Path(__file__).resolve().parent.parent.parent / "models"


def entries(kind: str) -> list[dict[str, Any]]:
    """All entries of one kind, `model` or `data`."""
    with (MODELS / "manifest.toml").open("rb") as manifest:
        return tomllib.load(manifest)[kind]


def piecewise_linear_models() -> list[dict[str, Any]]:
    return [entry for entry in entries("model") if entry.get("piecewise_linear", True)]


def smooth_models() -> list[dict[str, Any]]:
    return [entry for entry in entries("model") if not entry.get("piecewise_linear", True)]


def load(entry: dict[str, Any]) -> ImportedModel:
    """Import a network the way its entry says."""
    return load_model(MODELS / entry["file"], strip_output=entry.get("strip_output", False))
