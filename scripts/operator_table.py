"""Write docs/operators.md: the operators that are read, and what becomes of a folder of models.

Usage: python scripts/operator_table.py MODELS_FOLDER [-o docs/operators.md]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from cpwl_milp.core.errors import CpwlError
from cpwl_milp.onnx_io import check_agreement, load_model
from cpwl_milp.onnx_io.interpret import OPERATORS
from cpwl_milp.onnx_io.refusals import JUMPING, SMOOTH

PIECEWISE = "piecewise linear"
AFFINE = "affine"
MOVES = "moves data"

# What becomes of each operator: its kind, and how it is read.
NOTES = {
    "Abs": (PIECEWISE, "one unit of slope -1 an entry"),
    "Clip": (PIECEWISE, "lo + relu(x - lo) - relu(x - hi); all max where min > max"),
    "GlobalMaxPool": (PIECEWISE, "rounds of pairwise maxima, k - 1 units for k entries"),
    "HardSigmoid": (PIECEWISE, "Clip of alpha x + beta to [0, 1]"),
    "LeakyRelu": (PIECEWISE, "one unit of slope alpha; none if alpha is 1"),
    "Max": (PIECEWISE, "max(a, b) = a + relu(b - a); with a constant c + relu(a - c)"),
    "MaxPool": (PIECEWISE, "rounds of pairwise maxima, pairs of overlapping windows shared"),
    "Min": (PIECEWISE, "-max(-a, -b)"),
    "PRelu": (PIECEWISE, "slopes of any sign, constant"),
    "ReduceMax": (PIECEWISE, "as GlobalMaxPool, over the axes"),
    "ReduceMin": (PIECEWISE, "as ReduceMax of -x"),
    "Relu": (PIECEWISE, "one unit of slope 0 an entry"),
    "Shrink": (PIECEWISE, "only bias = lambd (soft shrinkage); others jump"),
    "ThresholdedRelu": (PIECEWISE, "only alpha = 0; others jump"),
    "Add": (AFFINE, "of tensors and constants"),
    "AveragePool": (AFFINE, "pads, auto_pad, ceil_mode, dilations, count_include_pad"),
    "BatchNormalization": (AFFINE, "inference mode, folded in float64"),
    "Conv": (AFFINE, "1-D to 3-D; pads, auto_pad, strides, dilations, groups"),
    "ConvTranspose": (AFFINE, "also output_padding, output_shape"),
    "CumSum": (AFFINE, "constant axis"),
    "Div": (AFFINE, "by non-zero constants"),
    "Einsum": (AFFINE, "one variable operand, no ellipsis, no repeated letter"),
    "Gemm": (AFFINE, "all attributes; either factor constant"),
    "GlobalAveragePool": (AFFINE, ""),
    "MatMul": (AFFINE, "any rank; either factor constant"),
    "Mean": (AFFINE, ""),
    "Mul": (AFFINE, "one factor constant"),
    "Neg": (AFFINE, ""),
    "ReduceMean": (AFFINE, ""),
    "ReduceSum": (AFFINE, ""),
    "Resize": (AFFINE, "nearest, linear, cubic (Upsample too); not tf_crop_and_resize"),
    "Sub": (AFFINE, "of tensors and constants"),
    "Sum": (AFFINE, ""),
    "ai.onnx.ml.LinearRegressor": (AFFINE, "without a post transform"),
    "ai.onnx.ml.Scaler": (AFFINE, ""),
    "Cast": (MOVES, "between floating types; rounding to halves is not modelled"),
    "CastLike": (MOVES, "as Cast"),
    "CenterCropPad": (MOVES, ""),
    "Compress": (MOVES, "constant condition"),
    "Concat": (MOVES, "tensors and constants"),
    "DepthToSpace": (MOVES, "DCR and CRD"),
    "Dropout": (MOVES, "inference only"),
    "Expand": (MOVES, ""),
    "Flatten": (MOVES, ""),
    "Gather": (MOVES, "constant indices"),
    "GatherElements": (MOVES, "constant indices"),
    "GatherND": (MOVES, "constant indices"),
    "Identity": (MOVES, ""),
    "Pad": (MOVES, "constant, reflect, edge, wrap; negative pads crop"),
    "Reshape": (MOVES, "0, -1, allowzero; shapes computed from constants"),
    "ReverseSequence": (MOVES, ""),
    "ScatterElements": (MOVES, "constant indices, no reduction"),
    "ScatterND": (MOVES, "constant indices, no reduction"),
    "Slice": (MOVES, "negative steps, open ends"),
    "SpaceToDepth": (MOVES, ""),
    "Split": (MOVES, ""),
    "Squeeze": (MOVES, ""),
    "Tile": (MOVES, ""),
    "Transpose": (MOVES, ""),
    "Trilu": (MOVES, ""),
    "Unsqueeze": (MOVES, ""),
    "Where": (MOVES, "constant condition only: one that depends on the input may jump"),
}

INTRODUCTION = """# Operators and models

This file is written by `scripts/operator_table.py`.

## Operators that are read

A node whose inputs are all constant is evaluated once, whatever its operator (so graphs that
compute shapes disappear); Shape and Size of any tensor count as constant. All other nodes must
be of these types, with every input constant that would otherwise make a product or a jump.

| operator | kind | how |
|---|---|---|
"""


def operator_rows() -> Iterator[str]:
    """One row for each operator that the import knows."""
    for op in sorted(OPERATORS, key=lambda op: (NOTES[op][0], op)):
        kind, how = NOTES[op]
        yield f"| {op} | {kind} | {how} |"


def model_row(path: Path, folder: Path) -> str:
    """What becomes of one model."""
    name = path.relative_to(folder).as_posix()
    try:
        model = load_model(path)
        agreement = check_agreement(model, None)
    except CpwlError as error:
        reason = str(error).replace(str(path), "").lstrip(":, ").replace("|", "\\|")
        return f"| {name} | | | | refused: {reason} |"
    network = model.network
    layers = " ".join(str(width) for width in network.widths) or "none"
    return (
        f"| {name} | {network.n_inputs} | {network.n_units} | {layers} | "
        f"{agreement.max_relative:.0e} |"
    )


CHECKED_WITH = """\
## What an import is checked with

onnxruntime, in the file's own precision. Where it lacks a kernel in float64 (Conv, pooling,
HardSigmoid, Mean, Resize), it runs a float32 copy and the check is as sharp as for a float32 file;
the weights of the import stay exact. Where it lacks one of opset 6 (Gemm, Add, BatchNormalization,
AveragePool), onnx's reference evaluator stands in. A note says so. What neither can run is refused.

"""


def document(folder: Path) -> str:
    """The whole page."""
    models = "\n".join(model_row(path, folder) for path in sorted(folder.rglob("*.onnx")))
    return (
        INTRODUCTION
        + "\n".join(operator_rows())
        + "\n\n## Operators that are refused\n\n"
        + f"Smooth, not piecewise linear: {', '.join(sorted(SMOOTH))}.\n\n"
        + f"Discontinuous, or not giving real numbers: {', '.join(sorted(JUMPING))}.\n\n"
        + "Control flow (If, Loop, Scan), random numbers, sequences and custom domains. A Softmax, "
        "LogSoftmax,\nSigmoid or ArgMax at the very end is cut off with `--strip-output`.\n\n"
        + CHECKED_WITH
        + "## Public models\n\nThe last column is the largest relative difference from onnxruntime "
        "over outputs and\npre-activations of hidden units on 64 random inputs, or why the model "
        "is refused.\n\n"
        + "| model | inputs | hidden units | by layer | agreement |\n|---|--:|--:|---|---|\n"
        + models
        + "\n"
    )


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/operators.md"))
    arguments = parser.parse_args()
    arguments.output.write_text(document(arguments.models))


if __name__ == "__main__":
    main()
