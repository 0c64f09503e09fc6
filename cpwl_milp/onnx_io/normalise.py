"""One form for all graphs: functions inlined, dead parts dropped, nodes sorted, one opset."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence

import onnx
from onnx import checker, inliner, shape_inference, version_converter

from cpwl_milp.core.errors import ModelError, UnsupportedOperatorError

# From opset 21 to the newest, no operator that is read here has changed its signature.
OPSET = 21
_MAX_NODES = 200_000
# Initializers above this size take no part in checks of shapes and conversions.
_LARGE = 1 << 16


def first_line(error: Exception) -> str:
    """What a foreign library has to say, shortened."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:300] + " ..."


def node_name(node: onnx.NodeProto) -> str:
    """How messages call a node."""
    domain = f"{node.domain}." if node.domain else ""
    if node.name:
        return f"{domain}{node.op_type} node '{node.name}'"
    made = next((name for name in node.output if name), "")
    return f"{domain}{node.op_type} node that makes '{made}'"


def inlined(model: onnx.ModelProto, where: str) -> onnx.ModelProto:
    """The model with its local functions expanded.

    Raises
    ------
    ModelError
        If a function overrides a standard operator, calls itself, or expands beyond measure.
    """
    if not model.functions:
        return model
    functions = {(f.domain, f.name): f for f in model.functions}
    for domain, name in functions:
        if domain in ("", "ai.onnx"):
            raise ModelError(where, f"a function that overrides the standard operator {name}")
    cost = _expanded_sizes(functions, where)
    total = sum(cost.get((n.domain, n.op_type), 1) for n in model.graph.node)
    if total > _MAX_NODES:
        raise ModelError(where, f"functions that expand to {total:,} nodes", f"{_MAX_NODES:,}")
    try:
        return inliner.inline_local_functions(model, convert_version=True)
    except Exception as error:  # a C++ library: any exception means it gave up
        raise ModelError(where, f"its functions do not expand: {first_line(error)}") from error


def _expanded_sizes(
    functions: Mapping[tuple[str, str], onnx.FunctionProto], where: str
) -> dict[tuple[str, str], int]:
    """Nodes that one call of each function expands to."""
    size: dict[tuple[str, str], int] = {}
    waiting = dict(functions)
    while waiting:
        ready = [
            key
            for key, f in waiting.items()
            if not any((n.domain, n.op_type) in waiting for n in f.node)
        ]
        if not ready:
            names = ", ".join(name for _, name in waiting)
            raise ModelError(where, f"functions that call themselves: {names}")
        for key in ready:
            body = waiting.pop(key).node
            size[key] = sum(size.get((n.domain, n.op_type), 1) for n in body)
    return size


def check_names(graph: onnx.GraphProto, where: str) -> dict[str, int]:
    """Which node makes each name; every name must be made once.

    Raises
    ------
    ModelError
        If two nodes, inputs or initializers give the same name.
    """
    initializers = [t.name for t in graph.initializer]
    twice = _first_repeated(initializers)
    if twice is not None:
        raise ModelError(where, f"two initializers named '{twice}'", "one")
    twice = _first_repeated([i.name for i in graph.input])
    if twice is not None:
        raise ModelError(where, f"two inputs named '{twice}'", "one")
    taken = {*initializers, *(i.name for i in graph.input)}
    producer: dict[str, int] = {}
    for k, node in enumerate(graph.node):
        for name in node.output:
            if not name:
                continue
            if name in producer or name in taken:
                raise ModelError(
                    f"{where}, {node_name(node)}",
                    f"'{name}' is produced twice",
                    "one producer for each name",
                )
            producer[name] = k
    return producer


def _first_repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def pruned(
    model: onnx.ModelProto, outputs: Sequence[onnx.ValueInfoProto], where: str
) -> onnx.ModelProto:
    """A model with only the nodes that reach `outputs`, in an order that can be run.

    Raises
    ------
    ModelError
        If a value is never produced or the graph has a cycle.
    """
    graph = model.graph
    producer = check_names(graph, where)
    given = {t.name for t in graph.initializer} | {i.name for i in graph.input}
    live: set[int] = set()
    stack = []
    for output in outputs:
        if output.name in producer:
            stack.append(producer[output.name])
        elif output.name not in given:
            raise ModelError(where, f"output '{output.name}' is never produced")
    waits: dict[int, int] = {}
    readers: dict[int, list[int]] = {}
    while stack:
        k = stack.pop()
        if k in live:
            continue
        live.add(k)
        sources = set()
        for name in graph.node[k].input:
            if name in producer:
                sources.add(producer[name])
            elif name and name not in given:
                raise ModelError(
                    f"{where}, {node_name(graph.node[k])}",
                    f"its input '{name}' is neither an input, an initializer nor produced",
                    hint="the file is incomplete",
                )
        waits[k] = len(sources)
        for source in sources:
            readers.setdefault(source, []).append(k)
            stack.append(source)
    order = []
    ready = [k for k in live if waits[k] == 0]
    heapq.heapify(ready)
    while ready:
        k = heapq.heappop(ready)
        order.append(k)
        for reader in readers.get(k, []):
            waits[reader] -= 1
            if waits[reader] == 0:
                heapq.heappush(ready, reader)
    if len(order) < len(live):
        stuck = min(live.difference(order))
        raise ModelError(f"{where}, {node_name(graph.node[stuck])}", "the graph has a cycle here")
    read = {name for k in order for name in graph.node[k].input} | {o.name for o in outputs}
    result = onnx.ModelProto()
    result.ir_version = model.ir_version
    result.opset_import.extend(model.opset_import)
    result.graph.name = graph.name or "graph"
    result.graph.node.extend(graph.node[k] for k in order)
    result.graph.initializer.extend(t for t in graph.initializer if t.name in read)
    names = {t.name for t in graph.initializer}
    result.graph.input.extend(i for i in graph.input if i.name not in names)
    result.graph.output.extend(outputs)
    return result


def refuse_foreign_nodes(graph: onnx.GraphProto, where: str) -> None:
    """Refuse what must not even be started: control flow, custom domains, random numbers.

    Raises
    ------
    UnsupportedOperatorError
    """
    for node in graph.node:
        place = f"{where}, {node_name(node)}"
        if any(a.HasField("g") or a.graphs for a in node.attribute):
            raise UnsupportedOperatorError(
                place,
                "control flow is not supported",
                "a graph without If, Loop and Scan",
                "export the model with a fixed shape, or choose an --output before the node",
            )
        if node.domain not in ("", "ai.onnx.ml"):
            raise UnsupportedOperatorError(
                place,
                f"operator of the custom domain '{node.domain}'",
                "standard ONNX operators",
                "export without custom or fused operators",
            )
        if not onnx.defs.has(node.op_type, node.domain):
            raise UnsupportedOperatorError(
                place,
                f"no ONNX operator is called '{node.op_type}'",
                hint="the exporter wrote an operator of its own; export with standard ones",
            )
        if node.op_type in ("Bernoulli", "Multinomial") or node.op_type.startswith("Random"):
            raise UnsupportedOperatorError(place, "its output is random", "a deterministic network")
        if node.op_type.startswith(("Sequence", "Optional")):
            raise UnsupportedOperatorError(
                place, "sequences and optionals are not supported", "tensors"
            )


def converted(model: onnx.ModelProto, where: str) -> onnx.ModelProto:
    """The pruned model, checked, and brought up to opset 21 (newer ones stay as they are).

    Large initializers become inputs for the while: neither check nor conversion needs their
    values, and both would copy them.

    Raises
    ------
    ModelError
        If onnx's checker or converter refuses the model.
    """
    light = onnx.ModelProto()
    light.ir_version = max(model.ir_version, 4)  # initializers need not be inputs from 4 on
    light.opset_import.extend(model.opset_import)
    light.graph.name = model.graph.name
    light.graph.node.extend(model.graph.node)
    light.graph.input.extend(model.graph.input)
    for tensor in model.graph.initializer:
        if tensor.ByteSize() > _LARGE and tensor.data_type in (1, 10, 11, 16):
            light.graph.input.append(
                onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            )
        else:
            light.graph.initializer.append(tensor)
    light.graph.output.extend(_typed_outputs(light, model.graph.output))
    try:
        # Shapes and types are inferred node by node later, where a misfit has a name.
        checker.check_model(light)
    except Exception as error:  # ValidationError, or a bare RuntimeError from C++
        raise ModelError(where, f"not valid ONNX: {first_line(error)}") from error
    version = next((e.version for e in light.opset_import if e.domain == ""), OPSET)
    if version >= OPSET or not any(node.domain == "" for node in light.graph.node):
        return light
    try:
        return version_converter.convert_version(light, OPSET)
    except Exception as error:  # a C++ library: any exception means it gave up
        raise ModelError(
            where,
            f"opset {version} cannot be converted to {OPSET}: {first_line(error)}",
            hint=f"re-export the model with opset {OPSET} or newer",
        ) from error


def _typed_outputs(
    light: onnx.ModelProto, outputs: Iterable[onnx.ValueInfoProto]
) -> list[onnx.ValueInfoProto]:
    """Outputs of declared type but inferred shape: declared shapes are often wrong."""
    try:
        inferred = shape_inference.infer_shapes(light).graph.value_info
    except Exception:  # what is wrong, the checker will say
        inferred = []
    types = {entry.name: entry.type.tensor_type for entry in [*light.graph.input, *inferred]}
    types |= {
        t.name: onnx.helper.make_tensor_type_proto(t.data_type, t.dims).tensor_type
        for t in light.graph.initializer
    }
    typed = []
    for output in outputs:
        if output.type.WhichOneof("value") not in (None, "tensor_type"):
            typed.append(output)  # a ZipMap's sequence of maps: its operator will be refused
            continue
        declared = output.type.tensor_type
        found = types.get(output.name, declared)
        entry = onnx.ValueInfoProto(name=output.name)
        kind = entry.type.tensor_type
        kind.elem_type = declared.elem_type or found.elem_type or onnx.TensorProto.FLOAT
        kind.shape.CopyFrom(found.shape)
        typed.append(entry)
    return typed
