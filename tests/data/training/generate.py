# SPDX-License-Identifier: MIT
"""Some steps of training in PyTorch, float64: losses, and parameters after the last of them.

usage: generate.py FOLDER     with torch; writes NAME.safetensors for each case, read by
                              tests/train/test_steps.c

Tensors: parameters [count] in the order of clrnn_model_get_parameters, x [T,N,I], lengths [N], targets
[T,N] (-1: not counted) or values [T,N,O], weights [O], losses [steps], trained [count]. Metadata: the
options.
"""
import json
import math
import struct
import sys

import torch

T, N, I, H, O, STEPS = 6, 4, 3, 5, 3, 8

CASES = {
    "weights": {"loss": "cross_entropy", "weights": [0.5, 2.0, 1.25]},
    "absolute": {"loss": "mean_absolute"},
    "huber": {"loss": "huber", "huber_delta": 0.4},
    "binary": {"loss": "binary"},
    "missing_squared": {"loss": "mean_squared", "missing": 1},
    "missing_absolute": {"loss": "mean_absolute", "missing": 1},
    "missing_huber": {"loss": "huber", "huber_delta": 0.4, "missing": 1},
    "step": {"loss": "mean_squared", "schedule": "step", "step_every": 3, "step_factor": 0.3},
    "one_cycle": {"loss": "mean_squared", "schedule": "one_cycle"},
    "frozen": {"loss": "cross_entropy", "frozen": "head.", "clip": 0.2},
}


def save(path, tensors, metadata):
    header, body = {"__metadata__": {k: str(v) for k, v in metadata.items()}}, b""
    for name, t in tensors.items():
        integers = not t.is_floating_point()
        values = t.reshape(-1).tolist()
        part = struct.pack(f"<{len(values)}{'i' if integers else 'd'}", *values)
        header[name] = {"dtype": "I32" if integers else "F64", "shape": list(t.shape),
                        "data_offsets": [len(body), len(body) + len(part)]}
        body += part
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + body)


def flat(rnn, head):
    names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
    parts = [getattr(rnn, n) for n in names] + [head.weight, head.bias]
    return torch.cat([p.detach().reshape(-1) for p in parts]).clone()


def loss_of(case, logits, targets, values, counted):
    rows, kind = logits[counted], case["loss"]
    if kind == "cross_entropy":
        weights = torch.tensor(case["weights"]) if "weights" in case else None
        return torch.nn.functional.cross_entropy(rows, targets[counted].long(), weight=weights)
    wanted = values[counted]
    if kind == "binary":
        return torch.nn.functional.binary_cross_entropy_with_logits(
            rows, wanted, reduction="none").sum(1).mean()
    there = ~torch.isnan(wanted)
    rows, wanted = rows[there], wanted[there]
    if kind == "mean_absolute":
        return torch.nn.functional.l1_loss(rows, wanted)
    if kind == "huber":
        return torch.nn.functional.huber_loss(rows, wanted, delta=case["huber_delta"])
    return torch.nn.functional.mse_loss(rows, wanted)


def schedule_of(case, optimizer):
    if case.get("schedule") == "step":
        return torch.optim.lr_scheduler.StepLR(optimizer, case["step_every"], case["step_factor"])
    if case.get("schedule") == "one_cycle":
        return torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=STEPS,
                                                   cycle_momentum=False)
    return None


def run(name, case, folder):
    torch.manual_seed(sum(map(ord, name)))
    rnn, head = torch.nn.GRU(I, H), torch.nn.Linear(H, O)
    x, lengths = torch.randn(T, N, I), torch.tensor([6, 3, 5, 1], dtype=torch.int32)
    targets = torch.randint(0, O, (T, N), dtype=torch.int32)
    targets[2, 0] = targets[0, 2] = -1
    values = torch.randn(T, N, O)
    if case["loss"] == "binary":
        values = (values > 0).double()
    if case.get("missing"):
        values[torch.rand(T, N, O) < 0.3] = math.nan
    counted = (torch.arange(T)[:, None] < lengths[None, :]) & (targets >= 0)
    parameters = [p for p in list(rnn.parameters()) + list(head.parameters())]
    if "frozen" in case:
        for p in head.parameters():
            p.requires_grad = False
        parameters = list(rnn.parameters())
    tensors = {"parameters": flat(rnn, head), "x": x, "lengths": lengths, "targets": targets,
               "values": values}
    if "weights" in case:
        tensors["weights"] = torch.tensor(case["weights"])
    optimizer = torch.optim.Adam(parameters, lr=0.05)
    schedule, losses = schedule_of(case, optimizer), []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(case, head(rnn(x)[0]), targets, values, counted)
        loss.backward()
        if "clip" in case:
            norm = torch.linalg.vector_norm(torch.cat([p.grad.reshape(-1) for p in parameters]))
            for p in parameters:  # clip_grad_norm_ adds 1e-6 to the norm
                p.grad *= min(1.0, case["clip"] / norm)
        optimizer.step()
        if schedule:
            schedule.step()
        losses.append(loss.item())
    tensors["losses"], tensors["trained"] = torch.tensor(losses), flat(rnn, head)
    metadata = {k: v for k, v in case.items() if k != "weights"}
    save(f"{folder}/{name}.safetensors", tensors, metadata)


def main(folder):
    torch.set_default_dtype(torch.float64)
    for name, case in CASES.items():
        run(name, case, folder)


main(*sys.argv[1:])
