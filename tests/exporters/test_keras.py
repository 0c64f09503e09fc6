"""Files of tf2onnx for Keras networks, by every route that current Keras leaves open."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf
import tf2onnx
from keras import layers

from cpwl_milp.core.errors import ModelError, UnsupportedOperatorError
from cpwl_milp.onnx_io import load_model
from tests.exporters.agreement import assert_same, imported_and_agreeing, samples

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

IMAGE = (8, 8, 2)


def dense(units: int, **options: object) -> layers.Layer:
    """A dense layer with biases: tf2onnx leaves zero biases out."""
    return layers.Dense(units, bias_initializer="random_normal", **options)


def conv(channels: int, kernel: int, **options: object) -> layers.Layer:
    return layers.Conv2D(channels, kernel, bias_initializer="random_normal", **options)


def batch_norm() -> layers.Layer:
    return layers.BatchNormalization(
        beta_initializer="random_normal",
        gamma_initializer=keras.initializers.RandomNormal(mean=0.5, stddev=1.0),
        moving_mean_initializer="random_normal",
        moving_variance_initializer=keras.initializers.RandomUniform(0.5, 1.5),
    )


def functional(shape: tuple[int, ...], *parts: layers.Layer) -> keras.Model:
    """The layers one after the other, as a functional model."""
    x = entry = keras.Input(shape)
    for part in parts:
        x = part(x)
    return keras.Model(entry, x)


def mlp() -> keras.Model:
    return functional((4,), dense(8, activation="relu"), dense(6, activation="relu"), dense(2))


def sequential_mlp() -> keras.Model:
    return keras.Sequential([keras.Input((4,)), dense(8, activation="relu"), dense(2)])


def cnn() -> keras.Model:
    return functional(
        IMAGE,
        conv(3, 3, padding="same"),
        batch_norm(),
        layers.ReLU(),
        layers.MaxPooling2D(),
        conv(4, 2, strides=2, use_bias=False),
        layers.LeakyReLU(negative_slope=0.1),
        layers.AveragePooling2D(2, padding="same"),
        layers.Dropout(0.5),
        layers.Flatten(),
        dense(3),
    )


def resnet() -> keras.Model:
    entry = keras.Input(IMAGE)
    x = layers.ReLU()(batch_norm()(conv(3, 3, padding="same", use_bias=False)(entry)))
    body = conv(3, 3, padding="same")(layers.ReLU()(conv(3, 3, padding="same")(x)))
    x = layers.ReLU()(layers.Add()([x, body]))
    return keras.Model(entry, dense(2)(layers.GlobalAveragePooling2D()(x)))


def two_branches() -> keras.Model:
    entry = keras.Input((5,))
    left, right = dense(4, activation="relu")(entry), dense(4)(entry)
    joined = layers.Concatenate()([left, right, layers.Maximum()([left, right])])
    return keras.Model(entry, dense(2)(layers.Subtract()([joined, dense(12)(entry)])))


NETWORKS: dict[str, Callable[[], keras.Model]] = {
    "mlp": mlp,
    "sequential mlp": sequential_mlp,
    "cnn": cnn,
    "resnet": resnet,
    "two branches": two_branches,
    "leaky, prelu, relu6": lambda: functional(
        (4,),
        dense(5),
        layers.LeakyReLU(negative_slope=0.2),
        dense(5),
        layers.PReLU(alpha_initializer="random_uniform"),
        dense(5),
        layers.ReLU(max_value=6.0, negative_slope=0.0),
        dense(2),
    ),
    "relu with threshold": lambda: functional(
        (4,), dense(5), layers.ReLU(max_value=1.5, negative_slope=0.1), dense(2)
    ),
    "hard sigmoid": lambda: functional((4,), dense(5, activation="hard_sigmoid"), dense(2)),
    "zero biases": lambda: functional((4,), layers.Dense(5, activation="relu"), layers.Dense(2)),
    "convolution 1-D": lambda: functional(
        (9, 2), layers.Conv1D(3, 3, activation="relu"), layers.Flatten(), dense(2)
    ),
    "causal convolution 1-D": lambda: functional(
        (9, 2),
        layers.Conv1D(3, 2, padding="causal", dilation_rate=2, activation="relu"),
        layers.GlobalMaxPooling1D(),
    ),
    "convolution 3-D": lambda: functional(
        (4, 4, 3, 1), layers.Conv3D(2, 2, activation="relu"), layers.Flatten(), dense(2)
    ),
    "depthwise and separable": lambda: functional(
        IMAGE,
        layers.DepthwiseConv2D(3, activation="relu"),
        layers.SeparableConv2D(3, 2, activation="relu"),
        layers.Flatten(),
        dense(2),
    ),
    "transposed convolution": lambda: functional(
        (3, 3, 2),
        layers.Conv2DTranspose(2, 3, strides=2, padding="same", activation="relu"),
        layers.Flatten(),
        dense(2),
    ),
    "pad, crop, upsample": lambda: functional(
        (4, 4, 2),
        layers.ZeroPadding2D(((1, 0), (0, 2))),
        conv(2, 3, activation="relu"),
        layers.UpSampling2D(2),
        layers.Cropping2D(((1, 0), (0, 1))),
        layers.Flatten(),
        dense(2),
    ),
    "reshape and permute": lambda: functional(
        (12,),
        dense(12, activation="relu"),
        layers.Reshape((3, 4)),
        layers.Permute((2, 1)),
        layers.Flatten(),
        dense(2),
    ),
    "global max pool": lambda: functional(IMAGE, conv(3, 3), layers.GlobalMaxPooling2D()),
}


def through_function(model: keras.Model, path: Path) -> None:
    """tf2onnx from a concrete function, the most general route."""
    signature = (tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="x"),)
    call = tf.function(lambda x: model(x, training=False), input_signature=signature)
    tf2onnx.convert.from_function(call, input_signature=signature, output_path=str(path))


def through_export(model: keras.Model, path: Path) -> None:
    """Keras's own export, which calls tf2onnx and wants the model called once before."""
    model(np.zeros((1, *model.input_shape[1:]), dtype=np.float32))
    model.export(path, format="onnx", verbose=False)


def through_from_keras(model: keras.Model, path: Path) -> None:
    """tf2onnx.convert.from_keras, which under Keras 3 serves functional models only."""
    signature = (tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="x"),)
    tf2onnx.convert.from_keras(model, input_signature=signature, output_path=str(path))


ROUTES = {
    "from_function": through_function,
    "export": through_export,
    "from_keras": through_from_keras,
}


def evaluator(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """The model as a map of flattened rows."""

    def evaluate(x: np.ndarray) -> np.ndarray:
        inputs = x.astype(np.float32).reshape(len(x), *model.input_shape[1:])
        outputs = model(inputs, training=False).numpy()
        return outputs.reshape(len(x), -1).astype(np.float64)

    return evaluate


def test_the_three_families_by_every_route(tmp_path: Path) -> None:
    for build in (mlp, cnn, resnet):
        keras.utils.set_random_seed(1)
        model = build()
        for name, route in ROUTES.items():
            path = tmp_path / f"{build.__name__}-{name}.onnx"
            route(model, path)
            imported_and_agreeing(path, evaluator(model))


@pytest.mark.parametrize("name", NETWORKS)
def test_imports_and_agrees(name: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    model = NETWORKS[name]()
    path = tmp_path / "m.onnx"
    through_export(model, path)
    imported_and_agreeing(path, evaluator(model))


def test_hidden_units_are_those_of_the_model(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    path = tmp_path / "m.onnx"
    through_function(mlp(), path)
    assert load_model(path).network.widths == (8, 6)
    through_function(resnet(), path)
    assert load_model(path).network.n_units == 3 * 3 * 64


@pytest.mark.parametrize(
    ("activation", "operator"), [("softmax", "Softmax"), ("sigmoid", "Sigmoid")]
)
def test_a_head_is_refused_or_cut_off(activation: str, operator: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    scores = mlp()
    squashed = functional((4,), scores, layers.Activation(activation))
    path = tmp_path / "m.onnx"
    through_export(squashed, path)
    with pytest.raises(UnsupportedOperatorError, match=rf"{operator}.*--strip-output"):
        load_model(path)
    imported_and_agreeing(path, evaluator(scores), strip_output=True)


@pytest.mark.parametrize("activation", ["tanh", "elu", "swish", "softplus"])
def test_smooth_activations_are_refused(activation: str, tmp_path: Path) -> None:
    model = functional((4,), dense(5, activation=activation), dense(2))
    path = tmp_path / "m.onnx"
    through_export(model, path)
    with pytest.raises(UnsupportedOperatorError):
        load_model(path)


@pytest.mark.parametrize(
    ("build", "operator"),
    [
        (lambda: functional((4,), dense(5, activation="gelu"), dense(2)), "Erfc"),
        (lambda: functional(IMAGE, conv(4, 3, groups=2)), "StatefulPartitionedCall"),
    ],
    ids=["gelu", "grouped convolution"],
)
def test_what_tf2onnx_writes_wrongly_is_named(
    build: Callable[[], keras.Model], operator: str, tmp_path: Path
) -> None:
    path = tmp_path / "m.onnx"
    through_export(build(), path)
    with pytest.raises(ModelError, match=operator):
        load_model(path)


def test_a_normalisation_leaves_its_constants_as_inputs(tmp_path: Path) -> None:
    mean, variance = [1.0, -2.0, 0.5, 3.0], [1.0, 4.0, 2.0, 0.25]
    keras.utils.set_random_seed(1)
    model = functional(
        (4,),
        layers.Normalization(mean=mean, variance=variance),
        dense(6, activation="relu"),
        dense(2),
    )
    path = tmp_path / "m.onnx"
    through_function(model, path)

    names = [tensor.name for tensor in load_model(path).inputs]
    assert names[0] == "x"
    given = {name: mean if "Sub" in name else variance for name in names[1:]}
    assert len(given) == 2
    imported = load_model(
        path,
        inputs=("x",),
        fixed_inputs={name: np.array([values], dtype=np.float32) for name, values in given.items()},
    )
    x = samples(4)
    assert_same(imported.network(x), evaluator(model)(x))
    assert_same(imported.run(x), evaluator(model)(x))
