"""The table of known answers against exact rational arithmetic and closed forms."""

from __future__ import annotations

import pytest

from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from tests.known_answers import KNOWN_ANSWERS, KnownAnswer
from tests.oracles import facet_walk_regions, own_patterns, prefix_patterns
from tests.oracles_arrangement import (
    affine_maps,
    arrangement_regions,
    box_holds_every_cell,
    exact_regions,
    half_open_patterns,
    hyperplanes,
    linear_regions,
)

NAMES = [answer.name for answer in KNOWN_ANSWERS]
LOW = [answer for answer in KNOWN_ANSWERS if answer.box.dim <= 2]
ONE_LAYER = [
    answer for answer in KNOWN_ANSWERS if len(answer.network.layers) == 1 and answer.whole_space
]


def _name(answer: KnownAnswer) -> str:
    return answer.name


def test_names_are_distinct() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("answer", LOW, ids=_name)
def test_low_dimensions_exactly(answer: KnownAnswer) -> None:
    network = answer.network
    regions = exact_regions(network, answer.box)
    patterns = {region.pattern for region in regions}
    assert len(patterns) == len(regions) == answer.regions
    ends = network.offsets[1:]
    assert answer.prefix in (None, tuple(len({p[:end] for p in patterns}) for end in ends))
    slices = [network.layer_bits(k) for k in range(len(network.layers))]
    assert answer.own in (None, tuple(len({p[own] for p in patterns}) for own in slices))
    if answer.thin is not None:
        assert len(half_open_patterns(network, answer.box)) - len(patterns) == answer.thin
    if answer.linear_regions is not None:
        assert linear_regions(regions) == answer.linear_regions
        assert affine_maps(regions) == answer.affine_maps


@pytest.mark.parametrize("answer", ONE_LAYER, ids=_name)
def test_one_layer_in_the_whole_space(answer: KnownAnswer) -> None:
    affine = answer.network.layers[0].affine
    rows = hyperplanes(affine.dense().tolist(), affine.bias.tolist())
    assert arrangement_regions(rows) == answer.regions
    assert box_holds_every_cell(rows, float(answer.box.upper[0]))


@pytest.mark.parametrize(
    "answer",
    [answer for answer in LOW if answer.whole_space and len(answer.network.layers) > 1],
    ids=_name,
)
def test_no_vertex_lies_outside_the_box(answer: KnownAnswer) -> None:
    # A bend outside the box could only come from a hyperplane that crosses a far larger one.
    far = Box.uniform(-1024, 1024, answer.box.dim)
    assert len(exact_regions(answer.network, far)) == answer.regions
    inner = {v for region in exact_regions(answer.network, far) for v in region.vertices}
    limit = answer.box.upper[0]
    assert all(all(abs(c) < limit for c in v) or any(abs(c) == 1024 for c in v) for v in inner)


@pytest.mark.parametrize(
    "answer", [answer for answer in KNOWN_ANSWERS if answer.regions <= 64], ids=_name
)
def test_by_walking_across_facets(answer: KnownAnswer) -> None:
    network: Network = answer.network
    found = facet_walk_regions(network, answer.box)
    assert len(found) == answer.regions
    for layer in range(len(network.layers)):
        if answer.prefix is not None:
            assert len(prefix_patterns(network, found, layer + 1)) == answer.prefix[layer]
        if answer.own is not None:
            assert len(own_patterns(network, found, layer)) == answer.own[layer]
