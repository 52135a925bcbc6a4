# SPDX-License-Identifier: MIT
"""The same problems in clrnn and in PyTorch on cuDNN, in turn, buffers on the device.

usage: cudnn.py CLRNN SELECTOR [--problem STR]...    (tools/bench/gpu calls it)
"""
import json
import statistics
import subprocess
import sys
import time

TURNS, LEAST_RUNS, LEAST_TIME = 3, 5, 0.2


def parse(text):
    return dict(pair.split("=") for pair in text.split(","))


class Peer:
    """One problem as a torch.nn module on a CUDA device."""

    def __init__(self, torch, text):
        p = parse(text)
        self.torch, self.train = torch, p.get("mode") == "train"
        kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[p["cell"]]
        sizes = {key: int(p[key]) for key in ("T", "N", "I", "H")}
        self.network = kind(sizes["I"], sizes["H"]).cuda().train(self.train)
        self.x = torch.randn(sizes["T"], sizes["N"], sizes["I"], device="cuda",
                             requires_grad=self.train)

    def once(self):
        if not self.train:
            with self.torch.inference_mode():
                self.network(self.x)
            return
        self.network.zero_grad(set_to_none=True)
        self.x.grad = None
        y = self.network(self.x)[0]
        y.backward(y.detach())

    def milliseconds(self):
        for _ in range(2):
            self.once()
        self.torch.cuda.synchronize()
        runs = []
        while len(runs) < LEAST_RUNS or sum(runs) < LEAST_TIME:
            begun = time.perf_counter()
            self.once()
            self.torch.cuda.synchronize()
            runs.append(time.perf_counter() - begun)
        return 1e3 * statistics.median(runs)


def ours(clrnn, selector, text):
    """(milliseconds, the figures of `clrnn bench`), after its check against the reference."""
    result = subprocess.run([clrnn, "bench", "--json", "--device", selector, "--problem", text],
                            text=True, capture_output=True, check=False)
    if result.returncode:
        sys.exit(f"cudnn: {text}: {result.stderr or result.stdout}")
    figures = json.loads(result.stdout)
    return figures["median_ms"], figures


def main():
    clrnn, selector = sys.argv[1:3]
    texts = [word for word in sys.argv[3:] if word != "--problem"]
    try:
        import torch
    except ImportError:
        torch = None
    if torch is None or not torch.cuda.is_available():
        print("cudnn: no PyTorch with CUDA here, nothing compared")
        return
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, "
          f"cuDNN {torch.backends.cudnn.version()}, no TF32; medians of {TURNS} turns")
    print(f"{'ours ms':>10} {'cuDNN ms':>10} {'ratio':>6}  strategy   problem")
    for text in texts:
        peer, mine, theirs = Peer(torch, text), [], []
        for _ in range(TURNS):
            ms, figures = ours(clrnn, selector, text)
            mine.append(ms)
            theirs.append(peer.milliseconds())
        a, b = statistics.median(mine), statistics.median(theirs)
        print(f"{a:10.3f} {b:10.3f} {b / a:6.2f}  {figures['strategy']:10} {text}", flush=True)


main()
