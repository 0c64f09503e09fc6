"""From the rows of an audit to what the template shows."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cpwl_milp.report.audits.charts import Chart, Series, Span, chart
from cpwl_milp.report.tables import bracket_text, count_text, log10
from cpwl_milp.storage.audit_rows import Row, State

# A picture is part of the file up to this size; a larger one stays in the audit's folder.
_LARGEST_PICTURE = 3_000_000
# Layers beside each other in a chart.
_MOST_LAYERS = 40


@dataclass(frozen=True)
class Headline:
    """A row of the overview: a model in a domain."""

    anchor: str
    label: str
    inputs: int | None
    units: int | None
    domain: str
    state: State
    regions: str
    sorting: float | None
    upper: str
    upper_sorting: float | None
    information: float | None
    seconds: float
    reason: str


@dataclass(frozen=True)
class InDomain:
    """What is known of a model in a domain."""

    name: str
    rows: list[Row]
    count: Mapping[str, Any] | None
    count_row: Row | None
    bounds: Mapping[str, Any] | None
    bracket: str
    chart: Chart | None
    picture: str | None
    picture_note: str


@dataclass(frozen=True)
class OnData:
    """What is known of a model on a data set."""

    name: str
    rows: list[Row]
    information: Mapping[str, Any] | None
    terms: Mapping[str, Any] | None
    chart: Chart | None


@dataclass(frozen=True)
class ModelView:
    """The section of a model."""

    anchor: str
    label: str
    path: str
    sha256: str
    inspected: Mapping[str, Any] | None
    domains: list[InDomain]
    data: list[OnData]
    rows: list[Row]
    notes: list[str]
    reason: str


@dataclass(frozen=True)
class ReportView:
    """Everything on the page."""

    title: str
    source: str
    versions: Mapping[str, str]
    states: list[tuple[State, int]]
    headlines: list[Headline]
    models: list[ModelView]
    ended: str
    seconds: float
    n_rows: int = 0
    all_versions: list[str] = field(default_factory=list)

    @property
    def weighed(self) -> bool:
        """Whether any model was weighed with data."""
        return any(line.information is not None for line in self.headlines)


def report_view(
    about: Mapping[str, Any], rows: Sequence[Row], files: Mapping[str, Path]
) -> ReportView:
    """Arrange rows by model, domain and data.

    Parameters
    ----------
    about : mapping
        `title`, `source`, `versions`.
    rows : sequence of Row
    files : mapping of str to Path
        Where the files of a key lie.
    """
    by_model: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_model.setdefault((row.asked.label, row.asked.path), []).append(row)
    models = [
        _model(f"model-{place}", own, files) for place, own in enumerate(by_model.values(), start=1)
    ]
    states = Counter(row.result.state for row in rows)
    return ReportView(
        title=str(about["title"]),
        source=str(about["source"]),
        versions=about["versions"],
        states=[(state, states[state]) for state in State if states[state]],
        headlines=[line for model in models for line in _headlines(model)],
        models=models,
        ended=max((row.result.ended for row in rows), default=""),
        seconds=sum(row.result.seconds for row in rows),
        n_rows=len(rows),
        all_versions=sorted({row.result.version for row in rows} - {""}),
    )


def _model(anchor: str, rows: list[Row], files: Mapping[str, Path]) -> ModelView:
    asked = rows[0].asked
    first = next((row for row in rows if row.asked.question == "inspect"), None)
    inspected = first.result.answer if first is not None else None
    notes: list[str] = []
    for row in rows:
        notes += [note for note in row.result.notes if note not in notes]
    return ModelView(
        anchor=anchor,
        label=asked.label,
        path=asked.path,
        sha256=asked.sha256,
        inspected=inspected,
        domains=[
            _in_domain(name, [row for row in rows if row.asked.domain == name], files)
            for name in _distinct(row.asked.domain for row in rows)
        ],
        data=[
            _on_data(name, [row for row in rows if row.asked.data == name])
            for name in _distinct(row.asked.data for row in rows)
        ],
        rows=rows,
        notes=notes,
        reason=first.result.reason if first is not None else "",
    )


def _distinct(names: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name]


def _in_domain(name: str, rows: list[Row], files: Mapping[str, Path]) -> InDomain:
    by_question = {row.asked.question: row for row in rows}
    counted = next(
        (by_question[q] for q in ("linear-regions", "count", "enumerate") if q in by_question),
        None,
    )
    with_layers = [
        by_question[q].result.answer
        for q in ("linear-regions", "count")
        if q in by_question and by_question[q].result.answer is not None
    ]
    count = with_layers[0] if with_layers else None
    bounds = by_question["bounds"].result.answer if "bounds" in by_question else None
    drawn = by_question.get("plot")
    picture, note = (None, "") if drawn is None else _picture(drawn, files)
    return InDomain(
        name=name,
        rows=rows,
        count=count,
        count_row=counted,
        bounds=bounds,
        bracket=_bracket(rows),
        chart=_counts_chart(count, bounds),
        picture=picture,
        picture_note=note,
    )


def _best(rows: list[Row]) -> tuple[int | None, int | None]:
    """The largest lower and the least upper bound that any answer gives."""
    answers = [row.result.answer for row in rows if row.result.answer]
    lower = [a["lower"] for a in answers if isinstance(a.get("lower"), int)]
    upper = [a["upper"] for a in answers if isinstance(a.get("upper"), int)]
    return max(lower, default=None), min(upper, default=None)


def _bracket(rows: list[Row]) -> str:
    lower, upper = _best(rows)
    if lower is None:
        return "unknown"
    return bracket_text(lower, upper)


def _picture(row: Row, files: Mapping[str, Path]) -> tuple[str | None, str]:
    """The picture as a data URI, or why there is none.

    As an image, not as elements of the page: its names would meet those of other pictures.
    """
    if row.result.state is State.NOT_APPLICABLE:
        return None, ""
    file = files.get(row.asked.key, Path()) / "regions.svg"
    try:
        content = file.read_bytes()
    except OSError:
        return None, row.result.reason or "no picture yet"
    if len(content) > _LARGEST_PICTURE:
        return None, f"a picture of {len(content):,} bytes lies in the audit's folder: {file}"
    return f"data:image/svg+xml;base64,{base64.b64encode(content).decode('ascii')}", ""


def _counts_chart(
    count: Mapping[str, Any] | None, bounds: Mapping[str, Any] | None
) -> Chart | None:
    """Counts a layer against bounds, as decimal logarithms."""
    source = count or bounds
    if source is None or not source["layers"]:
        return None
    layers = source["layers"][:_MOST_LAYERS]
    found = count["layers"][:_MOST_LAYERS] if count is not None else []
    none = (None,) * len(layers)
    prefix = tuple(
        _span("prefix patterns", layer["prefix_lower"], layer["prefix_upper"]) for layer in found
    )
    own = tuple(_span("own patterns", layer["own_lower"], layer["own_lower"]) for layer in found)
    bound = tuple(
        _span("upper bound", layer["upper_bound"], layer["upper_bound"]) for layer in layers
    )
    return chart(
        "Patterns by layer against the upper bound, on a logarithmic scale",
        [f"layer {layer['layer']}" for layer in layers],
        [
            Series("prefix", "prefix", prefix or none),
            Series("own", "own", own or none),
            Series("upper bound", "bound", bound),
        ],
        logarithmic=True,
    )


def _span(what: str, lower: int | None, upper: int | None) -> Span | None:
    if lower is None or upper is None or upper < 1:
        return None
    text = f"{what}: {bracket_text(lower, upper)}"
    return Span(log10(lower) if lower > 0 else 0.0, log10(upper), text)


def _on_data(name: str, rows: list[Row]) -> OnData:
    answers = {row.asked.question: row.result.answer for row in rows}
    information = answers.get("information")
    return OnData(name, rows, information, answers.get("terms"), _bits_chart(information))


def _bits_chart(information: Mapping[str, Any] | None) -> Chart | None:
    if information is None or not information["layers"]:
        return None
    layers = information["layers"][:_MOST_LAYERS]
    entropy, mutual = [], []
    for layer in layers:
        own = layer["own"]
        bits = own["entropy_bits"]["miller_madow"]
        entropy.append(None if bits is None else Span(bits, bits, f"entropy {bits:.3f} bits"))
        told = (own["mi_labels_bits"] or {}).get("miller_madow")
        mutual.append(None if told is None else Span(told, told, f"I(R;Y) {told:.3f} bits"))
    return chart(
        "Entropy of each layer's pattern and what it tells of the label, in bits",
        [f"layer {layer['layer']}" for layer in layers],
        [
            Series("entropy", "entropy", tuple(entropy)),
            Series("about the label", "mi", tuple(mutual)),
        ],
        logarithmic=False,
    )


def _by_formula(domain: InDomain) -> int | None:
    """The least upper bound by formula, whatever was counted."""
    if domain.bounds is not None:
        return int(domain.bounds["upper"])
    layers = domain.count["layers"] if domain.count is not None else []
    return int(layers[-1]["upper_bound"]) if layers else None


def _headlines(model: ModelView) -> list[Headline]:
    """A row for each domain; one for a model without any."""
    read = (model.inspected or {}).get("model") or {}
    told = [
        layer["own"]["mi_labels_bits"]["miller_madow"]
        for data in model.data
        if data.information is not None
        for layer in data.information["layers"][-1:]
        if layer["own"]["mi_labels_bits"]
    ]
    lines = []
    domains: list[InDomain | None] = [*model.domains]
    for domain in domains or [None]:
        rows = model.rows if domain is None else domain.rows
        lower, upper = _best(rows)
        bound = None if domain is None else _by_formula(domain)
        head = model.rows[0]
        if domain is not None and model.inspected is not None:
            head = domain.count_row or rows[0]
        failed = next((row for row in rows if row.result.state.failed), None)
        reason = model.reason or head.result.reason or (failed.result.reason if failed else "")
        lines.append(
            Headline(
                anchor=model.anchor,
                label=model.label,
                inputs=read.get("n_inputs"),
                units=read.get("n_units"),
                domain="" if domain is None else domain.name,
                state=head.result.state,
                regions="" if lower is None else bracket_text(lower, upper),
                sorting=None if not lower else log10(lower),
                upper="" if bound is None else count_text(bound),
                upper_sorting=None if not bound else log10(bound),
                information=told[0] if told else None,
                seconds=sum(row.result.seconds for row in rows),
                reason=reason,
            )
        )
    return lines
