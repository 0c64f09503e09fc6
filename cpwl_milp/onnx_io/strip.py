"""The final Softmax, Sigmoid or ArgMax that is no part of the piecewise-linear network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx

from cpwl_milp.onnx_io.normalise import check_names, node_name

HEADS = ("Softmax", "LogSoftmax", "Sigmoid", "ArgMax")
# What exporters put between such a head and the output: labels, both class probabilities ...
_TAIL = (
    "ArrayFeatureExtractor",
    "Cast",
    "Concat",
    "Flatten",
    "Identity",
    "Normalizer",
    "Reshape",
    "Squeeze",
    "Sub",
    "Transpose",
    "Unsqueeze",
    "ZipMap",
)


def head_sources(graph: onnx.GraphProto, where: str) -> dict[str, tuple[str, str]]:
    """For each output that ends in a head: the tensor before it, and the node's name.

    An output ends in a head if all its paths back pass through heads with one and the same
    input, and only tail operators follow them. Of several heads in a row (ArgMax of a Softmax)
    the first is where the network ends.
    """
    producer = check_names(graph, where)
    constant = {t.name for t in graph.initializer}
    found = {}
    for output in graph.output:
        cut = _last_head(graph, producer, constant, output.name)
        while cut is not None:
            found[output.name] = cut
            cut = _last_head(graph, producer, constant, cut[0])
    return found


def _last_head(
    graph: onnx.GraphProto, producer: Mapping[str, int], constant: set[str], name: str
) -> tuple[str, str] | None:
    """Input and name of the heads that end every path back from a tensor, if they agree."""
    sources: dict[str, str] = {}
    waiting, seen = [name], set()
    while waiting:
        tensor = waiting.pop()
        if tensor in seen or tensor in constant or not tensor:
            continue
        seen.add(tensor)
        if tensor not in producer:
            return None
        node = graph.node[producer[tensor]]
        if node.op_type in HEADS and node.input:
            sources[node.input[0]] = node_name(node)
        elif node.op_type in _TAIL:
            waiting.extend(node.input)
        elif node.op_type != "Constant":
            return None
    return next(iter(sources.items())) if len(sources) == 1 else None


def stripped(
    outputs: Sequence[onnx.ValueInfoProto], cuts: Mapping[str, tuple[str, str]]
) -> tuple[list[onnx.ValueInfoProto], list[str]]:
    """Outputs with their heads cut off (each tensor once), and a notice for each cut."""
    names: dict[str, onnx.ValueInfoProto] = {}
    notices = []
    for output in outputs:
        if output.name in cuts:
            tensor, node = cuts[output.name]
            names.setdefault(tensor, onnx.ValueInfoProto(name=tensor))
            notices.append(f"cut off {node}: output '{output.name}' is now '{tensor}'")
        else:
            names[output.name] = output
    return list(names.values()), notices
