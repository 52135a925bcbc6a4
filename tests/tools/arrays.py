# SPDX-License-Identifier: MIT
"""Arrays in .npy and .safetensors files, and an LSTM in plain Python, for tests of the command.

An array is a pair (shape, flat list). Nothing but the standard library.
"""
import json
import math
import random
import struct

CODES = {"F32": ("f", "<f4"), "F64": ("d", "<f8"), "I32": ("i", "<i4"), "I64": ("q", "<i8"),
         "U8": ("B", "|u1")}


def count(shape):
    return math.prod(shape)


def pack(dtype, values):
    return struct.pack(f"<{len(values)}{CODES[dtype][0]}", *values)


def npy_bytes(shape, values, dtype="F32"):
    dims = ",".join(str(n) for n in shape) + ("," if len(shape) == 1 else "")
    header = f"{{'descr': '{CODES[dtype][1]}', 'fortran_order': False, 'shape': ({dims}), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header))
    return start + header.encode() + pack(dtype, values)


def write_npy(path, shape, values, dtype="F32"):
    with open(path, "wb") as f:
        f.write(npy_bytes(shape, values, dtype))


def read_npy(path):
    with open(path, "rb") as f:
        data = f.read()
    assert data[:8] == b"\x93NUMPY\x01\x00", path
    length = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10:10 + length].decode())  # a literal that the command under test wrote
    code = next(c for c, descr in CODES.values() if descr == header["descr"])
    values = struct.unpack(f"<{count(header['shape'])}{code}", data[10 + length:])
    return header["shape"], list(values)


def safetensors_bytes(tensors, metadata=None):
    """tensors: {name: (shape, values) or (shape, values, dtype)}"""
    header, data = {}, b""
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, (shape, values, *dtype) in tensors.items():
        dtype = dtype[0] if dtype else "F32"
        part = pack(dtype, values)
        header[name] = {"dtype": dtype, "shape": list(shape),
                        "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def write_safetensors(path, tensors, metadata=None):
    with open(path, "wb") as f:
        f.write(safetensors_bytes(tensors, metadata))


def read_raw(path):
    """-> ({name: (dtype, shape, bytes)}, metadata)"""
    with open(path, "rb") as f:
        data = f.read()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {})
    body = data[8 + length:]
    return {name: (t["dtype"], tuple(t["shape"]), body[slice(*t["data_offsets"])])
            for name, t in header.items()}, metadata


def read_safetensors(path):
    """-> {name: (shape, values)}"""
    out = {}
    for name, (dtype, shape, data) in read_raw(path)[0].items():
        out[name] = shape, list(struct.unpack(f"<{count(shape)}{CODES[dtype][0]}", data))
    return out


def numbers(seed, shape, scale=1.0):
    """Pseudo-random numbers that are exact in single precision."""
    source = random.Random(seed)
    values = [source.uniform(-scale, scale) for _ in range(count(shape))]
    return tuple(shape), list(struct.unpack(f"<{len(values)}f", pack("F32", values)))


GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def make_weights(cell, inputs, hidden, outputs=0, seed=1):
    rows = GATES[cell] * hidden
    shapes = {"rnn.weight_ih_l0": (rows, inputs), "rnn.weight_hh_l0": (rows, hidden),
              "rnn.bias_ih_l0": (rows,), "rnn.bias_hh_l0": (rows,)}
    if outputs:
        shapes.update({"head.weight": (outputs, hidden), "head.bias": (outputs,)})
    return {name: numbers(seed + i, shape, 0.5) for i, (name, shape) in enumerate(shapes.items())}


def times(matrix, vector, bias):
    (rows, columns), values = matrix
    return [bias[r] + math.fsum(values[r * columns + k] * vector[k] for k in range(columns))
            for r in range(rows)]


def sigmoid(a):
    return 1 / (1 + math.exp(-a))


def lstm(weights, x, steps, batch, h0=None, c0=None, lengths=None):
    """One LSTM layer. x flat [T,N,I] -> flat y [T,N,H], hn [N,H], cn [N,H]."""
    w, u = weights["rnn.weight_ih_l0"], weights["rnn.weight_hh_l0"]
    inputs, hidden = w[0][1], u[0][1]
    y, hn, cn = [0.0] * (steps * batch * hidden), [], []
    for n in range(batch):
        h = list(h0[n * hidden:(n + 1) * hidden]) if h0 else [0.0] * hidden
        c = list(c0[n * hidden:(n + 1) * hidden]) if c0 else [0.0] * hidden
        for t in range(lengths[n] if lengths else steps):
            row = x[(t * batch + n) * inputs:(t * batch + n + 1) * inputs]
            a = [p + q for p, q in zip(times(w, row, weights["rnn.bias_ih_l0"][1]),
                                       times(u, h, weights["rnn.bias_hh_l0"][1]))]
            for k in range(hidden):
                i, f, o = (sigmoid(a[g * hidden + k]) for g in (0, 1, 3))
                c[k] = f * c[k] + i * math.tanh(a[2 * hidden + k])
                h[k] = o * math.tanh(c[k])
            y[(t * batch + n) * hidden:(t * batch + n + 1) * hidden] = h
        hn += h
        cn += c
    return y, hn, cn


def swapped(array):
    """[a,b,c] -> [b,a,c], or [a,b] -> [b,a]"""
    shape, values = array
    a, b, *rest = shape
    row = count(rest)
    out = []
    for j in range(b):
        for i in range(a):
            out += values[(i * b + j) * row:(i * b + j + 1) * row]
    return (b, a, *rest), out


def largest_difference(a, b):
    assert len(a) == len(b), (len(a), len(b))
    return max(abs(p - q) for p, q in zip(a, b))
