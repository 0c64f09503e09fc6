"""Broken and hostile files: each ends in one clear line, quickly and without taking memory."""

from __future__ import annotations

import gzip
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cpwl_milp.core.errors import CpwlError, ModelError, UnsupportedOperatorError
from cpwl_milp.onnx_io import check_agreement, load_model
from tests.onnx_io.graphs import FLOAT, mlp, model, node, save, value

W = np.ones((3, 2), np.float32)
X = value("x", [1, 3])


def bytes_of(content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "model.onnx"
        path.write_bytes(content)
        return path

    return write


def proto(build: Callable[[], onnx.ModelProto]) -> Callable[[Path], Path]:
    return lambda folder: save(build(), folder)


def changed(change: Callable[[onnx.ModelProto], None]) -> Callable[[Path], Path]:
    """The sound network with one thing wrong."""

    def build() -> onnx.ModelProto:
        sound = mlp()
        change(sound)
        return sound

    return proto(build)


def external(
    location: str = "w.bin", prepare: Callable[[Path], None] | None = None, **entries: str
) -> Callable[[Path], Path]:
    """One weight (24 bytes) in an external file; the file is sound unless `prepare` says else."""

    def write(folder: Path) -> Path:
        folder = folder / "inner"
        folder.mkdir()
        (folder / "w.bin").write_bytes(W.tobytes())
        (folder.parent / "outside.bin").write_bytes(W.tobytes())
        if prepare is not None:
            prepare(folder)
        built = model([node("MatMul", ["x", "w"], ["y"])], constants={"w": W})
        tensor = built.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, text in {"location": location, **entries}.items():
            tensor.external_data.add(key=key, value=text)
        return save(built, folder)

    return write


def unfold(name: str, dims: list[int], raw: bytes | None = b"") -> Callable[[Path], Path]:
    """A weight whose dimensions are not those of its data."""

    def change(m: onnx.ModelProto) -> None:
        tensor = m.graph.initializer[0]
        del tensor.dims[:]
        tensor.dims.extend(dims)
        tensor.ClearField("raw_data")
        if raw is not None:
            tensor.raw_data = raw

    return changed(change)


def poisoned(bad: float) -> Callable[[Path], Path]:
    def change(m: onnx.ModelProto) -> None:
        array = numpy_helper.to_array(m.graph.initializer[2]).copy()
        array[0, 0] = bad
        m.graph.initializer[2].CopyFrom(numpy_helper.from_array(array, "w1"))

    return changed(change)


def one(
    op: str,
    shape: list[int],
    constants: dict[str, object] | None = None,
    opset: int = 17,
    **attributes: object,
) -> Callable[[Path], Path]:
    """A single operator on x, its other inputs constant."""
    given = {k: np.asarray(v) for k, v in (constants or {}).items()}
    return proto(
        lambda: model(
            [node(op, ["x", *given], ["y"], **attributes)],
            [value("x", shape)],
            constants=given,
            opset=opset,
        )
    )


def batch_norm(variance: float, epsilon: float = 1e-5) -> Callable[[Path], Path]:
    ones = np.ones(3, np.float32)
    return one(
        "BatchNormalization",
        [1, 3],
        {"s": ones, "b": ones, "m": ones, "v": np.full(3, variance, np.float32)},
        epsilon=epsilon,
    )


def subgraph(op: str) -> Callable[[Path], Path]:
    def build() -> onnx.ModelProto:
        if op == "If":
            branch = helper.make_graph([node("Relu", ["x"], ["r"])], "b", [], [value("r", [1, 3])])
            nodes = [
                node("ReduceSum", ["x"], ["s"], keepdims=0),
                node("Cast", ["s"], ["c"], to=TensorProto.BOOL),
                node("If", ["c"], ["y"], then_branch=branch, else_branch=branch),
            ]
            return model(nodes)
        body = helper.make_graph(
            [node("Identity", ["go_in"], ["go"]), node("Relu", ["v_in"], ["v"])],
            "body",
            [
                value("i", [], TensorProto.INT64),
                value("go_in", [], TensorProto.BOOL),
                value("v_in", [1, 3]),
            ],
            [value("go", [], TensorProto.BOOL), value("v", [1, 3])],
        )
        loop = node("Loop", ["", "true", "x"], ["y"], body=body)
        return model([loop], constants={"true": np.array(True)})

    return proto(build)


def with_function(kind: str) -> Callable[[Path], Path]:
    def build() -> onnx.ModelProto:
        ids = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
        domain, name = ("", "Relu") if kind == "override" else ("mine", "F")
        body = {
            "override": [node("Neg", ["a"], ["b"])],
            "recursive": [node("F", ["a"], ["b"], domain="mine")],
        }.get(kind, [])
        functions = []
        if kind == "bomb":
            for k in range(40):
                inner = f"F{k + 1}" if k < 39 else "Relu"
                at = {"domain": "mine"} if k < 39 else {}
                functions.append(
                    helper.make_function(
                        "mine",
                        f"F{k}",
                        ["a"],
                        ["b"],
                        [node(inner, ["a"], ["t"], **at), node(inner, ["t"], ["b"], **at)],
                        ids,
                    )
                )
            name = "F0"
        else:
            functions.append(helper.make_function(domain, name, ["a"], ["b"], body, ids))
        built = model([node(name, ["x"], ["y"], domain=domain)], functions=functions)
        built.opset_import.append(helper.make_opsetid("mine", 1))
        return built

    return proto(build)


def doubling(times: int) -> Callable[[Path], Path]:
    nodes = [node("Concat", [f"t{k}"] * 2, [f"t{k + 1}"], axis=1) for k in range(times)]
    nodes[0].input[:] = ["x", "x"]
    nodes.append(node("Identity", [f"t{times}"], ["y"]))
    return proto(lambda: model(nodes))


def ones_of(size: int) -> Callable[[Path], Path]:
    nodes = [
        node("ConstantOfShape", ["n"], ["c"]),
        node("ReduceSum", ["c"], ["s"], keepdims=0),
        node("Add", ["x", "s"], ["y"]),
    ]
    return proto(lambda: model(nodes, constants={"n": np.array([size])}))


def set_ir(m: onnx.ModelProto) -> None:
    m.ir_version = 999


def set_opset(version: int) -> Callable[[Path], Path]:
    def change(m: onnx.ModelProto) -> None:
        m.opset_import[0].version = version

    return changed(change)


def two_opsets(m: onnx.ModelProto) -> None:
    m.opset_import.append(helper.make_opsetid("", 13))


def rename_input(m: onnx.ModelProto) -> None:
    m.graph.node[2].input[0] = "nowhere"


def duplicate_initializer(m: onnx.ModelProto) -> None:
    m.graph.initializer.append(m.graph.initializer[0])


def two_producers(m: onnx.ModelProto) -> None:
    m.graph.node.append(node("Neg", ["x"], ["z0"]))


def shadowing(m: onnx.ModelProto) -> None:
    m.graph.node.append(node("Neg", ["x"], ["w0"]))


def cycle(m: onnx.ModelProto) -> None:
    m.graph.node[0].input[0] = "a1"


def self_loop(m: onnx.ModelProto) -> None:
    m.graph.node[0].input[0] = "z0"


def output_missing(m: onnx.ModelProto) -> None:
    m.graph.output[0].name = "nothing"


def unknown_attribute(m: onnx.ModelProto) -> None:
    m.graph.node[0].attribute.append(helper.make_attribute("colour", 3))


def duplicate_attribute(m: onnx.ModelProto) -> None:
    m.graph.node[0].attribute.extend([helper.make_attribute("alpha", 1.0)] * 2)


def wrong_attribute_type(m: onnx.ModelProto) -> None:
    m.graph.node[0].attribute.append(helper.make_attribute("transB", "yes"))


def missing_input(m: onnx.ModelProto) -> None:
    del m.graph.node[0].input[1:]


def bad_shape(m: onnx.ModelProto) -> None:
    m.graph.node[0].attribute.append(helper.make_attribute("transB", 1))


def wrong_output_type(m: onnx.ModelProto) -> None:
    m.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def double_input(m: onnx.ModelProto) -> None:
    m.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def int_input(m: onnx.ModelProto) -> None:
    m.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64


def dtype_99(m: onnx.ModelProto) -> None:
    m.graph.initializer[0].data_type = 99


def no_outputs(m: onnx.ModelProto) -> None:
    del m.graph.output[:]


def no_type(m: onnx.ModelProto) -> None:
    m.graph.input[0].ClearField("type")


def unknown_rank(m: onnx.ModelProto) -> None:
    m.graph.input[0].type.tensor_type.ClearField("shape")


def set_dim(axis: int, size: int | str) -> Callable[[Path], Path]:
    def change(m: onnx.ModelProto) -> None:
        dim = m.graph.input[0].type.tensor_type.shape.dim[axis]
        if isinstance(size, str):
            dim.dim_param = size
        else:
            dim.dim_value = size

    return changed(change)


def sparse(m: onnx.ModelProto) -> None:
    values = numpy_helper.from_array(np.ones(1, np.float32), "w9")
    index = numpy_helper.from_array(np.array([0]), "i9")
    m.graph.sparse_initializer.append(helper.make_sparse_tensor(values, index, [4]))


def foreign(domain: str, declare: bool) -> Callable[[Path], Path]:
    def build() -> onnx.ModelProto:
        built = model([node("FusedGemm", ["x"], ["y"], domain=domain)])
        if declare:
            built.opset_import.append(helper.make_opsetid(domain, 1))
        return built

    return proto(build)


def link(target: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        (folder / "w.bin").unlink()
        (folder / "w.bin").symlink_to(target)

    return prepare


def no_inputs() -> onnx.ModelProto:
    return model([node("Identity", ["c"], ["y"])], [], constants={"c": W})


def sequence_input() -> onnx.ModelProto:
    info = helper.make_tensor_sequence_value_info("x", FLOAT, [1, 3])
    return model([node("SequenceLength", ["x"], ["y"])], [info])


CASES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "empty": (bytes_of(b""), "empty file"),
    "truncated": (bytes_of(mlp().SerializeToString()[:-40]), "not an ONNX model, or a truncated"),
    "random": (bytes_of(np.random.default_rng(0).bytes(5000)), "not an ONNX model|no graph"),
    "html": (bytes_of(b"<!DOCTYPE html><html></html>"), "HTML"),
    "lfs": (bytes_of(b"version https://git-lfs.github.com/spec/v1\noid sha256:00"), "Git-LFS"),
    "gzip": (bytes_of(gzip.compress(mlp().SerializeToString())), "gunzip"),
    "zip": (bytes_of(b"PK\x03\x04rest"), "PyTorch"),
    "name of bytes": (
        bytes_of(mlp().SerializeToString().replace(b"z0", b"\xff0")),
        "node 0 has a name that is not UTF-8",
    ),
    "two models": (bytes_of(2 * mlp().SerializeToString()), "two initializers|produced twice"),
    "external ..": (external("../outside.bin"), "inside the model's folder"),
    "external sub/..": (external("sub/../w.bin"), "inside the model's folder"),
    "external backslash": (external("..\\outside.bin"), "inside the model's folder"),
    "external absolute": (external("/etc/passwd"), "inside the model's folder"),
    "external link": (external(prepare=link("../outside.bin")), "links out"),
    "external zero": (external(prepare=link("/dev/zero")), "links out"),
    "external missing": (external("other.bin"), "missing"),
    "external long": (external(length="999999999999"), "truncated or belongs"),
    "external offset": (external(offset="-8"), "offset"),
    "external mismatch": (external(length="20"), "24 bytes for its shape"),
    "external no number": (external(length="many"), "malformed"),
    "cycle": (changed(cycle), "cycle"),
    "self loop": (changed(self_loop), "cycle"),
    "missing initializer": (changed(rename_input), "'nowhere'"),
    "two producers": (changed(two_producers), "produced twice"),
    "shadowing": (changed(shadowing), "produced twice"),
    "output missing": (changed(output_missing), "never produced"),
    "duplicate initializer": (changed(duplicate_initializer), "two initializers"),
    "dims huge": (unfold("w0", [1 << 40, 1 << 40]), "bytes"),
    "dims overflow": (unfold("w0", [1 << 33, 1 << 31]), "bytes"),
    "dims negative": (unfold("w0", [-3, 8]), "negative"),
    "short raw": (unfold("w0", [3, 8], b"1234"), "4 bytes of data"),
    "no data": (unfold("w0", [3, 8], None), "no data"),
    "long raw": (unfold("w0", [3, 8], bytes(200)), "200 bytes"),
    "dtype 99": (changed(dtype_99), "element type 99"),
    "gemm shape": (changed(bad_shape), "Gemm.*does not fit"),
    "output type": (changed(wrong_output_type), "declared as float64"),
    "dim 0": (set_dim(1, 0), "positive"),
    "dim -1": (set_dim(1, -1), "positive"),
    "double input": (changed(double_input), "inconsistent type"),
    "int input": (changed(int_input), "floating type"),
    "constant bomb": (ones_of(10**11), "at most"),
    "expand bomb": (one("Expand", [1, 3], {"s": [10**9, 3]}), "at most"),
    "input bomb": (set_dim(1, 10**12), "at most"),
    "doubling bomb": (doubling(24), "at most"),
    "nan weight": (poisoned(np.nan), "'w1' holds nan"),
    "inf weight": (poisoned(np.inf), "'w1' holds inf"),
    "nan alpha": (one("LeakyRelu", [1, 3], alpha=float("nan")), "alpha is nan"),
    "division by 0": (one("Div", [1, 3], {"c": np.zeros(1, np.float32)}), "zero"),
    "variance < 0": (batch_norm(-1.0), "positive variance"),
    "variance 0": (batch_norm(0.0, 0.0), "positive variance"),
    "dynamic feature": (set_dim(1, "features"), "--dim features=SIZE"),
    "unknown rank": (changed(unknown_rank), "shape is unknown"),
    "no type": (changed(no_type), "no type|tensor"),
    "sequence input": (proto(sequence_input), "sequence"),
    "no inputs": (proto(no_inputs), "no input"),
    "no outputs": (changed(no_outputs), "no output"),
    "if": (subgraph("If"), "control flow"),
    "infinite loop": (subgraph("Loop"), "control flow"),
    "unknown op": (proto(lambda: model([node("Frobnicate", ["x"], ["y"])])), "called 'Frobnicate'"),
    "custom domain": (foreign("com.microsoft", True), "custom domain 'com.microsoft'"),
    "domain not imported": (foreign("com.microsoft", False), "custom domain 'com.microsoft'"),
    "recursive function": (with_function("recursive"), "call themselves"),
    "overriding function": (with_function("override"), "overrides"),
    "function bomb": (with_function("bomb"), "expand to"),
    "opset 999": (set_opset(999), "opset 999"),
    "opset 1": (set_opset(1), "opset 1;"),
    "two opsets": (changed(two_opsets), "one version"),
    "ir 999": (changed(set_ir), "IR version 999"),
    "unknown attribute": (changed(unknown_attribute), "colour"),
    "duplicate attribute": (changed(duplicate_attribute), "alpha"),
    "attribute type": (changed(wrong_attribute_type), "transB"),
    "missing input": (changed(missing_input), "Gemm"),
    "conv group 3": (one("Conv", [1, 4, 5, 5], {"w": np.ones((4, 1, 3, 3), np.float32)}, group=3),
                     "group 3"),
    "conv group 0": (one("Conv", [1, 4, 5, 5], {"w": np.ones((4, 4, 3, 3), np.float32)}, group=0),
                     "group 0"),
    "conv kernel": (one("Conv", [1, 1, 2, 2], {"w": np.ones((1, 1, 3, 3), np.float32)}),
                    "kernel|negative|ncompatible"),
    "conv auto_pad and pads": (
        one("Conv", [1, 1, 5, 5], {"w": np.ones((1, 1, 3, 3), np.float32)},
            auto_pad="SAME_UPPER", pads=[1, 1, 1, 1]), "together with pads"),
    "conv junk auto_pad": (
        one("Conv", [1, 1, 5, 5], {"w": np.ones((1, 1, 3, 3), np.float32)}, auto_pad="JUNK"),
        "JUNK"),
    "stride 0": (one("MaxPool", [1, 1, 5, 5], kernel_shape=[2, 2], strides=[0, 1]), "stride"),
    "dilation 0": (
        one("Conv", [1, 1, 5, 5], {"w": np.ones((1, 1, 3, 3), np.float32)}, dilations=[0, 1]),
        "dilation"),
    "negative pads": (
        one("Conv", [1, 1, 5, 5], {"w": np.ones((1, 1, 3, 3), np.float32)}, pads=[-1, 0, 0, 0]),
        "pads"),
    "pads length": (
        one("Conv", [1, 1, 5, 5], {"w": np.ones((1, 1, 3, 3), np.float32)}, pads=[1, 1, 1]),
        "pads"),
    "dropout training": (
        one("Dropout", [1, 3], {"r": np.float32(0.5), "t": np.array(True)}), "training_mode"),
    "random values": (one("RandomNormalLike", [1, 3]), "random"),
    "sign": (one("Sign", [1, 3]), "Sign is discontinuous"),
    "round": (one("Round", [1, 3]), "Round is discontinuous"),
    "cast to int": (one("Cast", [1, 3], to=TensorProto.INT64), "discontinuous"),
    "quantize": (one("QuantizeLinear", [1, 3], {"s": np.float32(0.1)}), "QuantizeLinear"),
    "mul": (proto(lambda: model([node("Mul", ["x", "x"], ["y"])])), "quadratic"),
    "gather range": (one("Gather", [1, 3], {"i": [7]}, axis=1), "cannot be evaluated|out of"),
    "sparse": (changed(sparse), "sparse"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_one_clear_line(name: str, tmp_path: Path) -> None:
    write, pattern = CASES[name]
    path = write(tmp_path)
    start = time.perf_counter()
    with pytest.raises(CpwlError, match=pattern) as caught:
        load_model(path)
    assert time.perf_counter() - start < 5
    text = str(caught.value)
    assert "\n" not in text
    assert isinstance(caught.value, ModelError)
    assert str(path) in text


@pytest.mark.parametrize("name", ["sign", "round", "if", "infinite loop", "custom domain", "mul"])
def test_operators_are_refused_as_such(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedOperatorError):
        load_model(CASES[name][0](tmp_path))


def test_bombs_take_no_memory(tmp_path: Path) -> None:
    names = ["constant bomb", "expand bomb", "input bomb", "doubling bomb", "function bomb",
             "dims huge", "external zero"]  # fmt: skip
    paths = []
    for k, name in enumerate(names):
        folder = tmp_path / str(k)
        folder.mkdir()
        paths.append(str(CASES[name][0](folder)))
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from cpwl_milp.core.errors import CpwlError\n"
        "from cpwl_milp.onnx_io import load_model\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n        load_model(path)\n        sys.exit('accepted ' + path)\n"
        "    except CpwlError:\n        pass\n"
        # Not ru_maxrss, which begins with the maximum of the process that started this one.
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *paths], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1_000_000  # kilobytes
    assert done.stderr == ""


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        load_model(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="not a regular file"):
        load_model(tmp_path)


# What looks odd but is sound must import and agree.


def unsorted(m: onnx.ModelProto) -> None:
    nodes = list(m.graph.node)[::-1]
    del m.graph.node[:]
    m.graph.node.extend(nodes)


def same_node_names(m: onnx.ModelProto) -> None:
    for n in m.graph.node:
        n.name = "layer"


def spelled_out_domain(m: onnx.ModelProto) -> None:
    m.graph.node[0].domain = "ai.onnx"


def wrong_output_shape(m: onnx.ModelProto) -> None:
    m.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 77


def repeated_initializers(m: onnx.ModelProto) -> None:
    for t in m.graph.initializer:
        m.graph.input.append(value(t.name, list(t.dims)))


def dead_branch(m: onnx.ModelProto) -> None:
    m.graph.node.append(node("Sigmoid", ["z0"], ["dead"]))
    m.graph.node.append(node("FusedGemm", ["z0"], ["dead2"], domain="com.microsoft"))
    m.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def dynamic_batch(m: onnx.ModelProto) -> None:
    m.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"


def output_is_input(m: onnx.ModelProto) -> None:
    m.graph.output.append(m.graph.input[0])


def denormal(m: onnx.ModelProto) -> None:
    array = numpy_helper.to_array(m.graph.initializer[0]).copy()
    array[0, 0] = 1e-41
    m.graph.initializer[0].CopyFrom(numpy_helper.from_array(array, "w0"))


@pytest.mark.parametrize(
    "change",
    [unsorted, same_node_names, spelled_out_domain, wrong_output_shape, repeated_initializers,
     dead_branch, dynamic_batch, output_is_input, denormal],
)  # fmt: skip
def test_odd_but_sound_files_import(
    change: Callable[[onnx.ModelProto], None], tmp_path: Path
) -> None:
    imported = load_model(changed(change)(tmp_path))
    assert imported.network.widths == (8, 5)
    check_agreement(imported, None)


def test_long_chains_need_no_recursion(tmp_path: Path) -> None:
    n = 20_000
    nodes = [node("Neg", [f"t{k}"], [f"t{k + 1}"]) for k in range(n)]
    nodes[0].input[0], nodes[-1].output[0] = "x", "y"
    start = time.perf_counter()
    imported = load_model(save(model(nodes), tmp_path))
    assert time.perf_counter() - start < 20
    np.testing.assert_array_equal(imported.network(np.eye(3)), np.eye(3))


def test_local_functions_are_inlined(tmp_path: Path) -> None:
    ids = [helper.make_opsetid("", 17)]
    body = [node("Neg", ["a"], ["t"]), node("Relu", ["t"], ["b"])]
    function = helper.make_function("mine", "F", ["a"], ["b"], body, ids)
    built = model([node("F", ["x"], ["y"], domain="mine")], functions=[function])
    built.opset_import.append(helper.make_opsetid("mine", 1))
    imported = load_model(save(built, tmp_path))
    assert imported.network.widths == (3,)
    assert imported.operators == {"Neg": 1, "Relu": 1}
    check_agreement(imported, None)


def test_external_data_inside_the_folder(tmp_path: Path) -> None:
    imported = load_model(external()(tmp_path))
    check_agreement(imported, None)
    assert "w.bin" in imported.notices[0]
    (tmp_path / "inner" / "w.bin").write_bytes((2 * W).tobytes())
    assert load_model(tmp_path / "inner" / "model.onnx").sha256 != imported.sha256
