"""What the pages show is what happens, and what they link to exists."""

from __future__ import annotations

import re
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from cpwl_milp import Affine, Network, count_bounds
from cpwl_milp.bounding import METHODS
from cpwl_milp.cli import main
from scripts import command_reference
from tests.docs.pages import PAGES, REPOSITORY, outcome, workplace

NAMES = [str(page.relative_to(REPOSITORY)) for page in PAGES]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Kernels are there: a run that waits for its kernels writes more, and smaller, parts."""
    model = REPOSITORY / "models" / "moons" / "moons_torch_epoch_0100.onnx"
    run = tmp_path_factory.mktemp("compiled") / "run"
    arguments = ["enumerate", str(model), "--box", "-2,3", "-o", str(run), "--with-maps"]
    assert CliRunner().invoke(main, arguments).exit_code == 0


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_examples_print_what_the_page_says(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    # When this fails for a good reason: python -m tests.docs.pages
    assert outcome(text, workplace(tmp_path)) == text


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?://)([^)\s]+)\)", text)
    for target in targets:
        file, _, anchor = target.partition("#")
        linked = (page.parent / file) if file else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
            assert anchor in slugs, target


def test_every_page_is_reached_from_the_index() -> None:
    index = REPOSITORY / "docs" / "index.md"
    text = index.read_text(encoding="utf-8")
    pages = {page for page in (REPOSITORY / "docs").rglob("*.md") if page != index}
    linked = {(index.parent / t).resolve() for t in re.findall(r"\]\(([^)#\s]+)\)", text)}
    assert pages <= linked


def test_the_command_reference_is_up_to_date() -> None:
    # When this fails: python scripts/command_reference.py
    assert command_reference.PAGE.read_text(encoding="utf-8") == command_reference.page()


def test_bounds_are_explained_by_name() -> None:
    text = (REPOSITORY / "docs" / "explanation" / "bounds.md").read_text(encoding="utf-8")
    network = Network((), Affine(np.eye(2), np.zeros(2)))
    names = {bound.name for bound in count_bounds(network, None, n_zeros=0).bounds} | set(METHODS)
    assert names == set(re.findall(r"^\| `([\w-]+)`", text, re.MULTILINE))


def test_the_readme_names_every_command_and_every_room() -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"^\| `(\w+) (?:MODEL|RUN|run)", text, re.MULTILINE))
    assert commands == set(main.list_commands(click.Context(main)))
    layout = text.partition("## Layout")[2].partition("\n## ")[0]
    rooms = {f.parent.name for f in (REPOSITORY / "cpwl_milp").glob("*/__init__.py")}
    assert rooms == set(re.findall(r"`(\w+)`(?=[^|]*\| )", layout))


def test_make_targets_exist() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for page in (*PAGES, REPOSITORY / "CONTRIBUTING.md"):
        for target in re.findall(r"^make ([\w-]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), (page.name, target)
