# SPDX-License-Identifier: MIT
"""Fifty steps of fine-tuning in PyTorch, float64, of models that are saved as a state_dict.

usage: make.py FOLDER              the models that tests/train/test_fine_tuning.c reads
       make.py FOLDER SEED COUNT   so many drawn ones

NAME.pt: the state_dict before. NAME.safetensors: x [B,T,N,I] or ids [B,T,N], lengths [B,N], targets
[B,T,N] (-1: not counted) or values [B,T,N,O] of B batches, of which step k takes number k mod B; losses
[50]; after.TENSOR, the state_dict after the last step. Metadata: the options of the optimiser, what the
loss is, and the architecture where names and shapes do not say it.
"""
import json
import pathlib
import random
import struct
import sys

import torch

STEPS, BATCHES, CLASSES = 50, 4, 5
ADAM = {"optimizer": "adam", "learning_rate": 0.01}
MOMENTUM = {"optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.9}
ADAMW = {"optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.1, "beta1": 0.8, "beta2": 0.99}
RMSPROP = {"optimizer": "rmsprop", "learning_rate": 0.002, "rho": 0.95, "epsilon": 1e-6}

CASES = {
    "lstm_adam": {"cell": "LSTM", "wishes": {}, "loss": "mean_squared", **ADAM},
    "lstm_momentum": {"cell": "LSTM", "wishes": {"num_layers": 2}, "loss": "cross_entropy", **MOMENTUM},
    "gru_adam": {"cell": "GRU", "wishes": {"num_layers": 2, "bidirectional": True},
                 "loss": "cross_entropy", **ADAM},
    "gru_momentum": {"cell": "GRU", "wishes": {"num_layers": 2, "bidirectional": True}, "ragged": True,
                     "loss": "mean_squared", **MOMENTUM},
    "embedding_adam": {"cell": "LSTM", "wishes": {}, "vocabulary": 9, "loss": "cross_entropy",
                       "ignored": True, **ADAM},
    "embedding_momentum": {"cell": "GRU", "wishes": {}, "vocabulary": 9, "loss": "cross_entropy",
                           "ragged": True, "ignored": True, **MOMENTUM},
    "projected_adamw": {"cell": "LSTM", "wishes": {"proj_size": 4, "bidirectional": True}, "ragged": True,
                        "loss": "mean_absolute", **ADAMW},
    "norm_rmsprop": {"cell": "RNN", "wishes": {"bias": False}, "norm": True, "loss": "binary", **RMSPROP},
    "conv_adam": {"cell": "GRU", "wishes": {}, "conv": 3, "loss": "mean_squared", **ADAM},
}


def save(path, tensors, metadata):
    header, body = {"__metadata__": {k: str(v) for k, v in metadata.items()}}, b""
    for name, t in tensors.items():
        whole = not t.is_floating_point()
        values = t.detach().reshape(-1).tolist()
        part = struct.pack(f"<{len(values)}{'i' if whole else 'd'}", *values)
        header[name] = {"dtype": "I32" if whole else "F64", "shape": list(t.shape),
                        "data_offsets": [len(body), len(body) + len(part)]}
        body += part
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + body)


class Net(torch.nn.Module):
    """What stands before a stack, the stack, and a linear layer; time first."""

    def __init__(self, case, sizes):
        super().__init__()
        inputs, hidden, outputs = sizes["inputs"], sizes["hidden"], sizes["outputs"]
        self.embedding = torch.nn.Embedding(case["vocabulary"], inputs) if "vocabulary" in case else None
        self.conv = torch.nn.Conv1d(inputs, inputs + 1, case["conv"]) if "conv" in case else None
        self.rnn = getattr(torch.nn, case["cell"])(inputs + ("conv" in case), hidden, **case["wishes"])
        width = (case["wishes"].get("proj_size") or hidden) * (1 + case["wishes"].get("bidirectional", 0))
        self.norm = torch.nn.LayerNorm(width) if case.get("norm") else None
        self.head = torch.nn.Linear(width, outputs)

    def forward(self, x, lengths):  # pylint: disable=arguments-differ
        steps = x.shape[0]
        if self.embedding:
            x = self.embedding(x.long())
        if self.conv:  # causal, and tanh
            x = torch.nn.functional.pad(x.permute(1, 2, 0), (self.conv.kernel_size[0] - 1, 0))
            x = torch.tanh(self.conv(x)).permute(2, 0, 1)
        if lengths is None:
            y = self.rnn(x)[0]
        else:
            packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths.long(), enforce_sorted=False)
            y = torch.nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], total_length=steps)[0]
        return self.head(self.norm(y) if self.norm else y)


def architecture(case, sizes):
    """Of a model whose convolution could have any stride and whatever behind it; else None."""
    if "conv" not in case:
        return None
    network = {"cell": "gru", "hidden_size": sizes["hidden"], "reset": "after", "update": "keeps",
               "num_layers": case["wishes"].get("num_layers", 1)}
    if case["wishes"].get("bidirectional"):
        network["bidirectional"] = True
    return {"graph": 1, "inputs": [{"name": "x", "shape": [-1, -2, sizes["inputs"]]}],
            "nodes": [{"kind": "conv1d", "name": "conv", "inputs": ["x"], "units": sizes["inputs"] + 1,
                       "kernel": [case["conv"], 0], "causal": True, "function": "tanh"},
                      {"kind": "recurrent", "name": "rnn", "inputs": ["conv"], "network": network},
                      {"kind": "dense", "name": "head", "inputs": ["rnn"], "units": sizes["outputs"]}],
            "outputs": [{"name": "logits", "value": "head"}]}


def batches(case, sizes):
    """x, lengths or None, targets or values, which places count: of each batch."""
    B, T, N, I, O = BATCHES, sizes["T"], sizes["N"], sizes["inputs"], sizes["outputs"]
    ids = "vocabulary" in case
    x = torch.randint(0, case["vocabulary"], (B, T, N)) if ids else torch.randn(B, T, N, I)
    lengths = torch.randint(1, T + 1, (B, N)) if case.get("ragged") else None
    if lengths is not None:
        lengths[:, 0] = T
    counted = torch.ones(B, T, N, dtype=torch.bool)
    if lengths is not None:
        counted = torch.arange(T)[None, :, None] < lengths[:, None, :]
    targets, values = torch.randint(0, O, (B, T, N)), torch.randn(B, T, N, O)
    if case.get("ignored"):
        targets[torch.rand(B, T, N) < 0.3] = -1
        targets[:, 0, 0] = 1
        counted &= targets >= 0
    if case["loss"] == "binary":
        values = (values > 0).double()
    return x, lengths, targets if case["loss"] == "cross_entropy" else values, counted


def loss_of(kind, logits, wanted, counted):
    rows, wanted = logits[counted], wanted[counted]
    if kind == "cross_entropy":
        return torch.nn.functional.cross_entropy(rows, wanted)
    if kind == "binary":
        return torch.nn.functional.binary_cross_entropy_with_logits(rows, wanted, reduction="none").sum(1).mean()
    return (torch.nn.functional.l1_loss if kind == "mean_absolute" else torch.nn.functional.mse_loss)(rows, wanted)


def optimizer_of(case, parameters):
    rate, parameters = case["learning_rate"], list(parameters)
    if case["optimizer"] == "sgd":
        return torch.optim.SGD(parameters, lr=rate, momentum=case.get("momentum", 0))
    if case["optimizer"] == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=rate, alpha=case["rho"], eps=case["epsilon"])
    betas = case.get("beta1", 0.9), case.get("beta2", 0.999)
    if case["optimizer"] == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, betas=betas, weight_decay=case["weight_decay"])
    return torch.optim.Adam(parameters, lr=rate, betas=betas)


def write(folder, name, case, seed, sizes=None):
    """Both files of a model."""
    torch.manual_seed(seed)
    sizes = sizes or {"T": 7, "N": 3, "inputs": 3, "hidden": 6, "outputs": CLASSES}
    net = Net(case, sizes).double()
    torch.save(net.state_dict(), f"{folder}/{name}.pt")
    x, lengths, wanted, counted = batches(case, sizes)
    optimizer, losses = optimizer_of(case, net.parameters()), []
    for step in range(STEPS):
        k = step % BATCHES
        optimizer.zero_grad()
        loss = loss_of(case["loss"], net(x[k], None if lengths is None else lengths[k]), wanted[k], counted[k])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    tensors = {"x": x, "targets" if case["loss"] == "cross_entropy" else "values": wanted}
    if lengths is not None:
        tensors["lengths"] = lengths
    tensors["losses"] = torch.tensor(losses)
    tensors.update({f"after.{k}": v for k, v in net.state_dict().items()})
    options = {k: v for k, v in case.items() if isinstance(v, (float, str)) and k != "cell"}
    arch = architecture(case, sizes)
    save(f"{folder}/{name}.safetensors", tensors, {**options, **({"arch": json.dumps(arch)} if arch else {})})


def drawn(seed):
    """A model nobody has thought of, and its sizes."""
    r = random.Random(seed)
    hidden, conv = r.randint(1, 12), r.random() < 0.2
    case = {"cell": "GRU" if conv else r.choice(["RNN", "LSTM", "GRU"]), "loss": r.choice(
        ["mean_squared", "cross_entropy", "binary", "mean_absolute"]), "wishes": {
            "num_layers": r.randint(1, 3), "bidirectional": r.random() < 0.5,
            **({} if conv else {"bias": r.random() < 0.8})}, **r.choice([ADAM, MOMENTUM, ADAMW, RMSPROP])}
    if case["cell"] == "LSTM" and hidden > 1 and r.random() < 0.3:
        case["wishes"]["proj_size"] = r.randint(1, hidden - 1)
    if conv:
        case["conv"] = r.randint(1, 3)
    elif r.random() < 0.4:
        case["vocabulary"] = r.randint(20, 30)
    case["ragged"], case["ignored"] = not conv and r.random() < 0.4, case["loss"] == "cross_entropy" and r.random() < 0.5
    # Widths that leave one order alone: ids are many, the linear layer's outputs wide.
    return case, {"T": r.randint(1, 12), "N": r.randint(1, 6), "inputs": r.randint(13, 18), "hidden": hidden,
                  "outputs": r.randint(50, 60)}


def main(folder, seed=None, count=None):
    torch.set_default_dtype(torch.float64)
    if seed is None:
        for name, case in CASES.items():
            write(folder, name, case, sum(map(ord, name)))
        return
    for k in range(int(seed), int(seed) + int(count)):
        case, sizes = drawn(k)
        write(folder, f"drawn{k}", case, k, sizes)


if __name__ == "__main__":
    main(*sys.argv[1:])
