"""From what was typed after ``terms`` to its answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from cpwl_milp.cli.arguments import checks, question
from cpwl_milp.cli.arguments.requests import ModelRequest
from cpwl_milp.cli.terms import statistics
from cpwl_milp.cli.terms.answer import TermsAnswer, of_points
from cpwl_milp.core.errors import DataError, InputError
from cpwl_milp.core.network import Network
from cpwl_milp.information.labels import as_labels
from cpwl_milp.onnx_io import ImportedModel
from cpwl_milp.storage.arrays import read_array, read_samples
from cpwl_milp.terms.checks import TropicalChecks
from cpwl_milp.terms.comparison import ComparisonSettings, compare_terms
from cpwl_milp.terms.extraction_report import ExtractionReport, report_extraction
from cpwl_milp.terms.gathered import gathered
from cpwl_milp.terms.shifts import require_image
from cpwl_milp.terms.tropical import Tropical

# Numbers that standard output is to carry at most.
_MOST_NUMBERS = 5_000_000


@dataclass(frozen=True)
class TermsRequest:
    """The options, under the names of the command's parameters; `listed` is for --json."""

    model: ModelRequest
    data: str
    labels: str | None
    test: str | None
    test_labels: str | None
    tropical: bool
    shares: int
    repeats: int
    statistics: bool
    against: tuple[Path, ...]
    image: tuple[int, int, int] | None
    shifts: tuple[int, ...]
    rays: int
    ray_cells: int
    codes: bool
    folder: Path | None
    seed: int
    file: Path | None
    listed: bool


@dataclass(frozen=True, eq=False)
class _Points:
    """Points and what they are labelled as."""

    rows: NDArray[Any]
    classes: NDArray[np.int64] | None


def answered(request: TermsRequest) -> TermsAnswer:
    """Read everything, so that what is wrong is told first; then do what was asked."""
    if request.file is not None:
        checks.require_place_for(request.file)
    model = question.load(request.model)
    question.checked(model, None, request.seed)
    network = model.network
    _require_possible(request, network)
    others = [_other(request, path, model) for path in request.against]
    data = _read(model, request.data, request.labels)
    test = None if request.test is None else _read(model, request.test, request.test_labels)
    if request.listed and request.file is None:
        _require_printable(network, len(data.rows))
    tropical = Tropical.of(network) if request.tropical else None
    passed = TropicalChecks()
    answer = of_points(
        model, data.rows, data.classes, request.file, tropical, passed, listed=request.listed
    )
    if tropical is None:
        return answer
    if network.n_outputs > 1:
        answer.reports = _reports(request, network, tropical, answer, data, test, passed)
    else:
        click.echo("note: one output has no classes, so no classifier is extracted", err=True)
    answer.checks += passed.passed
    if request.codes and test is not None and test.classes is not None:
        from cpwl_milp.terms.codes import code_rows

        assert data.classes is not None
        codes = [report.known.patterns for report in answer.reports]
        answer.codes = code_rows(
            network, codes[0], data.classes, codes[1], test.classes, seed=request.seed
        )
    if request.statistics and test is not None:
        asked = ComparisonSettings(
            request.image, request.shifts, request.rays, request.ray_cells, request.seed
        )
        found = compare_terms(asked, network, tropical, answer.reports, others, test.rows)
        answer.statistics = found
        if request.folder is not None:
            answer.files = statistics.write(found, request.folder)
    return answer


def _require_possible(request: TermsRequest, network: Network) -> None:
    if network.n_outputs == 1 and request.test is not None:
        raise InputError(
            str(request.model.path),
            "one output, which has no classes",
            "at least two outputs for --test, --statistics and --codes",
        )
    if request.codes:
        from cpwl_milp.terms.codes import require_scikit_learn

        require_scikit_learn()
    if request.image is not None:
        require_image(request.image, network.n_inputs, request.shifts)


def _read(model: ImportedModel, spec: str, labels: str | None) -> _Points:
    network = model.network
    rows = read_samples(spec, network.n_inputs, input_shape=question.sample_shape(model))
    return _Points(rows, _class_numbers(labels, len(rows), network.n_outputs))


def _class_numbers(spec: str | None, n_points: int, n_outputs: int) -> NDArray[np.int64] | None:
    """Labels as numbers of outputs; names and other numbers in their order, if there are as many.

    Raises
    ------
    DataError
        If the labels cannot be the network's classes.
    """
    if spec is None:
        return None
    labels = as_labels(read_array(spec, text=True), n_points, where=spec)
    known = {str(k): k for k in range(n_outputs)}
    if set(labels.classes) <= set(known):
        numbers = np.array([known[name] for name in labels.classes], dtype=np.int64)
        return numbers[labels.ids]
    if len(labels.classes) != n_outputs:
        raise DataError(
            spec,
            f"{len(labels.classes)} classes ({', '.join(labels.classes[:5])} ...)",
            f"numbers of the network's {n_outputs} outputs, from 0, or as many names",
        )
    click.echo(f"note: {spec}: classes in the order {', '.join(labels.classes)}", err=True)
    return labels.ids


def _require_printable(network: Network, n_points: int) -> None:
    """Stop if standard output is no place for so many numbers."""
    numbers = n_points * network.n_outputs * (network.n_inputs + 1)
    if numbers > _MOST_NUMBERS:
        raise DataError(
            "--json",
            f"{numbers:,} coefficients",
            f"at most {_MOST_NUMBERS:,} on standard output",
            "write them to a file: -o terms.npz",
        )


def _other(request: TermsRequest, path: Path, first: ImportedModel) -> tuple[str, Network]:
    other = question.load(request.model.at(path))
    question.checked(other, None, request.seed)
    here, there = first.network, other.network
    if (here.n_inputs, here.n_outputs) != (there.n_inputs, there.n_outputs):
        raise InputError(
            other.path,
            f"{there.n_inputs} inputs and {there.n_outputs} outputs",
            f"{here.n_inputs} and {here.n_outputs}, as {first.path} has",
        )
    return path.stem, there


def _reports(
    request: TermsRequest,
    network: Network,
    tropical: Tropical,
    answer: TermsAnswer,
    data: _Points,
    test: _Points | None,
    passed: TropicalChecks,
) -> list[ExtractionReport]:
    assert answer.terms is not None
    sets = [("training", answer.terms, data)]
    if test is not None:
        sets.append(("test", gathered(network, test.rows, tropical, passed), test))
    return [
        report_extraction(
            name,
            answer.terms,
            known,
            points.rows,
            points.classes,
            passed,
            n_shares=request.shares,
            n_repeats=request.repeats,
            seed=request.seed,
        )
        for name, known, points in sets
    ]
