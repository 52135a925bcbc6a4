# SPDX-License-Identifier: MIT
"""Write backwards.keras, backwards_h5.h5 and what they compute, with Keras: layers that go backwards and
return sequences (README.md)."""
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
from keras import layers as L
from safetensors.numpy import save_file

HERE = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
rng = np.random.default_rng(5)
ids = keras.Input((None,), dtype="int32", name="ids")
x = keras.Input((None, 2), name="x")
e = L.Embedding(5, 3, mask_zero=True)(ids)
y = L.LSTM(3, go_backwards=True, return_sequences=True)(e)
z, h = L.GRU(2, go_backwards=True, return_sequences=True, return_state=True)(x)
model = keras.Model([ids, x], [
    y, L.GRU(2, return_sequences=True)(y), z, h,
    L.GRU(3, go_backwards=True, return_sequences=True, reset_after=False, zero_output_for_mask=True)(e),
    L.SimpleRNN(2, go_backwards=True)(y), L.Concatenate()([L.LSTM(2, return_sequences=True)(x), z]),
    L.SimpleRNN(2, go_backwards=True, return_sequences=True)(z, initial_state=h)])
for w in model.weights:
    w.assign(rng.standard_normal(w.shape).astype(np.float32) * 0.4)
arrays = (np.array([[1, 4, 2, 0, 3], [3, 1, 0, 2, 0]], np.int32), rng.standard_normal((2, 5, 2)).astype(np.float32))
results = {f"backwards{end}.x{i}": a for end in ("", "_h5") for i, a in enumerate(arrays)}
for i, y in enumerate(model(list(arrays))):
    for end in "", "_h5":
        results[f"backwards{end}.y{i}"] = np.ascontiguousarray(y.detach().numpy())
model.save(HERE / "backwards.keras")
model.save(HERE / "backwards_h5.h5")
save_file(results, HERE / "backwards.safetensors")
