# SPDX-License-Identifier: MIT
"""Command lines, and the devices there are."""
import json
import os
import re
import subprocess
import sys

import harness
from harness import TIMEOUT, clrnn, fails, passes, write_text

COMMANDS = ["devices", "run", "train", "sample", "info", "verify", "bench", "tune",
            "conformance"]


def test_help():
    text = passes("--help")
    for name in COMMANDS:
        assert f"  {name} " in text, name
        own = passes(name, "--help")
        assert own.startswith(f"usage: clrnn {name} "), own
        assert "--device SEL" in own, own
    assert passes("--version").startswith("clrnn ")
    for word in "auto", "gpu", "cpu", "native", "nvidia", "amd", "intel", "pocl":
        assert re.search(rf"\b{word}\b", text), word


def test_words_of_help():
    """What an option may be stands there whole: completion of the shells is made from it."""
    for name in ["train", "run", "inspect", "compare", "predict", "convert"]:
        for option, words in re.findall(r"^  --([\w-]+) (\w+(?:\|\w+)+)",
                                        passes(name, "--help"), flags=re.M):
            for word in words.split("|"):
                result = clrnn(name, "--" + option, word)
                assert f"--{option} {word}" not in result.stderr, result.stderr


def test_bad_use():
    fails(2, says="no command")
    fails(2, "dance", says=["dance", "--help"])
    fails(2, "--dance", says="--dance")
    for name in COMMANDS:
        fails(2, name, "--dance", says=["--dance", f"clrnn {name} --help"])
        fails(2, name, "-x", says="-x")
        fails(2, name, "--device", says="--device")
    fails(2, "devices", "--json=1", says="--json")
    fails(2, "devices", "extra", says="extra")
    fails(2, "run", says="model")
    fails(2, "run", "a", "b", "--in", "x.npy", "--out", "y.npy", says="x is already read from b")
    fails(2, "conformance", says="no folder")
    fails(2, "train", "--save", "m.safetensors", says="--text")
    fails(2, "train", "--text", "t", says="--save")
    fails(2, "train", "--hidden", "0", says=["--hidden", "0"])
    fails(2, "train", "--hidden", "-5", says="--hidden")
    fails(2, "train", "--hidden", "4294967296", says="--hidden")
    fails(2, "train", "--steps", "1e3", says="--steps")
    fails(2, "train", "--lr", "nan", says="--lr")
    fails(2, "train", "--lr", "0", says="--lr")
    fails(2, "train", "--dropout", "1", says="--dropout")
    fails(2, "train", "--cell", "lstmm", says=["lstmm", "lstm|gru|rnn"])
    words = ["train", "--text", "t", "--save", "m.safetensors"]
    fails(2, *words, "--reset", "before", says=["--reset", "--cell gru"])
    fails(2, *words, "--cell", "gru", "--peepholes", says=["--peepholes", "--cell lstm"])
    fails(2, *words, "--cell", "rnn", "--update", "keeps", says=["--update", "--cell gru"])
    fails(2, "sample", says="model")
    fails(2, "sample", "m", "--temperature", "-1", says="--temperature")
    for command in ["verify", "bench"]:
        assert fails(2, command, "--problem", "T=1", "cell=lstmm", says="lstmm").stdout == ""
        fails(2, command, "--problem", "T=0", says="T")


def test_ranges():
    """What is out of range is told with the value that was given and what it may be."""
    for option, value, says in [("hidden", "0", "from 1 to 4294967295"),
                                ("hidden", "-5", "from 1 to 4294967295"),
                                ("hidden", "4294967296", "from 1 to 4294967295"),
                                ("hidden", "1.5", "a whole number from 1"),
                                ("steps", "99999999999999999999", "to 18446744073709551615"),
                                ("lr", "0", "a number from 1e-30 to 1e+38"),
                                ("lr", "fast", "a number from 1e-30 to 1e+38"),
                                ("dropout", "inf", "from 0 to 0.999")]:
        fails(2, "train", f"--{option}", value, says=[f"--{option} {value}: must be ", says])
    fails(2, "bench", "--problem", "cell=elman", says=["cell=elman", "lstm|gru|rnn"])


def test_line_breaks_in_names():
    fails(2, "run", "no\nsuch", "--in", "x", "--out", "y.npy", says="no such")


def test_output_that_cannot_be_written():
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run([harness.path_of_clrnn, "devices"], stdout=full,
                                stderr=subprocess.PIPE, timeout=TIMEOUT)
    assert result.returncode == 2 and result.stderr.count(b"\n") == 1, result


def test_devices():
    lines = passes("devices").splitlines()
    assert lines[0].startswith("DEVICE"), lines
    assert not any("not taken" in line for line in lines), lines  # the reason says it: "not chosen: .."
    devices = json.loads(passes("devices", "--json"))["devices"]
    assert sum(d["auto"] for d in devices) == 1
    for d in devices:
        assert d["precisions"][0] == "f32" and d["compute_units"] > 0 and d["reason"]
        assert any(line.startswith(d["device"]) and d["name"] in line for line in lines), d
    one = json.loads(passes("devices", "--json", "--device", devices[0]["device"]))["devices"]
    assert [d["name"] for d in one] == [devices[0]["name"]]
    fails(3, "devices", "--device", "native", CLRNN_NATIVE_LEVEL="none", says="CLRNN_NATIVE_LEVEL is off, or no level")


def test_what_is_missing():
    """`devices` says why there is no OpenCL, no driver, and no native kernels."""
    os.mkdir("vendors")
    with open("vendors/bad.icd", "w", encoding="utf-8") as f:
        f.write(os.path.abspath("libbad.so"))
    bad = {"OCL_ICD_VENDORS": os.path.abspath("vendors"), "CLRNN_DEVICE": ""}
    off = {"CLRNN_OPENCL": "off", "CLRNN_DEVICE": ""}
    none = {"CLRNN_NATIVE_LEVEL": "none", "CLRNN_DEVICE": ""}
    cases = [(off, "opencl", "absent", "", "OpenCL is off"),
             (bad, "vendor", "not loaded", os.path.abspath("libbad.so"), "No such file"),
             (none, "native", "absent", "", "native kernels are left out: CLRNN_NATIVE_LEVEL is off")]
    for environment, kind, outcome, name, says in cases:
        found = json.loads(clrnn("devices", "--json", **environment).stdout)["found"]
        if kind == "vendor" and not [e for e in found if e["kind"] == "opencl" and
                                     e["outcome"] == "present"]:
            continue  # no OpenCL library that would load it
        entry = [e for e in found if (e["kind"], e["outcome"]) == (kind, outcome)]
        assert entry and entry[0]["name"] == name and says in entry[0]["reason"], (found, says)
        lines = clrnn("devices", **environment).stdout.splitlines()
        assert any(line.startswith(f"  {kind} {outcome}") and says in line for line in lines), lines


def test_opencl_that_cannot_be_loaded():
    """Of several names of the library each says why it does not serve, not the last one alone."""
    found = json.loads(clrnn("devices", "--json", CLRNN_DEVICE="").stdout)["found"]
    if not sys.platform.startswith("linux") or any(e["reason"] == "OpenCL is linked" for e in found):
        return
    names = ["libOpenCL.so.1", "libOpenCL.so"]
    os.mkdir("broken")
    for name in names:
        with open(f"broken/{name}", "w", encoding="utf-8") as f:
            f.write("no library\n")
    path = os.pathsep.join([os.path.abspath("broken"), os.environ.get("LD_LIBRARY_PATH", "")])
    found = json.loads(clrnn("devices", "--json", CLRNN_DEVICE="", LD_LIBRARY_PATH=path).stdout)["found"]
    reason = [e["reason"] for e in found if (e["kind"], e["outcome"]) == ("opencl", "absent")]
    if reason and "broken" in reason[0]:  # as glibc says it
        assert all(f"broken/{name}: " in reason[0] for name in names), reason


def test_no_device():
    os.mkdir("empty")
    write_text()
    none = {"OCL_ICD_VENDORS": os.path.abspath("empty"), "CLRNN_DEVICE": "", "CLRNN_NATIVE_LEVEL": "off"}
    fails(3, "devices", says="driver", **none)
    result = fails(3, "devices", "--json", **none)
    assert json.loads(result.stdout)["devices"] == []
    fails(3, "verify", **none)
    fails(3, "verify", "--device", "all", **none)
    fails(3, "bench", **none)
    fails(3, "sample", "m.safetensors", **none)
    fails(3, "run", "m.safetensors", "--in", "x.npy", "--out", "y.npy", **none)
    fails(3, "train", "--text", "text.txt", "--save", "m.safetensors", **none)
    assert not os.path.exists("m.safetensors")


def test_unknown_device():
    name = json.loads(passes("devices", "--json"))["devices"][0]["name"]
    for command in ["devices", "verify", "bench"]:
        fails(3, command, "--device", "abacus", says=["abacus", name])
    fails(3, "devices", "--device", "77:0", says="77:0")
    fails(3, "devices", "--device", "abacus", CLRNN_DEVICE="cpu")
    fails(3, "verify", "--quick", CLRNN_DEVICE="abacus",
          says=['CLRNN_DEVICE="abacus"', name, "nvidia", "PLATFORM:DEVICE"])
    assert "CLRNN_DEVICE" not in fails(3, "devices", "--device", "abacus").stderr
    result = fails(3, "devices", "--json", CLRNN_DEVICE="abacus", says='CLRNN_DEVICE="abacus"')
    assert json.loads(result.stdout)["devices"], "the list is there nevertheless"


def test_unknown_log():
    for value in ["verbose", "INFO", "error,warn", "0"]:
        result = fails(2, "devices", CLRNN_LOG=value,
                       says=["CLRNN_LOG", value, "error, warn, info, debug"])
        assert result.stdout == ""
    for value in ["", "error", "warn"]:
        passes("devices", CLRNN_LOG=value)
    passes("--help", CLRNN_LOG="verbose")
