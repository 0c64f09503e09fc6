"""Every public network imports and agrees with onnxruntime, or is refused by name."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cpwl_milp.core.errors import ModelError
from cpwl_milp.onnx_io import check_agreement, load_model, read_vnnlib_boxes

# Everything that must be refused, and what the refusal must name.
REFUSED = {
    "layer_zoo/sigmoid.onnx": "Sigmoid",
    "layer_zoo/tanh.onnx": "Tanh",
    "negative/lfs_pointer_mscn_2048d.onnx": "Git-LFS",
    "negative/logistic_sklearn.onnx": "Sigmoid",
    "negative/lsnc_quadrotor2d_state.onnx": "Sin",
    "negative/maxpool_2d_omlt_bad_kernel.onnx": "kernel_shape",
    "negative/mixed_double_input_float_weights_ACC_NET_0.onnx": "inconsistent type",
    "negative/ml4acopf_14_linear-nonresidual.onnx": "product of two values",
    "negative/qonnx_custom_domain_fp8.onnx": "onnx.brevitas.FloatQuant",
    "negative/sigmoid_marabou_fc_2-2sigmoids-3.onnx": "Sigmoid",
    "negative/sigmoid_marabou_mnist2x5.onnx": "Sigmoid",
    "negative/sigmoid_omlt_keras_linear_131_sigmoid.onnx": "Sigmoid",
    "negative/tanh_marabou_zoo.onnx": "Tanh",
    "negative/treeensemble_omlt_gbt.onnx": "TreeEnsembleRegressor",
}
# Hidden units by kind are known for these (counted by others, in onnxruntime); max pools, which
# take several units a window, are left out.
UNITS = {
    "conv/collins/NN_rul_small_window_20.onnx": 5500,
    "conv/marabou/cifar10_small.onnx": 2568,
    "conv/oval21/cifar_base_kw.onnx": 3172,
    "conv/oval21/cifar_deep_kw.onnx": 6756,
    "conv/verivital/Convnet_avgpool.onnx": 23328,
    "medium/dnnv/mnist_relu_3_50.onnx": 110,
    "medium/linearizenn/AllInOne_10_10.onnx": 1056,
    "medium/mnist_fc/mnist-net_256x4.onnx": 1024,
    "medium/nn4sys/pensieve_small_simple.onnx": 768,
    "medium/tll/tllBench_n=2_N=M=16_m=1_instance_1_0.onnx": 1020,
    "residual/cifar10_resnet/resnet_2b.onnx": 6244,
    "small/acasxu/ACASXU_run2a_1_1_batch_2000.onnx": 300,
    "small/acasxu_eran/ACASXU_run2a_1_1_batch_2000.onnx": 300,
    "small/marabou/certificate_and_controller_mandal.onnx": 160,
    "small/marabou/traffic-classifier64.onnx": 48,
    "small/nn4sys/lindex.onnx": 384,
    "small/tll/tllBench_n=2_N=M=8_m=1_instance_0_0.onnx": 252,
}


def test_all_models(shared_models: Path) -> None:
    names = sorted(str(p.relative_to(shared_models)) for p in shared_models.rglob("*.onnx"))
    assert len(names) >= 79
    units = {}
    for name in names:
        if name in REFUSED:
            with pytest.raises(ModelError, match=REFUSED[name]):
                load_model(shared_models / name)
            continue
        model = load_model(shared_models / name)
        assert check_agreement(model, None, n_samples=16).max_relative < 1e-5, name
        units[name] = model.network.n_units
    assert set(REFUSED) <= set(names)
    assert {name: units[name] for name in UNITS} == UNITS


def test_a_megabyte_is_imported_and_checked_within_a_second(shared_models: Path) -> None:
    path = shared_models / "medium/mnist_fc/mnist-net_256x4.onnx"
    start = time.perf_counter()
    check_agreement(load_model(path), None)
    assert time.perf_counter() - start < 1.0


def test_all_properties(shared_models: Path) -> None:
    """Every VNN-LIB file gives boxes for its own network, inside which the import agrees."""
    loaded: dict[Path, int] = {}
    several = {}
    for path in sorted(shared_models.rglob("*.vnnlib")):
        folder = path.parent.parent
        models = [p for p in sorted(folder.glob("*.onnx")) if p not in loaded]
        for model in models:
            loaded[model] = load_model(model).network.n_inputs
        declared = path.read_text().count("(declare-const X_")
        assert declared in {n for model, n in loaded.items() if model.parent == folder}, folder
        boxes = read_vnnlib_boxes(path, declared)
        assert boxes
        if len(boxes) > 1:
            several[path.name] = len(boxes)
    assert several["prop_6.vnnlib"] == 2
    assert several["lindex_600.vnnlib"] == 600
