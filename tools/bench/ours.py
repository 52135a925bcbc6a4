# SPDX-License-Identifier: MIT
"""clrnn itself, through its library (and ours.c) and host memory."""
import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
# What ours_... returns, if it is not an int.
RESULTS = {"context": ctypes.c_void_p, "plan": ctypes.c_void_p,
           **dict.fromkeys(("reason", "device", "platform", "driver", "strategy", "gemm"),
                           ctypes.c_char_p)}


def command(*words):
    """Run a tool; leave with its complaint."""
    try:
        result = subprocess.run(words, text=True, capture_output=True, check=False)
    except FileNotFoundError:
        sys.exit(f"peers: {words[0]} is not installed; tools/setup build installs what is needed")
    if result.returncode:
        sys.exit(f"peers: {' '.join(words)} failed:\n{result.stdout}{result.stderr}")


def build(root, folder):
    """Build the library, the command and ours.c, as a release, where that is not done yet."""
    if not (folder / "build.ninja").exists():
        command("meson", "setup", str(folder), str(root), "--buildtype=release",
                "-Dtests=disabled", "-Dsafetensors=enabled", "-Dtools=enabled")
    command("ninja", "-C", str(folder))
    host = folder / "host"
    command(os.environ.get("CC", "cc"), "-std=c11", "-O2", "-shared", "-fPIC",
            f"-I{root / 'include'}", str(HERE / "ours.c"), "-o", str(folder / "ours.so"),
            f"-L{host}", "-lclrnn", f"-Wl,-rpath,{host}")


class Clrnn:
    """A context on one device."""

    def __init__(self, folder, selector=None):
        self.lib = ctypes.CDLL(str(folder / "ours.so"))
        for name, kind in RESULTS.items():
            getattr(self.lib, f"ours_{name}").restype = kind
        handle = self.lib.ours_context(selector.encode() if selector else None)
        if not handle:
            sys.exit(f"peers: {self.text('reason')}")
        self.handle = ctypes.c_void_p(handle)
        self.device, self.platform, self.driver = (
            self.text(name, self.handle) for name in ("device", "platform", "driver"))
        self.is_cpu = bool(self.lib.ours_is_cpu(self.handle))

    def text(self, name, *arguments):
        return getattr(self.lib, f"ours_{name}")(*arguments).decode(errors="replace")

    def fail(self):
        raise RuntimeError(self.text("reason"))

    def close(self):
        self.lib.ours_close_context(self.handle)


class Ours:
    """One problem on one device."""
    library, threads = "ours", 0

    def __init__(self, clrnn, problem, numbers):
        x, dy, weights = numbers
        flat = np.concatenate([w.ravel() for w in weights])
        self.clrnn, self.plan = clrnn, None
        plan = clrnn.lib.ours_plan(clrnn.handle, problem.string().encode(), pointer(flat),
                                   ctypes.c_size_t(flat.size))
        if not plan:
            clrnn.fail()
        self.plan = ctypes.c_void_p(plan)
        self.strategy = clrnn.text("strategy", self.plan)
        self.gemm = clrnn.text("gemm", self.plan)
        p, state = problem, (problem.L * problem.D, problem.N, problem.H)
        self.inputs = [x, dy]  # kept alive
        self.arrays = {"y": np.empty((p.T, p.N, p.D * p.H), np.float32),
                       **{name: np.empty(state, np.float32) for name in p.states}}
        if p.train:
            self.arrays.update(dx=np.empty_like(x), dweights=np.empty_like(flat))
        self.pointers = [self.plan, pointer(x),
                         *(pointer(self.arrays.get(name)) for name in ("y", "hn", "cn")),
                         pointer(dy if p.train else None),
                         *(pointer(self.arrays.get(name)) for name in ("dx", "dweights"))]

    def begin(self):
        pass

    def run(self):
        if self.clrnn.lib.ours_run(*self.pointers):
            self.clrnn.fail()

    def outputs(self):
        return self.arrays

    def close(self):
        self.clrnn.lib.ours_close_plan(self.plan)


class OursModel:
    """A model in a file, for arrays of these shapes; those of whole numbers are int64."""
    library, threads = "ours", 0

    def __init__(self, clrnn, path, feed):
        lib = self.lib = clrnn.lib
        self.clrnn = clrnn
        for name, kind in (("open_model", ctypes.c_void_p), ("model_value", ctypes.c_char_p),
                           ("model_strategies", ctypes.c_char_p)):
            getattr(lib, f"ours_{name}").restype = kind
        count = len(feed)
        feed = {name: np.ascontiguousarray(a) for name, a in feed.items()}
        self.kept = [feed]
        names = (ctypes.c_char_p * count)(*(name.encode() for name in feed))
        ranks = (ctypes.c_uint32 * count)(*(a.ndim for a in feed.values()))
        sizes = [n for a in feed.values() for n in a.shape]
        whole = (ctypes.c_void_p * count)(*(a.ctypes.data if a.dtype.kind == "i" else None
                                            for a in feed.values()))
        handle = lib.ours_open_model(clrnn.handle, str(path).encode(), count, names, ranks,
                                     (ctypes.c_uint64 * (len(sizes) + 1))(*sizes), whole)
        if not handle:
            clrnn.fail()
        self.handle = ctypes.c_void_p(handle)
        self.strategy, self.gemm = clrnn.text("model_strategies", self.handle), ""
        self.results = {}
        for name, shape, kind in self.values(0):
            self.give(0, name, np.ascontiguousarray(feed[name].reshape(shape), kind))
        for name, shape, kind in self.values(1):
            self.results[name] = np.zeros(shape, kind)
            self.give(1, name, self.results[name])

    def values(self, output):
        rank, shape, whole = ctypes.c_uint32(), (ctypes.c_uint64 * 16)(), ctypes.c_int()
        found = []
        while name := self.lib.ours_model_value(self.handle, output, len(found),
                                                ctypes.byref(rank), shape, ctypes.byref(whole)):
            found.append((name.decode(), tuple(shape[:rank.value]),
                          np.int32 if whole.value else np.float32))
        return found

    def give(self, output, name, array):
        text = ctypes.create_string_buffer(name.encode())
        self.lib.ours_model_array(self.handle, output, sum(o == output for o, *_ in self.kept[1:]),
                                  text, pointer(array))
        self.kept.append((output, text, array))

    def begin(self):
        pass

    def run(self):
        if self.lib.ours_run_model(self.handle):
            self.clrnn.fail()

    def outputs(self):
        return self.results

    def close(self):
        self.lib.ours_close_model(self.handle)


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data if array is not None else None)
