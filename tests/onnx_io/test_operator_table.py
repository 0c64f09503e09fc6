"""The table of operators in docs/ is the table of the code."""

from __future__ import annotations

import runpy

from tests.conftest import REPOSITORY


def test_the_documented_operators_are_the_operators() -> None:
    script = runpy.run_path(str(REPOSITORY / "scripts" / "operator_table.py"))
    page = (REPOSITORY / "docs" / "operators.md").read_text()
    for row in script["operator_rows"]():
        assert row in page
    assert set(script["NOTES"]) == set(script["OPERATORS"])
