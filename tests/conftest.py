"""Fixtures for the whole suite."""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_MODELS = REPOSITORY.parent / "shared" / "models"


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of public networks beside the checkout; skips where it is absent."""
    if not SHARED_MODELS.is_dir():
        pytest.skip("the public networks (../shared/models) are not beside this checkout")
    return SHARED_MODELS
