"""Charts of the report as inline SVG, from numbers alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_LEFT, _TOP, _HEIGHT, _STEP, _BOTTOM = 56.0, 12.0, 170.0, 64.0, 34.0


@dataclass(frozen=True)
class Span:
    """A bar from `low` to `high` (in the chart's units); a point where they are equal."""

    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Series:
    """One kind of mark over all layers; None where a layer has none."""

    name: str
    kind: str
    values: tuple[Span | None, ...]


@dataclass(frozen=True)
class Mark:
    """A mark in the picture's coordinates; `shape` is bar, dot, diamond or line."""

    shape: str
    kind: str
    x: float
    y: float
    height: float
    text: str


@dataclass(frozen=True)
class Tick:
    """A line of the grid."""

    y: float
    text: str


@dataclass(frozen=True)
class Chart:
    """What the template draws."""

    width: float
    height: float
    left: float
    ticks: tuple[Tick, ...]
    labels: tuple[tuple[float, str], ...]
    marks: tuple[Mark, ...]
    legend: tuple[tuple[str, str, float], ...]
    title: str
    base: float


_SHAPES = {"prefix": "bar", "own": "diamond", "bound": "line", "entropy": "bar", "mi": "diamond"}


def chart(
    title: str, labels: Sequence[str], series: Sequence[Series], *, logarithmic: bool
) -> Chart | None:
    """Lay out a chart with a column a layer; None if there is nothing to show.

    Parameters
    ----------
    logarithmic : bool
        Whether values are decimal logarithms of counts, for the text at the grid.
    """
    spans = [span for one in series for span in one.values if span is not None]
    if not spans:
        return None
    top = max(1.0, *(span.high for span in spans))
    step = _grid_step(top)
    top = step * math.ceil(top / step - 1e-9)
    width = _LEFT + max(4.0, len(labels)) * _STEP + 8.0
    base = _TOP + _HEIGHT

    def height(value: float) -> float:
        return base - _HEIGHT * max(0.0, value) / top

    ticks = [
        Tick(height(k * step), _tick_text(k * step, logarithmic))
        for k in range(round(top / step) + 1)
    ]
    places = [_LEFT + _STEP * (k + 0.5) for k in range(len(labels))]
    marks = []
    for one in series:
        for place, span in zip(places, one.values, strict=True):
            if span is None:
                continue
            shape = _SHAPES[one.kind]
            low = height(span.low)
            high = height(span.high)
            if shape == "bar":
                # Solid up to what is known; the open part is drawn above it.
                marks.append(Mark("bar", one.kind, place, low, base - low, span.text))
                if low - high > 0.5:
                    marks.append(Mark("open", one.kind, place, high, low - high, span.text))
            else:
                marks.append(Mark(shape, one.kind, place, high, 0.0, span.text))
    legend = tuple((one.name, one.kind, _LEFT + 120.0 * place) for place, one in enumerate(series))
    return Chart(
        max(width, _LEFT + 120.0 * len(series)),
        base + _BOTTOM + 22.0,
        _LEFT,
        tuple(ticks),
        tuple(zip(places, labels, strict=True)),
        tuple(marks),
        legend,
        title,
        base,
    )


def _grid_step(top: float) -> float:
    for step in (0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500):
        if top / step <= 6:
            return float(step)
    return 10.0 ** math.ceil(math.log10(top / 6))


def _tick_text(value: float, logarithmic: bool) -> str:
    if not logarithmic:
        return f"{value:g}"
    if value <= 4 and value == int(value):
        return f"{10 ** int(value):,}"
    return f"10^{value:g}"
