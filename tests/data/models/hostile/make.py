# SPDX-License-Identifier: MIT
"""Write files beside this one that want to harm a reader."""
import os
import pickle
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import torch

HERE = Path(sys.argv[1] if len(sys.argv) > 1 else ".")


def archive(name, data, compression=zipfile.ZIP_STORED, extra=()):
    with zipfile.ZipFile(HERE / name, "w", compression) as out:
        out.writestr("m/data.pkl", data)
        for entry, content in extra:
            out.writestr("m/" + entry, content)


class Runs:
    def __reduce__(self):
        return os.system, ("echo harmed",)


for protocol in (2, 4):
    archive(f"runs{protocol}.pt", pickle.dumps({"weight": Runs()}, protocol))
archive("text.pt", b"cos\nsystem\n(S'echo harmed'\ntR.")
archive("instance.pt", b"\x80\x02(ios\nsystem\n.")
archive("itself.pt", b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.")
laughs = b"\x80\x02]q\x00K\x01a"
for i in range(60):
    laughs += b"]q" + bytes([i + 1]) + b"(h" + bytes([i]) + b"h" + bytes([i]) + b"e"
archive("laughs.pt", laughs + b".")
archive("deep.pt", b"\x80\x02" + b"]" * 200000 + b"a" * 199999 + b".", zipfile.ZIP_DEFLATED)
archive("many.pt", b"\x80\x02" + b"]" * 8000000 + b".", zipfile.ZIP_DEFLATED)
archive("memo.pt", b"\x80\x02Nr\xff\xff\xff\x7f.")
archive("long.pt", b"\x80\x02X\xff\xff\xff\x7fabc")
archive("number.pt", b"\x80\x02\x8b\xff\xff\xff\x7f")
archive("large_pickle.pt", b"N" * 120000000, zipfile.ZIP_DEFLATED)
torch.save({"a": torch.zeros(1).expand(100000, 100000)}, HERE / "expanded.pt")
torch.save({"a": torch.zeros(100, dtype=torch.uint8)}, HERE / "plain.pt")
with zipfile.ZipFile(HERE / "plain.pt") as plain:
    entries = {i: plain.read(i) for i in plain.namelist()}
with zipfile.ZipFile(HERE / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as out:
    for name, content in entries.items():
        content = content.replace(b"Kd", b"J\x00\x00\x00\x08") if name.endswith("pkl") else content
        out.writestr(name, bytes(1 << 27) if name.endswith("data/0") else content)
with zipfile.ZipFile(HERE / "short.pt", "w") as out:
    for name, content in entries.items():
        out.writestr(name, content[:50] if name.endswith("data/0") else content)
(HERE / "plain.pt").unlink()
torch.save({"state_dict": {("a", "b"): torch.zeros(2)}}, HERE / "pair.pt")
np.savez(HERE / "claims.npz", a=np.zeros(4, np.float32))
claims = (HERE / "claims.npz").read_bytes()
directory = claims.index(b"PK\1\2") + 24  # how large the entry is once unpacked
(HERE / "claims.npz").write_bytes(claims[:directory] + (1 << 31).to_bytes(4, "little") + claims[directory + 4:])

with h5py.File(HERE / "loop.h5", "w") as f:
    f.create_group("a/b")
    f["a/b/up"] = f["a"]
with h5py.File(HERE / "elsewhere.h5", "w") as f:
    f["a"] = h5py.ExternalLink("/etc/passwd", "/")
with h5py.File(HERE / "soft.h5", "w") as f:
    f["a"] = h5py.SoftLink("/a")
with h5py.File(HERE / "other_file.h5", "w") as f:
    f.create_dataset("a", (4,), "f4", external=[("/etc/passwd", 0, 16)])
with h5py.File(HERE / "large.h5", "w") as f:
    f.create_dataset("a", (1 << 40,), "f4")
with h5py.File(HERE / "chunk.h5", "w") as f:
    f.create_dataset("a", (4,), "f4", chunks=(1 << 28,), maxshape=(None,))
with h5py.File(HERE / "virtual.h5", "w") as f:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "a", (4,))
    f.create_virtual_dataset("a", layout)
with h5py.File(HERE / "endless.h5", "w") as f:
    f.attrs["model_config"] = ["a"]  # in a heap, whose free object at the end gets the size 0
heap = (HERE / "endless.h5").read_bytes()
size = heap.index(b"a\0\0\0\0\0\0\0", heap.index(b"GCOL")) + 16
(HERE / "endless.h5").write_bytes(heap[:size] + bytes(8) + heap[size + 8:])
