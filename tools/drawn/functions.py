# SPDX-License-Identifier: MIT
"""Functions of one number as include/clrnn/network.h lists them, by PyTorch's own where it has them."""
import numpy as np
import torch
import torch.nn.functional as F

DEFAULTS = {"affine": (1, 0), "leaky_relu": (0.01, 0), "thresholded_relu": (1, 0), "scaled_tanh": (1, 1),
            "hard_sigmoid": (0.2, 0.5), "elu": (1, 0), "selu": (1.67326319217681884765625, 1.05070102214813232421875),
            "silu": (1, 0), "clip": (-1, 1)}


def _thresholded_relu(x, a, _):
    """At a itself PyTorch's would be 0; the gradient there is that of the flatter side."""
    return torch.where(x == a, x.detach(), F.threshold(x, a, 0.0))


FUNCTIONS = {
    "identity": lambda x, a, b: x,
    "tanh": lambda x, a, b: torch.tanh(x),
    "sigmoid": lambda x, a, b: torch.sigmoid(x),
    "relu": lambda x, a, b: torch.relu(x),
    "affine": lambda x, a, b: a * x + b,
    "leaky_relu": lambda x, a, b: F.leaky_relu(x, a),
    "thresholded_relu": _thresholded_relu,
    "scaled_tanh": lambda x, a, b: a * torch.tanh(b * x),
    "hard_sigmoid": lambda x, a, b: F.hardtanh(a * x + b, 0.0, 1.0),
    "elu": lambda x, a, b: F.elu(x, a),
    "softsign": lambda x, a, b: F.softsign(x),
    "softplus": lambda x, a, b: F.softplus(x, threshold=50),
    "selu": lambda x, a, b: b * F.elu(x, a),
    "gelu": lambda x, a, b: F.gelu(x),
    "gelu_tanh": lambda x, a, b: F.gelu(x, approximate="tanh"),
    "silu": lambda x, a, b: x * torch.sigmoid(a * x),
    "hard_swish": lambda x, a, b: F.hardswish(x),
    "mish": lambda x, a, b: F.mish(x),
    "clip": lambda x, a, b: torch.clamp(x, a, b),
    "exp": lambda x, a, b: torch.exp(x),
    "log": lambda x, a, b: torch.log(x),
    "sqrt": lambda x, a, b: torch.sqrt(x),
    "square": lambda x, a, b: torch.square(x),
    "abs": lambda x, a, b: torch.abs(x),
    "negate": lambda x, a, b: -x,
    "reciprocal": lambda x, a, b: torch.reciprocal(x),
    "sign": lambda x, a, b: torch.where(torch.isnan(x), x, torch.sign(x)),
    "floor": lambda x, a, b: torch.floor(x),
    "ceil": lambda x, a, b: torch.ceil(x),
    "not": lambda x, a, b: (x == 0).to(x.dtype),
    "erf": lambda x, a, b: torch.erf(x),
    "sin": lambda x, a, b: torch.sin(x),
    "cos": lambda x, a, b: torch.cos(x),
    "round": lambda x, a, b: torch.round(x),
    "to_f16": lambda x, a, b: x + (x.float().half().to(x.dtype) - x).detach(),
    "to_bf16": lambda x, a, b: x + (x.float().bfloat16().to(x.dtype) - x).detach(),
}


def function_of(about):
    """What a node of a graph applies: its function with alpha and beta."""
    name, numbers = about.get("function", "identity"), (about.get("alpha", 0), about.get("beta", 0))
    return lambda x: FUNCTIONS[name](x, *(numbers if any(numbers) else DEFAULTS.get(name, (0, 0))))


def activation_of(text):
    """That of a cell, "scaled_tanh:0.5:1.25"."""
    name, *numbers = text.split(":")
    numbers = [float(np.float32(n)) for n in numbers or DEFAULTS.get(name, (0, 0))]  # as clrnn_activation has them
    return lambda x: FUNCTIONS[name](x, *numbers, *[0] * (2 - len(numbers)))
