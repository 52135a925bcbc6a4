# SPDX-License-Identifier: MIT
"""Write models of the layers that stand around recurrent ones, and what they compute, with Keras (README.md)."""
import os
import sys
import zipfile
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
from keras import layers as L
from safetensors.numpy import save_file

HERE = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
results = {}
rng = np.random.default_rng(7)


def real(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def pack(path):
    """The same archive, smaller."""
    with zipfile.ZipFile(path) as a:
        entries = {n: a.read(n) for n in a.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as a:
        for name, data in entries.items():
            a.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)


def write(model, name, x, endings):
    for w in model.weights:
        a = real(*w.shape) * 0.4
        w.assign(np.abs(a) + 0.5 if "variance" in w.path else a)
    y = model(x)
    for end in endings:
        key = name + ("_h5" if end == ".h5" else "")
        results[f"{key}.x0"] = x
        for i, value in enumerate(y if isinstance(y, list) else [y]):
            results[f"{key}.y{i}"] = np.ascontiguousarray(value.detach().numpy())
        model.save(HERE / (key + end))
    pack(HERE / (name + ".keras"))


both = (".keras", ".h5")
# A sequence that is coded and told again; its time has a size.
coder = keras.Sequential([
    keras.Input((6, 2)), L.GRU(3), L.RepeatVector(5), L.LSTM(3, return_sequences=True), L.LSTM(2),
    L.Reshape((2, 1)), L.GRU(2, return_sequences=True), L.Flatten()])
write(coder, "coder", real(2, 6, 2), (".keras",))

# Windows over time of any length, and functions.
windows = keras.Sequential([
    keras.Input((None, 3)), L.ZeroPadding1D((1, 2)), L.SeparableConv1D(4, 3, depth_multiplier=2, activation="elu"),
    L.MaxPooling1D(2), L.UpSampling1D(3), L.ReLU(0.9, 0.1, 0.2), L.DepthwiseConv1D(2, strides=2, depth_multiplier=2),
    L.Conv1DTranspose(3, 4, strides=2, padding="same"), L.PReLU(shared_axes=[1]), L.Cropping1D((1, 0)),
    L.AveragePooling1D(2, strides=1), L.Normalization(mean=[0.1, 0.2, -0.3], variance=[2.0, 0.5, 1.0]),
    L.UnitNormalization(), L.GRU(2, return_sequences=True), L.GlobalMaxPooling1D(keepdims=True)])
write(windows, "windows", real(2, 9, 3), (".keras",))

# Pictures, read column by column; "same" with strides.
pictures = keras.Sequential([
    keras.Input((6, 5, 1)), L.Conv2D(2, (3, 2), strides=(2, 1), padding="same", activation="relu"),
    L.ZeroPadding2D(((1, 0), (0, 1))), L.MaxPooling2D((2, 2), strides=1, padding="same"), L.AveragePooling2D((1, 2)),
    L.Reshape((4, 6)), L.Bidirectional(L.LSTM(2, return_sequences=True)), L.Conv1D(2, 3, strides=2, padding="same"),
    L.PReLU(), L.Softmax(axis=1)])
write(pictures, "pictures", real(2, 6, 5, 1), (".keras",))

# A model that reads two values, and one that is in another, for each step.
i = keras.Input((None, 3))
tower = keras.Model(i, keras.Sequential([keras.Input((4,)), L.Dense(3, "tanh"), L.BatchNormalization()])(
    L.Bidirectional(L.GRU(2))(i)))
x = keras.Input((None, 3), name="x")
p, q = tower(x), tower(L.Activation("tanh")(x))
frames = L.TimeDistributed(keras.Sequential([
    keras.Input((3, 1)), L.Conv1D(2, 2, activation="relu"), L.MaxPooling1D(2), L.Flatten(), L.Dense(2)]))(
        L.TimeDistributed(L.Reshape((3, 1)))(x))
nested = keras.Model(x, [L.Dot(1, normalize=True)([p, q]), L.Subtract()([p, q]), L.GRU(2)(frames)])
write(nested, "nested", real(2, 5, 3), both)

x = keras.Input((None, 3), name="x")
y, h = L.GRU(4, return_sequences=True, return_state=True)(x)
d = L.GRU(4, return_sequences=True)(L.RepeatVector(3)(h))
attention = keras.Model(x, [
    L.Attention(use_scale=True)([d, y]), L.AdditiveAttention()([d, y]), L.Attention(score_mode="concat")([d, y]),
    L.MultiHeadAttention(2, 3, value_dim=2, output_shape=5)(d, y), L.Dot(axes=(2, 2))([d, y])])
write(attention, "attention", real(2, 7, 3), both)
save_file(results, HERE / "layers.safetensors")
