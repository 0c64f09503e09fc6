"""Shifted images: whether classes and terms move along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.errors import DataError
from cpwl_milp.core.network import Network
from cpwl_milp.terms.extracted import TermSet, extract
from cpwl_milp.terms.gathered import gathered
from cpwl_milp.terms.pairs import Summary, angles
from cpwl_milp.terms.tropical import Tropical


@dataclass(frozen=True)
class ShiftRow:
    """All points shifted by some pixels.

    Attributes
    ----------
    down, right : int
    same_label : float
        Share of points that keep the network's class.
    accuracy : float or None
        Of the network on shifted points.
    extracted_same_label, extracted_accuracy : float, float or None
        The same of the extracted classifier.
    same_pattern : float
        Share of points that keep their pattern.
    angle_to_own : Summary
        Between a point's term and that of the shifted point, in degrees.
    angle_to_shifted : Summary
        Between the point's term, shifted alike, and that of the shifted point.
    """

    down: int
    right: int
    same_label: float
    accuracy: float | None
    extracted_same_label: float
    extracted_accuracy: float | None
    same_pattern: float
    angle_to_own: Summary
    angle_to_shifted: Summary


def shifted(rows: Dense, image: tuple[int, int, int], down: int, right: int) -> Dense:
    """Rows (n, c * h * w) as images moved by some pixels; what comes in is 0."""
    pictures = rows.reshape(-1, *image)
    found = np.zeros_like(pictures)
    h, w = image[1:]
    into = slice(max(0, down), min(h, h + down)), slice(max(0, right), min(w, w + right))
    out_of = slice(max(0, -down), min(h, h - down)), slice(max(0, -right), min(w, w - right))
    found[:, :, into[0], into[1]] = pictures[:, :, out_of[0], out_of[1]]
    return found.reshape(rows.shape)


def require_image(image: tuple[int, int, int], n_inputs: int, pixels: Sequence[int]) -> None:
    """Stop if inputs are not such an image, or a shift leaves nothing of it.

    Raises
    ------
    DataError
    """
    c, h, w = image
    if c * h * w != n_inputs:
        raise DataError("--image", f"{c} x {h} x {w} = {c * h * w} values", f"{n_inputs} inputs")
    if max(pixels) >= min(h, w):
        raise DataError("--shifts", f"{max(pixels)} pixels", f"less than {min(h, w)}, the image")


def shift_statistics(
    network: Network,
    tropical: Tropical,
    training: TermSet,
    known: TermSet,
    points: NDArray[np.generic],
    classes: NDArray[np.int64] | None,
    image: tuple[int, int, int],
    pixels: Sequence[int],
) -> Iterator[ShiftRow]:
    """Shift points by every pair of the given numbers of pixels, up and down, left and right.

    Parameters
    ----------
    network : Network
    tropical : Tropical
        Of it.
    training : TermSet
        What the classifier is extracted from.
    known : TermSet
        The terms of the points.
    points : ndarray, shape (n, n_inputs)
    classes : ndarray of int64, or None
    image : (channels, height, width)
        How a point is laid out.
    pixels : sequence of int
        Shifts above 0; 0 and their negatives are added.
    """
    where = np.asarray(points, dtype=np.float64)
    n_outputs = known.outputs.shape[1]
    before = extract(training, where, n_outputs).labels
    steps = sorted({0, *pixels, *(-p for p in pixels)})
    own = known.linear[:, 1:]
    for down in steps:
        for right in steps:
            if down == right == 0:
                continue
            moved = shifted(where, image, down, right)
            terms = gathered(network, moved, tropical)
            labels = extract(training, moved, n_outputs).labels
            yield ShiftRow(
                down,
                right,
                float((terms.labels == known.labels).mean()),
                None if classes is None else float((terms.labels == classes).mean()),
                float((labels == before).mean()),
                None if classes is None else float((labels == classes).mean()),
                float((terms.patterns == known.patterns).all(axis=1).mean()),
                Summary.of(angles(own, terms.linear[:, 1:])),
                Summary.of(angles(shifted(own, image, down, right), terms.linear[:, 1:])),
            )
