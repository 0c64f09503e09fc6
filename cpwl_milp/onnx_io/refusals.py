"""Why an operator is refused, and what would help."""

from __future__ import annotations

from cpwl_milp.core.errors import UnsupportedOperatorError

_SMOOTH_NAMES = """
    Acos Acosh Asin Asinh Atan Atanh Attention Celu Cos Cosh Elu Erf Exp Gelu GlobalLpPool
    GroupNormalization GRU HardSwish InstanceNormalization LayerNormalization Log LogSoftmax
    LpNormalization LpPool LRN LSTM MeanVarianceNormalization Mish Pow Reciprocal ReduceL2
    ReduceLogSum ReduceLogSumExp ReduceProd ReduceSumSquare RMSNormalization RNN Selu Sigmoid
    Sin Sinh Softmax Softplus Softsign Sqrt Swish Tan Tanh
"""
_JUMPING_NAMES = """
    And ArgMax ArgMin Binarizer Ceil DequantizeLinear DynamicQuantizeLinear Equal Floor Greater
    GreaterOrEqual Hardmax IsInf IsNaN Less LessOrEqual Mod NonZero Not OneHot Or QLinearConv
    QLinearMatMul QuantizeLinear Round Sign TreeEnsemble TreeEnsembleClassifier
    TreeEnsembleRegressor Unique Xor
"""
SMOOTH = frozenset(_SMOOTH_NAMES.split())
JUMPING = frozenset(_JUMPING_NAMES.split())


def unsupported(op: str, place: str, hint: str = "") -> UnsupportedOperatorError:
    """The error for an operator that the import does not know.

    Parameters
    ----------
    op : str
        Operator type.
    place : str
        File and node.
    hint : str
        Better advice than the general one.
    """
    if op in SMOOTH:
        found = "is smooth, not piecewise linear"
    elif op in JUMPING:
        found = "is discontinuous or does not give real numbers"
    else:
        found = "is not supported"
    return UnsupportedOperatorError(
        place,
        f"{op} {found}",
        "continuous piecewise-linear operators",
        hint
        or "use Relu, LeakyRelu, Clip, HardSigmoid or another piecewise-linear operator in its "
        "place, or choose an --output before it",
    )
