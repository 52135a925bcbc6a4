# SPDX-License-Identifier: MIT
"""Compile every kernel file as OpenCL C 1.2 with clang, with all warnings: alone with what it is
written to follow, under every value of its switches and every pair of values; what GPUs run also to
machine code for the GPUs that clang knows, and as OpenCL C 2.0 and 3.0. No device is needed.

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
PROGRAMS = [["prelude"], ["prelude", "philox"], ["prelude", "philox", "sequence"], ["prelude", "norm"],
            ["prelude", "philox", "function", "elementary", "map_launch", "nodes"],
            ["prelude", "function", "cell", "activation", "scan_launch", "trace_launch", "trace"],
            ["prelude", "model"], ["prelude", "elementary", "loss"],
            ["prelude", "elementary", "loss", "ctc"], ["prelude", "optimizer"],
            ["prelude", "philox", "noise"], ["turns"],
            ["prelude", "storage"], ["prelude", "storage", "convert"],
            ["prelude", "storage", "convert", "scan_launch", "lanes"], ["prelude", "pack"],
            ["prelude", "storage", "tile"], ["prelude", "function", "storage", "tile", "map_launch", "gemm"]]
PROGRAMS += [["prelude", "philox", "function", "cell", "activation", "zoneout", cell] for cell in CELLS]
PROGRAMS += [["prelude", "philox", "function", "cell", "activation", "zoneout", cell, "storage", "scan_launch", "scan", "scan_forward",
              "scan_backward", "stepwise"] for cell in CELLS]
for cell, way in itertools.product(CELLS, ("forward", "backward")):
    PROGRAMS += [["prelude", "philox", "function", "cell", "activation", "zoneout", cell, "storage", "tile", "scan_launch", "scan", f"scan_{way}",
                  "partition", "persistent",
                  *(["persistent_input"] if way == "forward" else []), f"persistent_{way}"],
                 ["prelude", "philox", "function", "cell", "activation", "zoneout", cell, "storage", "scan_launch", "scan", f"scan_{way}",
                  "partition", "resident", f"resident_{way}"],
                 ["prelude", "philox", "function", "cell", "activation", "zoneout", cell, "storage", "scan_launch", "scan", f"scan_{way}",
                  "fused", f"fused_{way}"]]
# Values to try of a macro that has a default; a macro whose default is 0 or 1 is a switch.
VALUES = {"VEC": [1, 8, 16], "WG": [1, 64, 256], "TAKE": [4, 6], "KEPT": [1, 8], "TAKE_2": [4, 2], "KEPT_2": [1, 4],
          "ROWS_ITEM": [4, 1, 2, 8], "STORAGE": [0, 1, 2, 3]}
OPTIONS = [None, 0, 1, 0xffff]  # not defined: the launch's; none, biases, all
VECTOR = {"rnn", "lstm", "gru", "storage", "tile", "gemm"}  # files that know VEC
SCALAR = {"trace", "convert", "stepwise", "resident", "fused"}  # and those that want it to be 1
AMD = ["-target", "amdgcn-amd-amdhsa", "-nogpulib"]
GPUS = {"gfx900": [*AMD, "-mcpu=gfx900"], "gfx1030": [*AMD, "-mcpu=gfx1030"],
        "gfx1100": [*AMD, "-mcpu=gfx1100"], "nvptx": ["-target", "nvptx64-nvidia-cuda"]}


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
    if "norm" in program:  # a lane for each work-item, or one work-item for all of them
        found["WG"] = [1, 32]
    if "persistent_forward" in program or "persistent_backward" in program:
        found["LAYER_NORM"] = [None, 1]
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


def gpu_jobs(clang):
    """(program, values, flags) of what a GPU runs, resident in double precision on the first of them;
    and the names of the GPUs that clang knows."""
    code = ["-S", "-O2", "-o", "/dev/null"]
    ends = {"sequence", "trace", "model", "loss", "optimizer", "noise", "turns", "convert", "pack", "gemm", "norm",
            "stepwise", "resident_forward", "resident_backward", "fused_forward", "fused_backward"}
    jobs, known = [], []
    for gpu, flags in GPUS.items():
        empty = subprocess.run(clang + ["-x", "cl", *flags, *code, "-"], input="kernel void f() {}",
                               text=True, capture_output=True, check=False)
        if empty.returncode:
            continue
        known.append(gpu)
        for program in PROGRAMS:
            if program[-1] not in ends:
                continue
            own = {"VEC": 1, "STORAGE": 3 if "convert" in program else 0}
            if "norm" in program:
                own["WG"] = 32
            if "resident" in program:
                own |= {"WG": 256, "TAKE": 2, "KEPT": 32, "OPTIONS": 1}
            jobs += [(program, {"REAL_IS_DOUBLE": double, **own}, flags + code)
                     for double in range(2 if "resident" in program and len(known) == 1 else 1)]
    for version, program in itertools.product(("2.0", "3.0"), PROGRAMS):
        if "resident" in program:
            jobs.append((program, {"REAL_IS_DOUBLE": 0, "WG": 256, "OPTIONS": 1},
                         ["-target", "spir64", f"-cl-std=CL{version}"]))
    return jobs, known


def compile_one(folder, clang, program, values, flags=()):
    """The compiler's complaint, or an empty string."""
    defines = [f"-D{macro}={value}" for macro, value in values.items()
               if value is not None]
    if not values.get("REAL_IS_DOUBLE"):  # as on a GPU without fp64
        defines += ["-Xclang", "-cl-ext=-cl_khr_fp64,-__opencl_c_fp64"]
    source = "".join(f'#include "{name}.cl"\n' for name in program)
    basic = [f for f in FLAGS if f != "-fsyntax-only" or "-S" not in flags]
    result = subprocess.run(clang + basic + [*flags, *defines, f"-I{folder}", "-"], input=source,
                            text=True, capture_output=True, check=False)
    title = " + ".join(program) + " " + " ".join([*flags, *defines])
    return f"{title}\n{result.stderr}" if result.returncode else ""


def main():
    folder, clang = Path(sys.argv[1]), sys.argv[2:]
    # In place of OpenCL's own header, and what is compiled ahead of time alone: the build does it.
    forgotten = {p.stem for p in folder.glob("*.cl")} - {"native", "native_parts", "persistent_single"}
    for program in PROGRAMS:
        forgotten -= set(files_of(folder, program))
    jobs = []
    for program in PROGRAMS:
        choices = macros(folder, program)
        every = [dict(zip(choices, values)) for values in itertools.product(*choices.values())]
        jobs += [(program, values) for values in every
                 if possible(program, values) and deviations(choices, values) <= 2]
    for_gpus, known = gpu_jobs(clang)
    jobs += for_gpus
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        complaints = [c for c in pool.map(lambda j: compile_one(folder, clang, *j), jobs) if c]
    for name in sorted(forgotten):
        complaints.append(f"{name}.cl is in no program: add it to tests/kernels.py")
    print(*complaints, sep="\n", end="\n" if complaints else "")
    print(f"{len(jobs)} programs, {len(complaints)} complaints; GPUs: {' '.join(known)}; unknown to "
          f"this clang: {' '.join(sorted(set(GPUS) - set(known))) or 'none'}")
    return 1 if complaints else 0


sys.exit(main())
