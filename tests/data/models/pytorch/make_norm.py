# SPDX-License-Identifier: MIT
"""Write norm_today.pt, norm_before.pt and what they compute, with PyTorch (README.md)."""
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import parametrizations, weight_norm

HERE = Path(sys.argv[1] if len(sys.argv) > 1 else ".")


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 4)
        self.out = nn.Linear(4, 2)

    def forward(self, x):
        return self.out(self.rnn(x)[0])


torch.manual_seed(3)
m = Norm()
x = torch.randn(5, 2, 3)
plain = {k: v.clone() for k, v in m.state_dict().items()}
y = m(x).detach().clone()
parametrizations.weight_norm(m.rnn, "weight_hh_l0")
parametrizations.weight_norm(m.rnn, "weight_ih_l0", dim=1)
parametrizations.weight_norm(m.out)
with torch.no_grad():  # the length of a direction says nothing
    for name, p in m.named_parameters():
        if name.endswith("original1"):
            p.mul_(1 + torch.rand(p.shape[0], *[1] * (p.dim() - 1)) if p.shape[0] != 16 or "hh" in name else 2.5)
torch.save({"loss": torch.tensor(0.5), "model_state_dict": m.state_dict(), "epoch": 2,
            "optimizer_state_dict": {"state": {0: {"exp_avg": torch.ones(16, 3)}}}}, HERE / "norm_today.pt")
old = Norm()
old.load_state_dict(plain)
weight_norm(old.rnn, "weight_hh_l0")
weight_norm(old.out, dim=None)
torch.save({"model." + k: v for k, v in old.state_dict().items()}, HERE / "norm_before.pt")
save_file({"norm.x": x, "norm.y": y.contiguous()}, HERE / "norm.safetensors")
