# SPDX-License-Identifier: MIT
"""RNN, LSTM and GRU with every attribute."""
import numpy as np

from draw import op

FUNCTIONS = {"Sigmoid": 0, "Tanh": 0, "Relu": 0, "Affine": 2, "LeakyRelu": 1, "ThresholdedRelu": 1, "ScaledTanh": 2,
             "HardSigmoid": 2, "Elu": 1, "Softsign": 0, "Softplus": 0}
USUAL = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def functions(c, cell, D):
    """activations with every alpha and beta given, where they have them."""
    names = [c.one_of(*FUNCTIONS) if c.chance(0.6) else usual for usual in USUAL[cell] * D]
    if not any(FUNCTIONS[n] for n in names):
        return {"activations": names}
    # ONNX Runtime takes the numbers in order, of those functions that have them.
    alphas = [c.real(0.1, 1) for n in names if FUNCTIONS[n] >= 1]
    betas = [c.real(0, 1) for n in names if FUNCTIONS[n] == 2]
    return {"activations": names, "activation_alpha": alphas, "activation_beta": betas or None}


def cell(name):
    def draw(c):
        T, N, I, H = c.between(1, 7), c.between(1, 4), c.between(1, 6), c.between(1, 7)
        direction = c.one_of(None, "forward", "reverse", "bidirectional")
        D = 2 if direction == "bidirectional" else 1
        layout = c.one_of(None, 0, 0, 1) if c.opset >= 14 else None
        given = functions(c, name, D) if c.chance() else {}
        given.update(hidden_size=H, direction=direction, layout=layout, clip=c.real(0.2, 2) if c.chance(0.3) else None)
        if name == "LSTM":
            given["input_forget"] = c.one_of(None, None, 0, 1)
        if name == "GRU":
            given["linear_before_reset"] = c.one_of(None, 0, 1)
        G = GATES[name]
        states = [N, D, H] if layout else [D, N, H]
        known = c.chance(0.9)
        inputs = [c.reals([N, T, I] if layout else [T, N, I], known=False), c.reals([D, G * H, I], -1, 1, known),
                  c.reals([D, G * H, H], -1, 1, known)]
        inputs.append(c.reals([D, 2 * G * H], -1, 1, known) if c.chance(0.7) else "")
        inputs.append(c.ints(c.array([N], 1, T, "i4"), c.chance(), "i4") if c.chance(0.3) else "")
        inputs.append(c.reals(states, -1, 1) if c.chance() else "")
        if name == "LSTM":
            inputs.append(c.reals(states, -1, 1) if c.chance() else "")
            inputs.append(c.reals([D, 3 * H], -1, 1, known) if c.chance(0.3) else "")
        while not inputs[-1]:
            inputs.pop()
        names = [c.fresh() if c.chance(0.7) else "" for _ in range(3 if name == "LSTM" else 2)]
        if not any(names):
            names[0] = c.fresh()
        while not names[-1]:
            names.pop()
        c.node(name, inputs, names, **given)
        c.give(*names)
    return draw


for _name in USUAL:
    op(_name)(cell(_name))
