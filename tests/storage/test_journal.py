from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.errors import RunFolderError
from cpwl_milp.storage.journal import (
    JournalWriter,
    Step,
    decode_cubes,
    encode_cubes,
    read_journal,
)

literals = st.lists(st.integers(-9, 9).filter(bool), max_size=6)
cubes = st.lists(st.builds(Cube.of, literals, st.integers(0, 4)), max_size=5).map(tuple)
steps = st.builds(
    Step,
    taken=cubes,
    open=cubes,
    parked=cubes,
    unresolved=st.lists(st.tuples(st.text(max_size=5), cubes), max_size=2).map(tuple),
    n_regions=st.integers(0, 10**9),
    n_thin=st.integers(0, 5),
    prefix_counts=st.lists(st.integers(0, 10**12), max_size=3).map(tuple),
    decisions=st.dictionaries(st.sampled_from(["tests", "ties"]), st.integers(0, 10**12)),
    seconds=st.integers(0, 10**6).map(lambda k: k / 8),
    part=st.none() | st.integers(1, 10**6),
)


@given(cubes)
def test_front_coding_gives_the_cubes_back(found: tuple[Cube, ...]) -> None:
    assert decode_cubes(encode_cubes(found)) == found


def test_a_depth_first_stack_is_coded_in_a_few_numbers_a_cube() -> None:
    path = list(range(1, 101))
    stack = [Cube.of([*path[:k], -path[k]]) for k in range(100)]
    coded = encode_cubes(stack)
    assert max(len(row) for row in coded) == 4
    assert decode_cubes(coded) == tuple(stack)


@given(st.lists(steps, max_size=4))
@settings(max_examples=50)
def test_a_step_is_one_line_and_comes_back(written: list[Step]) -> None:
    for step in written:
        line = step.encoded()
        assert line.count(b"\n") == 1
        assert Step.decoded(line) == step


def three_steps() -> list[Step]:
    return [
        Step((Cube(),), (Cube.of([1]), Cube.of([-1], 1)), n_regions=k, prefix_counts=(1, k))
        for k in range(3)
    ]


def test_torn_anywhere_the_whole_lines_before_remain(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    written = three_steps()
    lines = [step.encoded() for step in written]
    whole = b"".join(lines)
    ends = [sum(map(len, lines[:k])) for k in range(4)]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        n = sum(1 for end in ends[1:] if end <= cut)
        found = list(read_journal(path))
        assert [step for step, _ in found] == written[:n]
        assert [end for _, end in found] == ends[1 : n + 1]


def test_appending_after_a_tear_cuts_the_torn_line_off(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    first, second, third = three_steps()
    path.write_bytes(first.encoded() + second.encoded()[:-3] + b"\0" * 500)
    ((_, end),) = read_journal(path)
    writer = JournalWriter(path, end)
    assert writer.append(third) == path.stat().st_size
    writer.close()
    assert [step for step, _ in read_journal(path)] == [first, third]


@pytest.mark.parametrize(
    "line",
    [b"nonsense\n", b"{}\n", b"[1]\n", b"null\n", b"\0\0\0\n", b'{"taken":[[0,3]],"regions":0}\n'],
)
def test_a_broken_line_in_the_middle_is_an_error_that_names_it(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "journal.jsonl"
    first, _, third = three_steps()
    path.write_bytes(first.encoded() + line + third.encoded())
    with pytest.raises(RunFolderError, match=r"journal\.jsonl:2: not a step"):
        list(read_journal(path))
    path.write_bytes(first.encoded() + line)
    assert [step for step, _ in read_journal(path)] == [first]


def test_a_missing_journal_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="missing"):
        list(read_journal(tmp_path / "journal.jsonl"))
