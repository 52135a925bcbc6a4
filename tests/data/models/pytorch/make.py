# SPDX-License-Identifier: MIT
"""Write the models beside this file, and what they compute, with PyTorch (README.md)."""
import pickle
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

HERE = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
results = {}


def draw(module):
    with torch.no_grad():
        for p in module.state_dict().values():
            if p.is_floating_point():
                p.copy_(torch.rand_like(p) + 0.5 if p.dim() == 0 else torch.randn_like(p) * 0.4)
    return module


def keep(name, x, y):
    results[name + ".x"] = x.contiguous()
    results[name + ".y"] = y.detach().contiguous()


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(11, 5)
        self.lstm = nn.LSTM(5, 6, num_layers=2, bidirectional=True)
        self.norm = nn.LayerNorm(12)
        self.out = nn.Linear(12, 4)

    def forward(self, x):
        return self.out(self.norm(self.lstm(self.emb(x))[0]))


class Net(nn.Module):
    """What names and shapes do not tell: stride, padding, activations, which step."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(3, 6, 3, padding=2, dilation=2)
        self.bn = nn.BatchNorm1d(6)
        self.rnn = nn.RNN(6, 5, nonlinearity="relu")
        self.a = nn.Linear(5, 4)
        self.b = nn.Linear(4, 2)

    def forward(self, x):  # [N,3,T]
        y = self.bn(torch.tanh(self.conv(x))).permute(2, 0, 1)
        y = self.rnn(y)[0]
        return torch.softmax(self.b(torch.relu(self.a(y))), -1)


class Slopes(nn.Module):
    """A slope for each feature, and what decodes labels, which is no part of what the network makes."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 4)
        self.act = nn.PReLU(4)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(self.act(self.rnn(x)[0].transpose(1, 2)).transpose(1, 2))


torch.manual_seed(1)
m = draw(Tagger())
x = torch.randint(0, 11, (7, 2))
states = {"module.encoder." + k: v for k, v in m.state_dict().items()}
torch.save({"epoch": 3, "loss": 0.25, "name": "tagger", "state_dict": states,
            "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1e-3}]}},
           HERE / "tagger.pt")
keep("tagger", x.int(), m(x))

m = draw(nn.GRU(3, 4, bidirectional=True))
x = torch.randn(5, 2, 3)
block = torch.cat([v.reshape(-1) for v in m.state_dict().values()])
views, at = {}, 0
for k, v in m.state_dict().items():  # views of one storage, matrices as transposes
    views[k] = block[at:at + v.numel()].view(v.shape)
    at += v.numel()
    if v.dim() == 2:
        views[k] = views[k].t().contiguous().t()
torch.save(views, HERE / "views.pth", pickle_protocol=5)
keep("views", x, m(x)[0])

m = draw(nn.LSTM(3, 5, proj_size=2).double())
x = torch.randn(6, 3, 3, dtype=torch.float64)
torch.save({"model": m.state_dict()}, HERE / "projected.bin", pickle_protocol=4)
keep("projected", x, m(x)[0])

m = draw(nn.LSTMCell(3, 4)).bfloat16().float()
x = torch.randn(4, 2, 3)
torch.save({"cell." + k: v.bfloat16() for k, v in m.state_dict().items()}, HERE / "cell.pt")
h, steps = (torch.zeros(2, 4), torch.zeros(2, 4)), []
for t in range(4):
    h = m(x[t], h)
    steps.append(h[0])
keep("cell", x, torch.stack(steps))

m = draw(Net()).eval()
m.bn.running_var.abs_().add_(0.5)
x = torch.randn(2, 3, 8)
torch.save(m.state_dict(), HERE / "net.pt")
keep("net", x, m(x))

types = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.uint8,
         torch.int16, torch.uint16, torch.int32, torch.uint32, torch.int64, torch.uint64, torch.bool]
torch.save({str(t)[6:]: torch.tensor([0, 1, 1]).to(t) for t in types}, HERE / "types.pt")

m = nn.LSTM(2, 3)
x = torch.randn(3, 2, 2)
keep("old", x, m(x)[0])
torch.save({"step": 7, "model": {"net." + k: v for k, v in m.state_dict().items()}}, HERE / "old.pt",
           _use_new_zipfile_serialization=False)
torch.save({"model": {"weight": torch.ones(2, 3)}, "letters": {"\0": 0, "a": 1, None: 2, (1, 2): [3]}},
           HERE / "letters.pt")
(HERE / "bare.pt").write_bytes(pickle.dumps({"weight": [1.0]}, 4))
torch.save(m, HERE / "module.pt")
torch.jit.save(torch.jit.script(m), HERE / "script.pt")
torch.export.save(torch.export.export(torch.nn.Linear(3, 2), (torch.ones(1, 3),)), HERE / "program.pt2")
torch.save({"basis": torch.ones(2, 3, 4), **{"conv." + k: v for k, v in torch.nn.Conv1d(3, 4, 2).state_dict().items()},
            **{"rnn." + k: v for k, v in torch.nn.GRU(4, 2).state_dict().items()}}, HERE / "alone.pt")

m = draw(Slopes())
x = torch.randn(5, 2, 3)
torch.save({**m.state_dict(), "crf.transitions": torch.randn(3, 3), "crf.start_transitions": torch.randn(3),
            "crf.end_transitions": torch.randn(3)}, HERE / "slopes.pt")
keep("slopes", x, m(x))
save_file(results, HERE / "results.safetensors")
