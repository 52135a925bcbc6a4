# SPDX-License-Identifier: MIT
"""Write the models beside this file, and what they compute, with Keras (README.md)."""
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
from keras import layers as L
from safetensors.numpy import save_file

HERE = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
results = {}
rng = np.random.default_rng(1)


def write(model, name, ending, *inputs):
    for w in model.weights:
        a = rng.standard_normal(w.shape).astype(np.float32) * 0.4
        w.assign(np.abs(a) + 0.5 if "variance" in w.path else a)
    outputs = model(inputs[0] if len(inputs) == 1 else list(inputs))
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    for i, x in enumerate(inputs):
        results[f"{name}.x{i}"] = x
    for i, y in enumerate(outputs):
        results[f"{name}.y{i}"] = np.ascontiguousarray(y.detach().numpy())
    model.save(HERE / (name + ending))


def real(*shape):
    return rng.standard_normal(shape).astype(np.float32)


row = keras.Sequential([
    keras.Input((None, 3)), L.Conv1D(5, 3, padding="causal", dilation_rate=2, activation="relu"),
    L.BatchNormalization(), L.Bidirectional(L.LSTM(4, return_sequences=True), merge_mode="ave"),
    L.LayerNormalization(), L.TimeDistributed(L.Dense(6, activation="tanh")),
    L.SimpleRNN(4, return_sequences=True), L.GRU(5), L.Dense(2, activation="softmax")])
write(row, "row", ".keras", real(2, 7, 3))
write(row, "row_h5", ".h5", real(2, 7, 3))

ids = keras.Input((None,), dtype="int32", name="ids")
x = keras.Input((None, 2), name="x")
e = L.Embedding(9, 3)(ids)
y, h, c = L.LSTM(4, return_state=True, return_sequences=True, recurrent_activation="hard_sigmoid")(e)
z = L.LSTM(4, return_sequences=True)(L.Concatenate()([y, x]), initial_state=[h, c])
shared = L.Dense(4)
z = L.Add()([shared(z), shared(y)])
last = L.Bidirectional(L.GRU(3, reset_after=False), merge_mode="mul")(z)
graph = keras.Model([ids, x], [z, last, L.GRU(2, go_backwards=True, activation="softsign")(z)])
write(graph, "graph", ".keras", rng.integers(0, 9, (2, 5)).astype(np.int32), real(2, 5, 2))
write(graph, "graph_h5", ".h5", rng.integers(0, 9, (2, 5)).astype(np.int32), real(2, 5, 2))


def stepped(*shape, value):
    """Some steps of which all features are one value."""
    x = real(*shape)
    x[rng.random(shape[:2]) < 0.4] = value
    return x


masked = keras.Sequential([
    keras.Input((None, 2)), L.Masking(-1.0), L.LSTM(3, return_sequences=True, zero_output_for_mask=True),
    L.Dropout(0.5), L.Dense(4, activation="relu"), L.Bidirectional(L.GRU(2, return_sequences=True)),
    L.SimpleRNN(3, return_sequences=True), L.GlobalAveragePooling1D()])
write(masked, "masked", ".keras", stepped(2, 6, 2, value=-1.0))

ids = keras.Input((None,), dtype="int32", name="ids")
x = keras.Input((None, 2), name="x")
given = keras.Input((None,), dtype="bool", name="given")
e = L.Embedding(5, 3, mask_zero=True)(ids)
d = L.Dense(3)(L.Masking()(x))
y, h = L.GRU(3, return_sequences=True, return_state=True)(L.Concatenate()([e, d]))
z = L.Multiply()([L.Add()([e, d]), y])
masks = keras.Model([ids, x, given], [
    L.LSTM(2, return_sequences=True)(z), L.GRU(3, go_backwards=True)(y, initial_state=h),
    L.GRU(2, go_backwards=True)(z), L.GlobalAveragePooling1D()(L.Concatenate(axis=1)([e, L.Dense(3)(x)])),
    L.Bidirectional(L.SimpleRNN(2), merge_mode="sum")(e), L.SimpleRNN(2)(d, mask=given),
    L.LSTM(2, go_backwards=True, zero_output_for_mask=True)(e),
    L.Bidirectional(L.SimpleRNN(2, return_sequences=True))(e)])
arrays = (np.array([[1, 0, 4, 2, 0], [0, 3, 0, 0, 1]], np.int32), stepped(2, 5, 2, value=0.0),
          rng.random((2, 5)) < 0.6)
write(masks, "masks", ".keras", *arrays)
write(masks, "masks_h5", ".h5", *arrays)
results = {k: v.astype(np.float32) if v.dtype == bool else v for k, v in results.items()}
row.save_weights(HERE / "row.weights.h5")
(HERE / "row.json").write_text(row.to_json())
save_file(results, HERE / "results.safetensors")
