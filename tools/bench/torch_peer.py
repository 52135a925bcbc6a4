# SPDX-License-Identifier: MIT
"""PyTorch on the CPU: torch.nn.LSTM, GRU, RNN; training steps through autograd."""
import numpy as np
import torch


def make_network(problem, weights):
    p = problem
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[p.cell]
    extra = {"nonlinearity": p.act} if p.cell == "rnn" else {}
    network = kind(p.I, p.H, p.L, bidirectional=p.D == 2, **extra)
    with torch.no_grad():
        for parameter, weight in zip(network.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(weight))
    return network


class TorchPeer:
    library = "torch"

    def __init__(self, problem, numbers, threads):
        x, dy, weights = numbers
        self.problem, self.threads, self.results = problem, threads, None
        self.network = make_network(problem, weights).train(problem.train)
        self.x, self.dy = torch.from_numpy(x), torch.from_numpy(dy)
        if problem.train:
            self.x = self.x.clone().requires_grad_()

    def begin(self):
        torch.set_num_threads(self.threads)

    def run(self):
        if not self.problem.train:
            with torch.inference_mode():
                self.results = self.network(self.x)
            return
        self.network.zero_grad(set_to_none=True)
        self.x.grad = None
        self.results = self.network(self.x)
        self.results[0].backward(self.dy)

    def outputs(self):
        y, states = self.results
        states = states if self.problem.cell == "lstm" else (states,)
        out = {"y": y, **dict(zip(self.problem.states, states))}
        if self.problem.train:
            out["dx"] = self.x.grad
            out["dweights"] = torch.cat([p.grad.ravel() for p in self.network.parameters()])
        return {name: np.asarray(t.detach()) for name, t in out.items()}

    def close(self):
        self.network = self.results = None
