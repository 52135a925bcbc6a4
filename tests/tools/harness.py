# SPDX-License-Identifier: MIT
"""Running the command `clrnn` in a test, and what its files hold."""
import csv
import json
import os
import random
import subprocess

import arrays

COLUMNS = ["step", "characters", "seconds", "loss_nats", "train_bpc", "validation_bpc",
           "learning_rate", "gradient_norm"]
TIMEOUT = 3600  # of one command that hangs

path_of_clrnn = ""  # set by test_command.py


def clrnn(*args, **environment):
    """Run the command; its result with text outputs and no terminal."""
    env = {**os.environ, "CLRNN_LOG": "", **environment}
    return subprocess.run([path_of_clrnn, *args], capture_output=True, encoding="utf-8", env=env,
                          errors="backslashreplace", timeout=TIMEOUT, stdin=subprocess.DEVNULL)


def passes(*args, **environment):
    result = clrnn(*args, **environment)
    assert result.returncode == 0, f"{args}: exit {result.returncode}\n{result.stderr}"
    assert result.stderr == "", f"{args}: {result.stderr}"
    return result.stdout


def fails(code, *args, says="", **environment):
    """Exits with `code` and one line on stderr that contains `says`, or each of several."""
    result = clrnn(*args, **environment)
    lines = result.stderr.splitlines()
    assert result.returncode == code, f"{args}: exit {result.returncode}\n{result.stderr}"
    assert len(lines) == 1 and lines[0].startswith("clrnn: ") and result.stderr.endswith("\n"), \
        f"{args}: {result.stderr!r}"
    for part in [says] if isinstance(says, str) else says:
        assert part in lines[0], f"{args}: no {part!r} in {lines[0]!r}"
    return result


def on_native():
    """Whether commands run on the native device, which has no groups of many work-items."""
    device = os.environ.get("CLRNN_DEVICE") or "auto"
    return json.loads(passes("devices", "--json", "--device", device))["devices"][0]["name"] \
        .startswith("native")


def has_onnx():
    """A build without protobuf-c says so in one line, which is then all that is seen."""
    with open("probe.onnx", "wb") as f:
        f.write(b"\x08\x0a\x3a\x00")  # a graph of nothing
    return "protobuf-c" not in clrnn("info", "probe.onnx").stderr


def near(got, wanted, shape, bound=2e-6):
    assert tuple(got[0]) == tuple(shape), (got[0], shape)
    difference = arrays.largest_difference(got[1], wanted)
    assert difference <= bound, difference


def write_text(path="text.txt", size=3000):
    """Words in a pseudo-random order: something to learn, and something not."""
    source = random.Random(7)
    words = ["time ", "walks ", "through ", "the ", "gates,\n", "h ", "remembers ", "x. "]
    text = ""
    while len(text) < size:
        text += source.choice(words)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text[:size])


def read(path):
    with open(path, "rb") as f:
        return f.read()


def tensors_of(path):
    return arrays.read_raw(path)[0]


def log_of(path):
    with open(path, encoding="utf-8") as f:
        rows = list(csv.reader(f))
    assert rows[0] == COLUMNS, rows[0]
    return [dict(zip(COLUMNS, row)) for row in rows[1:]]


def without_time(rows):
    return [{**row, "seconds": ""} for row in rows]
