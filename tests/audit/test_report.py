"""The report as a document: whole, self-contained, escaped, accessible in its structure."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cpwl_milp.report.audits.charts import Series, Span, chart
from cpwl_milp.report.audits.definitions import DEFINITIONS
from tests.audit.conftest import HOSTILE

VOID = {"meta", "link", "input", "img", "br"}


class Document(HTMLParser):
    """Checks nesting, and keeps what the tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.loose_numbers: list[str] = []
        self._defined = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        assert len(found) == len(attributes), attributes
        self.elements.append((tag, found))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        inside = set(self.open)
        numeric = self.open[-1:] == ["td"] and re.fullmatch(r"\s*[\d,.]+\s*", data)
        if numeric and "svg" not in inside:
            self.loose_numbers.append(data.strip())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [found for name, found in self.elements if name == tag]


@pytest.fixture(scope="module")
def source(audited: Path) -> str:
    return (audited / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def document(source: str) -> Document:
    found = Document(source)
    assert found.open == []
    return found


def test_nothing_is_fetched(document: Document) -> None:
    for tag, found in document.elements:
        for name in ("src", "href", "xlink:href", "data", "action"):
            target = found.get(name)
            assert target is None or target.startswith(("#", "data:")), (tag, target)
    assert {tag for tag, _ in document.elements}.isdisjoint({"iframe", "object", "embed", "base"})
    (policy,) = [m for m in document.named("meta") if "http-equiv" in m]
    assert "default-src 'none'" in (policy["content"] or "")


def test_names_are_text(source: str, document: Document) -> None:
    assert "<img src=x" not in source
    assert HOSTILE in "".join(document.text)
    assert "Moons & <others>" in "".join(document.text)


def test_links_lead_to_one_place_each(document: Document) -> None:
    ids = Counter(found["id"] for _, found in document.elements if "id" in found)
    assert set(ids.values()) == {1}
    targets = {a["href"] for a in document.named("a")}
    assert {t[1:] for t in targets if t} <= set(ids)
    for _, found in document.elements:
        for name in ("aria-labelledby", "aria-controls"):
            assert found.get(name) is None or found[name] in ids


def test_numbers_have_definitions(document: Document) -> None:
    numbers = [f for f in document.named("span") if f.get("class") == "n"]
    assert len(numbers) > 80
    assert all(f["title"] in DEFINITIONS.values() for f in numbers)
    # What stands bare is the number of a layer.
    assert set(document.loose_numbers) <= {"1", "2"}


def test_structure_for_readers_of_all_kinds(document: Document) -> None:
    (page,) = document.named("html")
    assert page["lang"] == "en"
    levels = [int(tag[1]) for tag, _ in document.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    assert all(i.get("alt") for i in document.named("img"))
    assert all(s.get("role") == "img" for s in document.named("svg"))
    assert len(document.named("svg")) >= 3
    assert all("scope" in h for h in document.named("th"))
    assert any((i.get("src") or "").startswith("data:image/svg+xml") for i in document.named("img"))


def test_every_model_has_a_section_and_every_state_is_explained(document: Document) -> None:
    text = "".join(document.text)
    for name in ("moons.onnx", "gemm_transB.onnx", "gone/away.onnx", "333"):
        assert name in text
    assert len([f for f in document.named("section") if f.get("class") == "model"]) == 4
    assert "cpwl-milp count" in text


def test_charts_are_laid_out_in_proportion() -> None:
    spans = (Span(2.0, 2.0, "a"), Span(1.0, 400.0, "b"), None)
    drawn = chart("t", ["1", "2", "3"], [Series("prefix", "prefix", spans)], logarithmic=True)
    assert drawn is not None
    bars = [mark for mark in drawn.marks if mark.shape == "bar"]
    assert bars[0].height == pytest.approx(2 * bars[1].height)
    (open_part,) = [mark for mark in drawn.marks if mark.shape == "open"]
    top = drawn.ticks[-1]
    assert open_part.y >= top.y
    assert open_part.y + open_part.height == pytest.approx(bars[1].y)
    assert top.text == "10^400"
    assert chart("t", ["1"], [Series("prefix", "prefix", (None,))], logarithmic=True) is None
