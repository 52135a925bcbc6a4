# SPDX-License-Identifier: MIT
"""Whole models, as ONNX files that clrnn imports, beside ONNX Runtime: recurrent layers and what
stands before and behind them. Weights are drawn; a file of --onnx brings its own."""
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

import ours

OPSET, IR_VERSION = 17, 8
OPEN_SIZE, BATCHES = 100, (1, 16)
KINDS = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32}


class Maker:
    """A graph, node by node; each method returns the name of what it makes."""

    def __init__(self):
        self.nodes, self.constants, self.numbers = [], [], np.random.default_rng(7)

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(value), name))
        return name

    def weights(self, *shape, inputs=None):
        bound = 1 / np.sqrt(inputs or shape[-1])
        return self.constant(self.numbers.uniform(-bound, bound, shape).astype(np.float32))

    def add(self, kind, *inputs, outputs=1, **attributes):
        names = [f"v{len(self.nodes)}_{k}" for k in range(outputs)]
        self.nodes.append(onnx.helper.make_node(kind, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def dense(self, x, width, units):
        product = self.add("MatMul", x, self.weights(width, units, inputs=width))
        return self.add("Add", product, self.weights(units, inputs=width))

    def conv(self, x, inputs, units, kernel):
        window = int(np.prod(kernel)) * inputs
        pads = [k // 2 for k in kernel] * 2
        return self.add("Relu", self.add("Conv", x, self.weights(units, inputs, *kernel,
                                                                 inputs=window),
                                         self.weights(units, inputs=window),
                                         kernel_shape=kernel, pads=pads))

    def recurrent(self, kind, x, width, hidden, both=False, last=False):
        """x [T,N,width] to [T,N,D*hidden], or the last h [N,hidden]."""
        gates, D = {"LSTM": 4, "GRU": 3}[kind], 2 if both else 1
        w, r = (self.weights(D, gates * hidden, n, inputs=hidden) for n in (width, hidden))
        b = self.weights(D, 2 * gates * hidden, inputs=hidden)
        attributes = {"linear_before_reset": 1} if kind == "GRU" else {}
        y, h = self.add(kind, x, w, r, b, outputs=3 if kind == "LSTM" else 2, hidden_size=hidden,
                        direction="bidirectional" if both else "forward", **attributes)[:2]
        if last:
            return self.add("Squeeze", h, self.constant(np.array([0], np.int64)))
        if not both:
            return self.add("Squeeze", y, self.constant(np.array([1], np.int64)))
        y = self.add("Transpose", y, perm=[0, 2, 1, 3])
        return self.add("Reshape", y, self.constant(np.array([0, 0, -1], np.int64)))

    def finish(self, name, kind, shape):
        """The model's bytes: input x, output `name`."""
        info, types = onnx.helper.make_tensor_value_info, onnx.TensorProto
        self.nodes.append(onnx.helper.make_node("Identity", [name], ["y"]))
        graph = onnx.helper.make_graph(
            self.nodes, "model", [info("x", types.INT64 if kind == "ids" else types.FLOAT, shape)],
            [info("y", types.FLOAT, None)], self.constants)
        model = onnx.helper.make_model(graph, ir_version=IR_VERSION,
                                       opset_imports=[onnx.helper.make_opsetid("", OPSET)])
        return model.SerializeToString()


def amplifier(m, N):
    """A guitar amplifier: a block of sound through an LSTM, and what came in added."""
    y = m.dense(m.recurrent("LSTM", "x", 1, 40), 40, 1)
    return m.finish(m.add("Add", y, "x"), "numbers", [1024, N, 1])


def tagger(m, N):
    """Classes of each frame: two convolutions and an LSTM over 200 spectra."""
    x = m.conv(m.conv("x", 40, 64, [5]), 64, 64, [3])
    y = m.recurrent("LSTM", m.add("Transpose", x, perm=[2, 0, 1]), 64, 128)
    return m.finish(m.add("Softmax", m.dense(y, 128, 32), axis=-1), "numbers", [N, 40, 200])


def text(m, N):
    """The next character: embedding, two layers of a GRU, logits."""
    x = m.add("Gather", m.weights(96, 64), "x")
    y = m.recurrent("GRU", m.recurrent("GRU", x, 64, 256), 256, 256)
    return m.finish(m.dense(y, 256, 96), "ids", [100, N])


def crnn(m, N):
    """Text in a picture of 32x128: convolutions, pooling, two bidirectional LSTMs."""
    x, pool = "x", {"kernel_shape": [2, 2], "strides": [2, 2]}
    for inputs, units in ((1, 32), (32, 64)):
        x = m.add("MaxPool", m.conv(x, inputs, units, [3, 3]), **pool)
    x = m.add("Transpose", m.conv(x, 64, 64, [3, 3]), perm=[3, 0, 1, 2])
    x = m.add("Reshape", x, m.constant(np.array([0, 0, -1], np.int64)))
    y = m.recurrent("LSTM", m.recurrent("LSTM", x, 512, 96, both=True), 192, 96, both=True)
    return m.finish(m.add("LogSoftmax", m.dense(y, 192, 64), axis=-1), "numbers", [N, 1, 32, 128])


def speaker(m, N):
    """A vector for a voice: three LSTMs over 160 spectra, the last state, its direction."""
    x = "x"
    for width in (40, 256):
        x = m.recurrent("LSTM", x, width, 256)
    y = m.add("Relu", m.dense(m.recurrent("LSTM", x, 256, 256, last=True), 256, 256))
    norm = m.add("ReduceL2", y, axes=[1], keepdims=1)
    return m.finish(m.add("Div", y, m.add("Add", norm, m.constant(np.float32(1e-6)))), "numbers",
                    [160, N, 40])


def denoiser(m, N):
    """A mask for 100 spectra: two GRUs between dense layers."""
    x = m.add("Tanh", m.dense("x", 129, 64))
    y = m.recurrent("GRU", m.recurrent("GRU", x, 64, 96), 96, 96)
    return m.finish(m.add("Sigmoid", m.dense(y, 96, 129)), "numbers", [100, N, 129])


@dataclass(frozen=True)
class Problem:
    name: str
    N: int
    make: object = None  # or None, and a file
    path: Path = None
    sizes: dict = field(default_factory=dict)

    def label(self):
        return f"{self.name} N={self.N}"

    def file(self, folder):
        if self.path:
            return self.path
        path = Path(folder) / f"{self.name}.onnx"
        path.write_bytes(self.make(Maker(), self.N))
        return path

    def size(self, axis, place):
        """Of an axis of a file: a number, or a name."""
        if isinstance(axis, int) and axis > 0:
            return axis
        if axis in self.sizes:
            return self.sizes[axis]
        return self.N if place == 0 or "batch" in str(axis).lower() else OPEN_SIZE

    def feed(self, session):
        numbers, arrays = np.random.default_rng(3), {}
        for value in session.get_inputs():
            if value.type not in KINDS:
                raise RuntimeError(f"input {value.name} is {value.type}")
            shape = [self.size(axis, k) for k, axis in enumerate(value.shape)]
            kind = KINDS[value.type]
            arrays[value.name] = (numbers.standard_normal(shape).astype(kind) if kind == np.float32
                                  else numbers.integers(0, 2 if self.path else 96, shape).astype(kind))
        return arrays


def problems(quick, files, sizes):
    numbers = {name: int(number) for name, _, number in (s.rpartition("=") for s in sizes)}
    made = (amplifier, text) if quick else (amplifier, tagger, text, crnn, speaker, denoiser)
    batches = BATCHES[:1] if quick else BATCHES
    return [*(Problem(make.__name__, N, make) for make in made for N in batches),
            *(Problem(path.stem[:32], N, path=path, sizes=numbers) for path in files
              for N in batches)]


class OnnxModel:
    library = "ort"

    def __init__(self, path, problem, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        self.threads, self.results = threads, None
        self.session = onnxruntime.InferenceSession(str(path), options,
                                                    providers=["CPUExecutionProvider"])
        self.feed = problem.feed(self.session)
        self.names = [value.name for value in self.session.get_outputs()]

    def begin(self):
        pass

    def run(self):
        self.results = self.session.run(self.names, self.feed)

    def outputs(self):
        return dict(zip(self.names, self.results))

    def close(self):
        self.session = self.results = None


def runners(clrnn, problem, folder, threads):
    path = problem.file(folder)
    try:
        peers = [OnnxModel(path, problem, count) for count in threads]
        for peer in peers:
            peer.run()
    except Exception as error:  # ONNX Runtime's own kinds
        raise RuntimeError(f"ONNX Runtime: {str(error).splitlines()[0][:150]}") from error
    yield ours.OursModel(clrnn, path, peers[0].feed)
    yield from peers
