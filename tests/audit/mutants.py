"""Malformed ONNX files: seeded mutations of good ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from tests.models.manifest import MODELS

_SOUND = (
    *("moons/moons_torch_epoch_0100.onnx", "public/gemm_transB.onnx"),
    *("public/keras_linear_131_relu.onnx", "public/convx1_gemmx1.onnx"),
    *("szt/szt_relu_epoch_0400.onnx", "szt/szt_tanh_epoch_0400.onnx"),
)


def write_mutants(folder: Path, number: int, seed: int = 7) -> None:
    """Write `number` malformed files."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, content in zip(range(number), _mutants(seed), strict=False):
        (folder / f"mutant_{place:04d}.onnx").write_bytes(content)


def _mutants(seed: int) -> Iterator[bytes]:
    dice = random.Random(seed)
    sound = [(MODELS / name).read_bytes() for name in _SOUND]
    while True:
        content = bytearray(dice.choice(sound))
        for _ in range(dice.choice((1, 1, 2, 5, 20))):
            _mutate(content, dice, sound)
        yield bytes(content)


def _mutate(content: bytearray, dice: random.Random, sound: list[bytes]) -> None:
    at = dice.randrange(len(content) + 1)
    # Structure is at the ends and weights are in the middle: meet structure often.
    if dice.random() < 0.5:
        at = min(at, dice.randrange(200)) if dice.random() < 0.5 else len(content) - at % 200
    at = max(0, at)
    size = dice.choice((1, 1, 2, 8, 64))
    kind = dice.randrange(7)
    if kind == 0 and at < len(content):
        content[at] ^= 1 << dice.randrange(8)
    elif kind == 1:
        content[at : at + size] = dice.randbytes(min(size, len(content) - at))
    elif kind == 2:
        del content[at:]
        content += b"\x08" * (not content)
    elif kind == 3:
        content[at:at] = dice.randbytes(size)
    elif kind == 4:
        del content[at : at + size]
    elif kind == 5:
        # A length or dimension that is far too large, as protobuf writes it.
        content[at : at + 5] = b"\xff\xff\xff\xff\x0f"
    else:
        other = dice.choice(sound)
        begin = dice.randrange(len(other))
        content[at:at] = other[begin : begin + dice.choice((16, 256))]
