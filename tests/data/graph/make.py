# SPDX-License-Identifier: MIT
"""Make the files beside this script with PyTorch, in float64: python3 make.py

training.safetensors   fifty steps of gradient descent of conv1d, batch norm, two widths of LSTM, dense
                       and log-softmax: x, targets, parameters before and after, losses
functions.safetensors  functions of one number: x, and for each y and dy/dx
"""
import json
import struct
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).parent
STEPS, RATE = 50, 0.1


def save(name, tensors, note):
    """A safetensors file of float64 tensors."""
    header, data = {"__metadata__": {"made_by": note}}, b""
    for key, value in tensors.items():
        raw = value.detach().to(torch.float64).contiguous().numpy().tobytes()
        header[key] = {"dtype": "F64", "shape": list(value.shape),
                       "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (HERE / name).write_bytes(struct.pack("<Q", len(text)) + text + data)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(3, 6, 3, dilation=2, groups=3)
        self.norm = nn.BatchNorm1d(6)
        self.wide = nn.LSTM(6, 7)
        self.narrow = nn.LSTM(7, 4)
        self.head = nn.Linear(4, 5)

    def forward(self, x):  # [T,N,3]
        x = F.pad(x.permute(1, 2, 0), (4, 0))
        x = self.norm(torch.tanh(self.conv(x))).permute(2, 0, 1)
        x = self.narrow(self.wide(x)[0])[0]
        return torch.log_softmax(self.head(x), -1)


def parameters(net, prefix):
    return {prefix + k: v.clone() for k, v in net.state_dict().items() if "num_batches" not in k}


def training():
    torch.manual_seed(1)
    net = Net().double()
    x = torch.randn(9, 4, 3, dtype=torch.float64)
    targets = torch.randint(0, 5, (9, 4))
    out = {"x": x, "targets": targets, **parameters(net, "before.")}
    losses = []
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = F.nll_loss(net(x).reshape(-1, 5), targets.reshape(-1))
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    out.update(parameters(net, "after."), losses=torch.stack(losses))
    return out


def functions():
    x = torch.linspace(-4, 4, 33, dtype=torch.float64) + 0.01
    out = {"x": x}
    for name, f in {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": F.relu,
                    "leaky_relu": F.leaky_relu, "elu": F.elu, "softsign": F.softsign,
                    "softplus": F.softplus, "selu": F.selu, "gelu": F.gelu,
                    "gelu_tanh": lambda v: F.gelu(v, approximate="tanh"), "silu": F.silu,
                    "hard_swish": F.hardswish, "mish": F.mish, "exp": torch.exp,
                    "square": torch.square, "abs": torch.abs}.items():
        v = x.clone().requires_grad_()
        y = f(v)
        y.sum().backward()
        out[name + ".y"], out[name + ".dx"] = y, v.grad
    return out


if __name__ == "__main__":
    note = f"PyTorch {torch.__version__}, tests/data/graph/make.py"
    save("training.safetensors", training(), note)
    save("functions.safetensors", functions(), note)
