# SPDX-License-Identifier: MIT
"""An application with the library on machines that lack something: no OpenCL library and no driver at
all (a root of its own with nothing but the C library), no drivers, drivers that fail at load. It
starts, trains and infers on the native device, and log and report say what is missing.

usage: bare.py INCLUDE LIBCLRNN COMPILER...     exit 77: the library has no native kernels
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def build(include, library, compiler, folder):
    program = os.path.join(folder, "bare")
    subprocess.run([*compiler, "-std=c11", "-I" + include, os.path.join(HERE, "bare.c"), "-o", program,
                    library, "-Wl,-rpath," + os.path.dirname(os.path.abspath(library))], check=True)
    return program


def run(command, **environment):
    """The entries of the report, and the log."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("CLRNN_", "OCL_ICD", "OPENCL_", "POCL_"))}
    result = subprocess.run(command, env={**env, **environment}, capture_output=True, text=True)
    assert result.returncode == 0, result
    report = json.loads(result.stdout)
    assert report["report"] == 1
    return report["entries"], result.stderr


def find(entries, kind, outcome):
    found = [e for e in entries if e["kind"] == kind and e["outcome"] == outcome]
    assert found, f"no {kind} is {outcome}: {entries}"
    return found


def serves(entries):
    assert find(entries, "device", "chosen")[0]["platform"] == "native", entries
    assert all(e["problem"] for e in find(entries, "strategy", "passed"))
    assert not [e for e in entries if e["outcome"] in ("wrong", "not built", "too slow")]


def test_no_opencl_library(program, folder):
    for name, says in (("off", "off"), (folder + "/libOpenCL.so.1", "cannot open")):
        entries, log = run([program], CLRNN_OPENCL=name)
        serves(entries)
        assert says in find(entries, "opencl", "absent")[0]["reason"], entries
        assert "no OpenCL library" in log and says in log, log


def test_a_root_with_nothing(program, folder):
    """Not only no libOpenCL: no /dev, no /proc, no /etc."""
    if os.geteuid() != 0:
        return "needs root"
    root = os.path.join(folder, "root")
    needed = re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", program], check=True, text=True,
                                                     capture_output=True).stdout)
    for path in [program, *needed]:
        assert "OpenCL" not in path, path
        os.makedirs(root + os.path.dirname(path), exist_ok=True)
        shutil.copy(path, root + path)
    entries, log = run(["chroot", root, program])
    serves(entries)
    assert find(entries, "opencl", "absent")[0]["reason"]
    assert "no OpenCL library" in log, log
    return None


def test_no_driver(program, folder):
    empty = os.path.join(folder, "empty")
    os.makedirs(empty)
    for place, says in ((empty, "it names no driver"), ("/empty", "there is no such folder")):
        entries, log = run([program], OCL_ICD_VENDORS=place)
        serves(entries)
        if [e for e in entries if e["kind"] == "opencl" and e["outcome"] == "present"]:
            assert find(entries, "vendor", "absent")[0]["name"] == place
            assert f"no OpenCL driver: {place}: {says}" in log, log


def test_drivers_that_fail_at_load(program, folder):
    vendors = os.path.join(folder, "vendors")
    os.makedirs(vendors)
    garbage = os.path.join(folder, "libgarbage.so")
    with open(garbage, "wb") as f:
        f.write(b"\x7fELF" + b"no library at all" * 100)
    missing = os.path.join(folder, "libmissing.so")
    for name, library in (("a", missing), ("b", garbage), ("c", "")):
        with open(f"{vendors}/{name}.icd", "w", encoding="utf-8") as f:
            f.write(library + "\n")
    entries, log = run([program], OCL_ICD_VENDORS=vendors)
    serves(entries)
    if not [e for e in entries if e["kind"] == "opencl" and e["outcome"] == "present"]:
        return "no OpenCL library here"
    found = find(entries, "vendor", "not loaded")
    assert sorted(e["name"] for e in found) == sorted([missing, garbage]), found
    for library in missing, garbage:
        assert f"OpenCL driver {library} fails at load: " in log, log
        assert all(e["reason"] for e in found)
    return None


def test_no_gpu(program, folder):
    """Drivers that serve nothing but this processor are not even loaded: native needs none."""
    vendors = os.path.join(folder, "cpus")
    os.makedirs(vendors)
    with open(vendors + "/pocl.icd", "w", encoding="utf-8") as f:
        f.write("libpocl.so.2.10.0\n")
    if any(os.path.exists(f"/dev/{n}") for n in ("dri", "nvidiactl", "nvidia0", "nvidia-uvm", "kfd",
                                                 "dxg", "accel")):
        return "there is a GPU"
    entries, log = run([program], OCL_ICD_VENDORS=vendors)
    serves(entries)
    assert find(entries, "opencl", "not tried") and "OpenCL is not loaded" in log, (entries, log)
    return None


def main(include, library, *compiler):
    failed = 0
    with tempfile.TemporaryDirectory(prefix="clrnn-bare-") as top:
        program = build(include, library, compiler, top)
        alone = subprocess.run([program], env={"CLRNN_OPENCL": "off"}, capture_output=True, text=True)
        if "no native one" in alone.stderr:
            print("no native kernels: skipped")
            return 77
        for name, test in list(globals().items()):
            if not name.startswith("test_"):
                continue
            folder = os.path.join(top, name)
            os.makedirs(folder)
            try:
                skipped = test(program, folder)
                print(f"skip  {name[5:]}: {skipped}" if skipped else f"pass  {name[5:]}", flush=True)
            except AssertionError as wrong:
                print(f"FAIL  {name[5:]}: {wrong}", flush=True)
                failed += 1
    return 1 if failed else 0


sys.exit(main(*sys.argv[1:]))
