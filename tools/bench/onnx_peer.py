# SPDX-License-Identifier: MIT
"""ONNX Runtime on the CPU: a graph of one LSTM, GRU or RNN node for each layer."""
import numpy as np
import onnx
import onnxruntime

# PyTorch's gates in ONNX's order: LSTM i f g o to i o f c, GRU r z n to z r h.
GATE_ORDER = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn": (0,)}
OPSET, IR_VERSION = 14, 8


def reordered(problem, weight):
    gates = weight.reshape(problem.gates, problem.H, -1)[list(GATE_ORDER[problem.cell])]
    return gates.reshape(weight.shape)


def layer_nodes(problem, layer, weights, source):
    """Nodes and constants of one layer that reads the tensor `source` [T,N,*]."""
    p, name = problem, f"l{layer}"
    w, r, b_ih, b_hh = (np.stack([reordered(p, weights[4 * d + k]) for d in range(p.D)])
                        for k in range(4))
    constants = {f"W_{name}": w, f"R_{name}": r, f"B_{name}": np.concatenate([b_ih, b_hh], axis=1)}
    attributes = {"hidden_size": p.H, "direction": "bidirectional" if p.D == 2 else "forward"}
    if p.cell == "gru":
        attributes["linear_before_reset"] = 1
    if p.cell == "rnn":
        attributes["activations"] = [p.act.capitalize()] * p.D
    outputs = [f"Y_{name}", f"hn_{name}"] + [f"cn_{name}"] * (p.cell == "lstm")
    nodes = [onnx.helper.make_node(p.cell.upper(), [source, *constants], outputs, **attributes)]
    if layer + 1 < p.L:  # Y [T,D,N,H] to the next layer's X [T,N,D*H]
        constants[f"shape_{name}"] = np.array([p.T, p.N, p.D * p.H], np.int64)
        nodes += [onnx.helper.make_node("Transpose", [f"Y_{name}"], [f"Z_{name}"],
                                        perm=[0, 2, 1, 3]),
                  onnx.helper.make_node("Reshape", [f"Z_{name}", f"shape_{name}"], [f"X_{name}"])]
    return nodes, constants, outputs[1:]


def make_model(problem, weights):
    """A serialized model and the names of its outputs: Y of the last layer, then all states."""
    p, source, nodes, constants, states = problem, "X", [], {}, []
    for layer in range(p.L):
        new_nodes, new_constants, new_states = layer_nodes(
            p, layer, weights[4 * p.D * layer:4 * p.D * (layer + 1)], source)
        nodes += new_nodes
        constants.update(new_constants)
        states += new_states
        source = f"X_l{layer}"
    real = onnx.TensorProto.FLOAT
    names = [f"Y_l{p.L - 1}", *states]
    shapes = [[p.T, p.D, p.N, p.H]] + [[p.D, p.N, p.H]] * len(states)
    graph = onnx.helper.make_graph(
        nodes, "peer", [onnx.helper.make_tensor_value_info("X", real, [p.T, p.N, p.I])],
        [onnx.helper.make_tensor_value_info(n, real, s) for n, s in zip(names, shapes)],
        [onnx.numpy_helper.from_array(a, n) for n, a in constants.items()])
    model = onnx.helper.make_model(graph, ir_version=IR_VERSION,
                                   opset_imports=[onnx.helper.make_opsetid("", OPSET)])
    return model.SerializeToString(), names


class OnnxPeer:
    library = "ort"

    def __init__(self, problem, numbers, threads):
        x, _, weights = numbers
        self.problem, self.threads, self.feed, self.results = problem, threads, {"X": x}, None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model, self.names = make_model(problem, weights)
        self.session = onnxruntime.InferenceSession(model, options,
                                                    providers=["CPUExecutionProvider"])

    def begin(self):
        pass

    def run(self):
        self.results = self.session.run(self.names, self.feed)

    def outputs(self):
        """Y [T,D,N,H] as y [T,N,D*H]; states of all layers together."""
        p, out = self.problem, dict(zip(self.names, self.results))
        y = self.results[0].transpose(0, 2, 1, 3).reshape(p.T, p.N, p.D * p.H)
        return {"y": y, **{s: np.concatenate([out[f"{s}_l{k}"] for k in range(p.L)])
                           for s in p.states}}

    def close(self):
        self.session = self.results = None
