# SPDX-License-Identifier: MIT
"""Write models of stacked cells, steps of steps, states, masks that attention sees and operations, and what they
compute, with Keras (README.md)."""
import json
import os
import sys
import zipfile
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
import h5py
import keras
import numpy as np
from keras import layers as L
from keras import ops
from safetensors.numpy import save_file

HERE = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
results = {}
rng = np.random.default_rng(8)


def real(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def pack(path):
    """The same archive, smaller."""
    with zipfile.ZipFile(path) as a:
        entries = {n: a.read(n) for n in a.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as a:
        for name, data in entries.items():
            a.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)


def write(model, name, x, ending=".keras"):
    for w in model.weights:
        w.assign(real(*w.shape) * 0.5)
    y = model(x)
    results[f"{name}.x0"] = x
    for i, value in enumerate(y if isinstance(y, list) else [y]):
        results[f"{name}.y{i}"] = np.ascontiguousarray(value.detach().numpy())
    model.save(HERE / (name + ending))
    if ending == ".keras":
        pack(HERE / (name + ending))


def stack():
    return L.StackedRNNCells([L.GRUCell(3), L.LSTMCell(2), L.SimpleRNNCell(2), L.LSTMCell(3)])


# Steps of steps; cells one behind the other; directions that differ; states that go on to other layers.
x = keras.Input((6, 4), name="x")
steps = L.Reshape((6, 2, 2))(x)
_, fh, fc, bh, bc = L.Bidirectional(L.LSTM(2, return_state=True))(x)
write(keras.Model(x, [
    L.GRU(2)(L.TimeDistributed(L.LSTM(3))(steps)),
    L.TimeDistributed(L.Bidirectional(L.GRU(2, return_sequences=True)))(steps),
    L.RNN(stack(), go_backwards=True, return_sequences=True)(x),
    L.Bidirectional(L.RNN(stack()), merge_mode="mul")(x),
    L.Bidirectional(L.LSTM(3, return_sequences=True), merge_mode="ave",
                    backward_layer=L.GRU(3, activation="relu", go_backwards=True, return_sequences=True))(x),
    L.LSTM(4)(x, initial_state=[L.Concatenate()([fh, bh]), L.Concatenate()([fc, bc])]),
    L.Bidirectional(L.LSTM(2, return_sequences=True))(x, initial_state=[fh, fc, bh, bc])]),
    "stacks", real(2, 6, 4))

# What attention may look at.
ids = keras.Input((5,), dtype="int32", name="ids")
e = L.GRU(3, return_sequences=True)(L.Embedding(7, 3, mask_zero=True)(ids))
# MultiHeadAttention takes the mask away from the values that it reads: each has its own.
own = [L.Rescaling(scale)(e) for scale in (0.5, 1.5, 2.0)]
heads, shares = L.MultiHeadAttention(2, 2)(own[0], own[0], use_causal_mask=True, return_attention_scores=True)
write(keras.Model(ids, [
    L.Attention(use_scale=True)([e, e], use_causal_mask=True), L.AdditiveAttention()([e, e]),
    L.MultiHeadAttention(2, 2)(own[1], own[1]), L.MultiHeadAttention(2, 2, dropout=0.1)(own[2], own[2]), heads, shares,
    L.RNN(L.StackedRNNCells([L.GRUCell(2), L.LSTMCell(2)]), return_sequences=True)(e)]),
    "seen", np.array([[1, 2, 3, 4, 5], [6, 5, 0, 0, 0]], np.int32))

# Operations, also by operators.
y = L.LSTM(4, return_sequences=True)(x)
a, b = ops.split(y, 2, axis=-1)
write(keras.Model(x, [
    1.5 - y[:, 2] * y[:, -1], y[:, 1:5:2, ..., None], a / (2.0 + ops.exp(b)),
    ops.mean(ops.stack([y, x], axis=1), axis=[1, -1]), ops.flip(ops.transpose(y, (0, 2, 1)), axis=-1),
    L.GRU(2)(ops.reshape(ops.matmul(y, ops.transpose(x, (0, 2, 1))), (-1, 12, 3)))]), "operations", real(2, 6, 4))

# The layers of Keras 2 for NVIDIA's cards: an LSTM and a GRU as those keep them (as keras/engine/saving.py turns them).
same = keras.Sequential([keras.Input((6, 3)), L.LSTM(2, return_sequences=True, name="l"), L.GRU(4, name="g")])
write(same, "cudnn", real(2, 6, 3), ".h5")


def turned(w, gates):
    """Each gate's [in,H] filled with its transpose."""
    return np.concatenate([g.T.reshape(g.shape) for g in np.split(w, gates, 1)], 1)


with h5py.File(HERE / "cudnn.h5", "r+") as file:
    config = json.loads(file.attrs["model_config"])
    for layer in config["config"]["layers"]:
        if layer["class_name"] in ("LSTM", "GRU"):
            keep = ("name", "trainable", "units", "return_sequences", "return_state", "go_backwards", "stateful")
            layer["config"] = {k: v for k, v in layer["config"].items() if k in keep}
            layer["class_name"] = "CuDNN" + layer["class_name"]
    file.attrs["model_config"] = json.dumps(config)
    file.attrs["keras_version"] = "2.2.4"
    for name, gates in (("l", 4), ("g", 3)):
        group = file["model_weights"][name]
        for path in list(group.attrs["weight_names"]):
            w = np.array(group[path])
            if path.endswith("bias"):
                w = np.concatenate([w * 0.25, w * 0.75]) if name == "l" else w.reshape(-1)
            else:
                w = turned(w, gates)
            del group[path]
            group[path] = w

save_file(results, HERE / "stacks.safetensors")
