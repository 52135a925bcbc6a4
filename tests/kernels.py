# SPDX-License-Identifier: MIT
"""Compile every kernel file as OpenCL C 1.2 with clang, with all warnings: alone with what it is
written to follow, under every value of its switches and every pair of values. No device is needed.

usage: kernels.py CL_DIR CLANG...     (its last argument may be -Werror)
"""
import concurrent.futures
import itertools
import re
import subprocess
import sys
from pathlib import Path

FLAGS = ["-x", "cl", "-cl-std=CL1.2", "-Xclang", "-finclude-default-header", "-fsyntax-only",
         "-Wall", "-Wextra", "-Wno-unused-parameter"]
CELLS = ["rnn", "lstm", "gru"]
PROGRAMS = [["prelude"], ["prelude", "philox"], ["prelude", "philox", "sequence"],
            ["prelude", "model"], ["prelude", "loss"], ["prelude", "optimizer"],
            ["prelude", "storage"], ["prelude", "storage", "convert"], ["prelude", "pack"],
            ["prelude", "storage", "tile"], ["prelude", "storage", "tile", "gemm"]]
PROGRAMS += [["prelude", "cell", cell] for cell in CELLS]
PROGRAMS += [["prelude", "cell", cell, "storage", "scan_launch", "scan", "scan_forward",
              "scan_backward", "stepwise"] for cell in CELLS]
for cell, way in itertools.product(CELLS, ("forward", "backward")):
    PROGRAMS += [["prelude", "cell", cell, "storage", "tile", "scan_launch", "scan", f"scan_{way}",
                  "partition", "persistent", f"persistent_{way}"],
                 ["prelude", "cell", cell, "storage", "scan_launch", "scan", f"scan_{way}",
                  "partition", "resident", f"resident_{way}"]]
# Values to try of a macro that has a default; a macro whose default is 0 or 1 is a switch.
VALUES = {"VEC": [1, 8, 16], "WG": [1, 64, 256], "TAKE": [1, 4], "KEPT": [32, 128], "STORAGE": [0, 1, 2, 3]}
OPTIONS = [None, 0, 1, 0xffff]  # not defined: the launch's; none, biases, all
VECTOR = {"rnn", "lstm", "gru", "storage", "tile", "gemm"}  # files that know VEC
SCALAR = {"stepwise", "convert", "resident"}  # and those that want it to be 1


def files_of(folder, program):
    """The files of a program and the templates that they include: {name: text}."""
    texts, names = {}, list(program)
    while names:
        name = names.pop()
        texts[name] = (folder / f"{name}.cl").read_text(encoding="utf-8")
        names += re.findall(r'^#include "(\w+)\.cl"$', texts[name], flags=re.M)
    return texts


def macros(folder, program):
    """The macros with a default in the files of a program: {name: values to try}."""
    found = {}
    for text in files_of(folder, program).values():
        for macro, value in re.findall(r"^#ifndef (\w+)\n# *define \1 +(\w+)", text, flags=re.M):
            found[macro] = VALUES.get(macro, [0, 1] if value in ("0", "1") else [value])
    if SCALAR & set(program) or not VECTOR & set(program):
        found["VEC"] = [1]
    if "cell" in program:
        found["OPTIONS"] = OPTIONS
    if "scan" in program:  # whether a group is one work-item makes two strategies
        found["WG"] = [256, 128] if "resident" in program else [1]
    return found


def possible(program, values):
    """Other storages than REAL are for float and for inference, and only they need convert.cl. With a
    cell one of them will do, the one whose panels have a head."""
    storage = values.get("STORAGE", 0)
    if storage == 0:
        return "convert" not in program
    if "stepwise" in program or ("scan" in program and storage != 3):
        return False
    return not values["REAL_IS_DOUBLE"] and "scan_backward" not in program


def deviations(choices, values):
    """How many macros differ from the first value to try; all pairs of values are enough."""
    return sum(value != choices[macro][0] for macro, value in values.items())


def compile_one(folder, clang, program, values):
    """The compiler's complaint, or an empty string."""
    defines = [f"-D{macro}={value}" for macro, value in values.items()
               if value is not None]
    if not values["REAL_IS_DOUBLE"]:  # as on a GPU without fp64
        defines += ["-Xclang", "-cl-ext=-cl_khr_fp64"]
    source = "".join(f'#include "{name}.cl"\n' for name in program)
    result = subprocess.run(clang + FLAGS + defines + [f"-I{folder}", "-"], input=source,
                            text=True, capture_output=True, check=False)
    title = " + ".join(program) + " " + " ".join(defines)
    return f"{title}\n{result.stderr}" if result.returncode else ""


def main():
    folder, clang = Path(sys.argv[1]), sys.argv[2:]
    forgotten = {p.stem for p in folder.glob("*.cl")} - {"native"}  # in place of OpenCL's own header
    for program in PROGRAMS:
        forgotten -= set(files_of(folder, program))
    jobs = []
    for program in PROGRAMS:
        choices = macros(folder, program)
        every = [dict(zip(choices, values)) for values in itertools.product(*choices.values())]
        jobs += [(program, values) for values in every
                 if possible(program, values) and deviations(choices, values) <= 2]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        complaints = [c for c in pool.map(lambda j: compile_one(folder, clang, *j), jobs) if c]
    for name in sorted(forgotten):
        complaints.append(f"{name}.cl is in no program: add it to tests/kernels.py")
    print(*complaints, sep="\n", end="\n" if complaints else "")
    print(f"{len(jobs)} programs, {len(complaints)} complaints")
    return 1 if complaints else 0


sys.exit(main())
