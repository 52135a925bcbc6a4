# SPDX-License-Identifier: MIT
"""usage: make.py MNIST_LSTM.json: the weights of TensorFlow Lite Micro's example in PyTorch's names
and order of gates, ten pictures and what the model must say of them."""
import json
import struct
import sys

data = json.load(open(sys.argv[1]))
weights = data["weights"]
tensors = {}


def flat(x):
    return [v for row in x for v in flat(row)] if isinstance(x, list) else [x]


def gates(pattern):
    return flat([weights[pattern.format(g)]["data"] for g in ("input", "forget", "cell", "output")])


tensors["rnn.weight_ih_l0"] = [80, 28], gates("input_to_{}")
tensors["rnn.weight_hh_l0"] = [80, 20], gates("recurrent_to_{}")
tensors["rnn.bias_ih_l0"] = [80], gates("{}_bias")
tensors["rnn.bias_hh_l0"] = [80], [0.0] * 80
tensors["head.weight"] = [10, 560], flat(weights["dense_weight"]["data"])
tensors["head.bias"] = [10], flat(weights["dense_bias"]["data"])
header, body = {}, b""


def put(name, kind, code, shape, values):
    global body
    more = struct.pack(f"<{len(values)}{code}", *values)
    header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(body), len(body) + len(more)]}
    body += more


for name, (shape, values) in tensors.items():
    assert len(values) == shape[0] * (shape + [1])[1], name
    put(name, "F32", "f", shape, values)
put("pictures", "U8", "B", [10, 28, 28], flat(data["images_uint8"]))
put("softmax", "F32", "f", [10, 10], flat(data["softmax"]["data"]))
assert data["labels"] == list(range(10))
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
open("digits.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + body)
