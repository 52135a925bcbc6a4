# SPDX-License-Identifier: MIT
"""Write checkpoint.pt and odd_checkpoint.pt: what training scripts keep beside a state_dict."""
import collections
import sys
from pathlib import Path

import numpy
import torch

HERE = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
states = {"rnn." + k: v for k, v in torch.nn.LSTM(2, 3).state_dict().items()}
beside = {"best": numpy.float64(0.5), "steps": numpy.int64(7), "done": {1, 2}, "fixed": frozenset((3,)),
          "seen": collections.Counter("aab"), "losses": collections.defaultdict(list, {"train": [0.25, 0.5]}),
          "means": collections.defaultdict(float), "key": b"\x00\xff", "buffer": bytearray(b"abc"), "pole": 1 + 2j,
          "random": torch.get_rng_state()[:8]}
torch.save({"state_dict": states, "epoch": 4, **beside}, HERE / "checkpoint.pt")
torch.save({"state_dict": states, "history": numpy.zeros(3)}, HERE / "odd_checkpoint.pt")
