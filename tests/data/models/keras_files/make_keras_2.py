# SPDX-License-Identifier: MIT
"""Write a model of Keras 2 with a model in it that is called twice, TensorFlow's functions and attention, and what it
computes, with tf_keras (README.md)."""
import sys
import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras as keras
from safetensors.numpy import save_file
from tf_keras import layers as L

HERE = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
rng = np.random.default_rng(12)


def pack(path):
    """The same archive, smaller."""
    with zipfile.ZipFile(path) as a:
        entries = {n: a.read(n) for n in a.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as a:
        for name, data in entries.items():
            a.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)


inner = keras.Input((6, 4))
encoder = keras.Model(inner, L.GRU(4, return_sequences=True)(inner) * 0.5 + 1.0, name="encoder")
x = keras.Input((6, 4), name="x")
once = encoder(x)
twice = encoder(L.Dense(4)(once))
heads = L.MultiHeadAttention(2, 3)(twice, twice)
parts = tf.nn.softmax(1.0 - tf.reduce_sum(heads * tf.expand_dims(once[:, -1], 1), axis=-1, keepdims=True), axis=1)
mean = tf.squeeze(tf.reduce_mean(heads, axis=1, keepdims=True), 1)
flat = tf.reshape(tf.transpose(twice, [0, 2, 1])[:, ::2], (-1, 12))
model = keras.Model(x, [L.Add()([once, twice]), parts, mean, flat, tf.sigmoid(x[:, 1:3]) / 2.0])
for w in model.weights:
    w.assign(rng.standard_normal(w.shape).astype(np.float32) * 0.5)
data = rng.standard_normal((2, 6, 4)).astype(np.float32)
results = {"keras_2.x0": data}
for i, value in enumerate(model(data)):
    results[f"keras_2.y{i}"] = np.ascontiguousarray(value.numpy())
model.save(HERE / "keras_2.keras")
pack(HERE / "keras_2.keras")
save_file(results, HERE / "keras_2.safetensors")
