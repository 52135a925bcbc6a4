# SPDX-License-Identifier: MIT
"""Turns tests of other projects into the files beside this one: problem strings and weights in our
layout, outputs as they wrote them.

usage: make.py VECTORS    (a folder with glow, onnxruntime, keras and tflite: README.md has the sources)
"""
import json
import sys
from pathlib import Path

import numpy as np

NUMBERS = {"affine": 2, "leakyrelu": 1, "thresholdedrelu": 1, "scaledtanh": 2, "hardsigmoid": 2,
           "elu": 1}
NAMES = {"leakyrelu": "leaky_relu", "thresholdedrelu": "thresholded_relu",
         "scaledtanh": "scaled_tanh", "hardsigmoid": "hard_sigmoid"}
ONNX_ALPHA = {"affine": 1, "leakyrelu": .01, "thresholdedrelu": 1, "scaledtanh": 1,
              "hardsigmoid": .2, "elu": 1}
ONNX_BETA = {"affine": 0, "scaledtanh": 1, "hardsigmoid": .5}
GATES = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 2, 3, 1]}  # ours among ONNX's


def array(tensor):
    return None if tensor is None else np.array(tensor["data"], float).reshape(tensor["shape"])


def rows(matrix, order):
    """Rows of gates in another order."""
    parts = np.split(matrix, len(order))
    return np.concatenate([parts[i] for i in order])


def flat(a):
    return None if a is None else [float(f"{v:.9g}") for v in np.asarray(a, float).ravel()]


def functions(attributes, count, directions):
    """ONNX: a list of functions; alpha and beta go to those that have them, in order."""
    alpha = list(attributes.get("activation_alpha") or [])
    beta = list(attributes.get("activation_beta") or [])
    options = []
    for i, name in enumerate(attributes.get("activations") or []):
        name = name.lower()
        text = NAMES.get(name, name)
        a = alpha.pop(0) if name in ONNX_ALPHA and alpha else ONNX_ALPHA.get(name)
        b = beta.pop(0) if name in ONNX_BETA and beta else ONNX_BETA.get(name)
        if NUMBERS.get(name, 0) > 0:
            text += f":{a:.9g}"
        if NUMBERS.get(name, 0) > 1:
            text += f":{b:.9g}"
        if i // count < directions:
            options.append(f"act_{'fgh'[i % count]}{'_back' if i // count else ''}={text}")
    return options


def onnx(case):
    a, inputs = case["attributes"], case["inputs"]
    if case.get("expect", "success") != "success" or a.get("layout"):
        return None
    if a.get("input_forget"):  # of Glow, which has i = 1 - f there
        return None
    op = case["op"]
    get = lambda key: array(inputs.get(key))
    x, w, r, b = get("X"), get("W"), get("R"), get("B")
    directions, h = w.shape[0], r.shape[2]
    order = GATES[op]
    weights = []
    for d in range(directions):
        weights += [rows(w[d], order), rows(r[d], order)]
        if b is not None:
            weights += [rows(half, order) for half in np.split(b[d], 2)]
        if get("P") is not None:
            i, o, f = np.split(get("P")[d], 3)
            weights += [i, f, o]
    options = [f"cell={op.lower()}", f"T={x.shape[0]}", f"N={x.shape[1]}", f"I={x.shape[2]}",
               f"H={h}", f"D={directions}"]
    if op == "GRU":
        options += ["update=keeps"] + (["reset=after"] if a.get("linear_before_reset") else [])
    options += functions(a, {"RNN": 1, "GRU": 2, "LSTM": 3}[op], directions)
    if a.get("clip"):
        options.append(f"gate_clip={a['clip']:.9g}")
    if a.get("direction") == "reverse":
        options.append("reverse=1")
    if b is None:
        options.append("bias=0")
    if get("P") is not None:
        options.append("peepholes=1")
    y = array(case["outputs"].get("Y"))
    lengths = inputs.get("sequence_lens")
    return {"problem": ",".join(options), "x": x, "weights": np.concatenate([v.ravel() for v in weights]),
            "h0": get("initial_h"), "c0": get("initial_c"),
            "lengths": lengths["data"] if lengths else None,
            "y": None if y is None else y.transpose(0, 2, 1, 3),
            "hn": array(case["outputs"].get("Y_h")), "cn": array(case["outputs"].get("Y_c"))}


def keras(case):
    a, inputs = case["attributes"], case["inputs"]
    cell = {"SimpleRNN": "rnn"}.get(case["op"], case["op"].lower())
    x = array(inputs["sequence"])
    gates, units, features = {"rnn": 1, "gru": 3, "lstm": 4}[cell], a["units"], x.shape[2]
    if case["compare"] != "output":
        return None
    kernel, recurrent, bias = (a[f"{k}_initializer"] for k in ("kernel", "recurrent", "bias"))
    options = [f"cell={cell}", f"T={x.shape[1]}", f"N={x.shape[0]}", f"I={features}", f"H={units}"]
    weights = [kernel] * (gates * units * features) + [recurrent] * (gates * units * units)
    after = cell == "gru" and a.get("reset_after", True)
    if cell == "gru":
        options += ["update=keeps"] + (["reset=after"] if after else [])
    if a.get("use_bias") is False:
        options.append("bias=0")
    elif after:
        weights += [bias] * (2 * gates * units)
    else:
        forget = cell == "lstm" and a.get("unit_forget_bias", True)
        options.append("bias=one")
        weights += [1.0 if forget and k // units == 1 else bias for k in range(gates * units)]
    if a.get("go_backwards"):
        options.append("reverse=1")
    if inputs["mask"]:
        options.append("mask=zero" if a.get("zero_output_for_mask") else "mask=repeat")
    state = inputs["initial_state"] or inputs["stateful_prior_state"] or []
    expected = array(case["expected"])
    result = {"problem": ",".join(options), "x": x.transpose(1, 0, 2), "weights": weights,
              "h0": array(state[0]) if state else None,
              "c0": array(state[1]) if len(state) > 1 else None,
              "mask": np.array(inputs["mask"]).T if inputs["mask"] else None}
    if not a.get("return_sequences"):
        return dict(result, hn=expected)
    expected = expected.reshape(x.shape[0], x.shape[1], units).transpose(1, 0, 2)
    return dict(result, y=expected[::-1] if a.get("go_backwards") else expected)


def tflite(case):
    a, inputs = case["attributes"], case["inputs"]
    if a["layer_norm"] or "projection_bias" in inputs:
        return None
    get = lambda key: array(inputs.get(key))
    x, y = get("input"), array(case["outputs"]["output"])
    n, units = x.shape[2], get("forget_gate_bias").size
    gates = ["input", "forget", "cell", "output"]
    parts, peepholes = [], "cell_to_output_weights" in inputs
    # CIFG: i = 1 - f = sigm(-a_f), so ours of i are those of f, negated.
    def gate(pattern, name, shape):
        if name == "input" and a["cifg"]:
            return -get(pattern.format("forget")).reshape(shape)
        return get(pattern.format(name)).reshape(shape)
    parts += [gate("input_to_{}_weights", g, (units, n)) for g in gates]
    parts += [gate("recurrent_to_{}_weights", g, (units, -1)) for g in gates]
    parts += [gate("{}_gate_bias", g, (units,)) for g in gates]
    options = ["cell=lstm", f"T={x.shape[1]}", f"N={x.shape[0]}", f"I={n}", f"H={units}", "bias=one"]
    if "projection_weights" in inputs:
        parts.append(get("projection_weights").reshape(-1, units))
        options.append(f"P={y.shape[2]}")
    if peepholes:
        parts += [gate("cell_to_{}_weights", g, (units,)) for g in ("input", "forget", "output")]
        options.append("peepholes=1")
    if a["cifg"]:
        options.append("coupled=1")
    options += [f"{k}={a[k]:.9g}" for k in ("cell_clip", "proj_clip") if a[k]]
    return {"problem": ",".join(options), "x": x.transpose(1, 0, 2),
            "weights": np.concatenate([p.ravel() for p in parts]), "y": y.transpose(1, 0, 2)}


def convert(folder, files, function, name):
    cases = []
    for file in files:
        for case in json.loads((folder / file).read_text())["cases"]:
            made = function(case)
            if made:
                cases.append({"name": case["id"], **{
                    k: v if isinstance(v, str) else [int(i) for i in np.ravel(v)]
                    if k in ("mask", "lengths") else flat(v) for k, v in made.items()
                    if v is not None}})
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    Path(__file__).with_name(name).write_text(f'{{"cases": [\n{lines}\n]}}\n', encoding="ascii")
    print(name, len(cases))


def main():
    folder = Path(sys.argv[1])
    convert(folder / "glow", ["glow_rnn.json"], onnx, "glow.json")
    convert(folder / "onnxruntime", ["rnn_op_test.json", "deep_cpu_gru_op_test.json"], onnx,
            "onnxruntime.json")
    convert(folder / "keras", ["keras_rnn.json"], keras, "keras.json")
    convert(folder / "tflite", ["tflite_lstm.json"], tflite, "tflite.json")


if __name__ == "__main__":
    main()
