# SPDX-License-Identifier: MIT
"""Compile the kernels of cl/ ahead of time for the processor, for the native device.

usage: native.py CL_DIR OUT_DIR TABLE.c DEPFILE LD CLANG... -- LEVEL...

A program is a list of sources and defines, the same that the host asks for at run time (UNITS). Each
is preprocessed and compiled for each level to one object; TABLE.c lists them, for
host/device/native_kernels.h. The objects of a level become LEVEL.o in OUT_DIR. CLANG may name another
target than this machine (--target=..), which LD then links for.
"""
import concurrent.futures
import hashlib
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

# name: (floats in a register, flags of clang)
LEVELS = {
    "x86-64-v4": (16, ["-march=x86-64-v4", "-mprefer-vector-width=512"]),
    "x86-64-v3": (8, ["-march=x86-64-v3"]),
    "x86-64-v2": (4, ["-march=x86-64-v2"]),
    # Of the targets of clang this one does not say by itself that it has doubles.
    "aarch64": (4, ["-march=armv8-a", "-Xclang", "-cl-ext=+cl_khr_fp64"]),
}
FLAGS = ["-x", "cl", "-cl-std=CL1.2", "-cl-no-stdinc", "-ffp-contract=off"]
QUIET = ["-fvisibility=hidden", "-Wno-everything"]

BOOLS = (0, 1)
CELLS = [("lstm", {}), ("rnn", {}), ("gru", {"CELL_RESET_BEFORE": 0}), ("gru", {"CELL_RESET_BEFORE": 1})]
STORAGES = {"f32": 0, "f16": 1, "bf16": 2, "int8": 3}


def cell_programs(defines, sources, storages=(0,)):
    """Programs of prelude, a cell and a strategy, for every cell. Without OPTIONS: those of the
    launch are read."""
    for storage in storages:
        base = dict(defines, STORAGE=storage)
        for cell, form in CELLS:
            yield ["prelude", "philox", "function", "cell", "activation", "zoneout", cell] + sources, dict(base, **form)


def tiles(vector, double):
    """(VEC, TILE_V) of the panels: two registers wide, or what fits narrow networks."""
    own = vector // (2 if double else 1)
    width = 2 * (16 if own >= 16 else 8 if own >= 8 else 4 if own >= 4 else 1)
    vec = 16 if width >= 16 else 8 if width >= 8 else 1
    return [(vec, width // vec)]


def programs(vector):
    """(sources, defines) of every program that the host may ask for where registers hold `vector`
    floats; the defines are those of host/math/."""
    for double in BOOLS:
        real = {"REAL_IS_DOUBLE": double}
        storages = (0,) if double else STORAGES.values()
        yield ["prelude", "pack"], real
        yield ["prelude", "philox", "sequence"], dict(real, SUM_ROWS=64, SUM_COLUMNS=8 if double else 16)
        yield ["prelude", "norm"], dict(real, WG=1)
        yield (["prelude", "function", "cell", "activation", "scan_launch", "trace_launch", "trace"],
               real)
        yield ["prelude", "model"], real
        yield (["prelude", "philox", "function", "elementary", "map_launch", "nodes"],
               dict(real, MAP_COLUMNS=256))
        yield ["prelude", "elementary", "loss"], dict(real, SUM_ITEM=64, WG=1)
        yield ["prelude", "elementary", "loss", "ctc"], dict(real, WG=1)
        yield ["prelude", "optimizer"], real
        for vec, columns in tiles(vector, double):
            tile = dict(real, VEC=vec, TILE_V=columns)
            for storage in storages:
                yield (["prelude", "storage", "tile", "gemm"],
                       dict(tile, STORAGE=storage, TILE_M=6, TILE_K=128))
            scan = ["pack", "storage", "tile", "scan_launch", "scan"]
            forward = scan + ["scan_forward", "partition", "persistent", "persistent_input"]
            yield from cell_programs(tile, forward + ["persistent_forward"], storages)
            yield from cell_programs(dict(tile, LAYER_NORM=1, RARE=1), forward + ["persistent_forward"])
            width = vec * columns
            for single in [] if double or width < 16 else [width // 2, width]:
                yield from cell_programs(dict(real, VEC=single, TILE_V=width // single),
                                         forward + ["persistent_single"])
            back = scan + ["scan_backward", "partition", "persistent", "persistent_backward"]
            yield from cell_programs(tile, back)
            yield from cell_programs(dict(tile, LAYER_NORM=1, RARE=1), back)
        steps = ["storage", "scan_launch", "scan", "scan_forward", "scan_backward", "stepwise"]
        yield from cell_programs(real, steps)
    for storage in ("f16", "bf16", "int8"):
        yield ["prelude", "storage", "convert"], {"STORAGE": STORAGES[storage]}
    for double in BOOLS:
        yield ["prelude", "philox", "noise"], {"REAL_IS_DOUBLE": double}


def speed_of(level, defines):
    """How hard a program is compiled for speed: -O3 adds 1 to 5 % to it and half to its size, which is for
    single precision on processors of the last ten years, and no rare option."""
    rare = defines.get("REAL_IS_DOUBLE") or "RARE" in defines or "LAYER_NORM" in defines
    return ["-Os" if rare or level == "x86-64-v2" else "-O3"]


def options_of(defines):
    return " ".join(f"-D{name}={value}" for name, value in sorted(defines.items()))


def run(command, text):
    result = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    if result.returncode:
        sys.exit(f"{' '.join(command)}\n{result.stderr[:4000]}")
    return result.stdout


# Local memory of a group, for each argument; and its bit in the sizes (host/device/native_kernels.h).
LOCAL_BYTES, LOCAL = 1024, 1 << 31


def split_arguments(text):
    """(type, "value" or the memory that it points to) of each parameter of a kernel."""
    for parameter in text.split(","):
        words = re.sub(r"\b(const|volatile)\b", " ", parameter).replace("*", " * ").split()
        memory = "global" if "global" in words else "local"  # a word that cl/native.cl takes away
        yield " ".join(words[:-1]), memory if "*" in words else "value"


KERNEL = re.compile(r"((?:__attribute__\(\(\w+\)\)\s*)?)CLR_KERNEL((?:\s*__attribute__\(\(\w+\)\))?)"
                    r"\s+void\s+(\w+)\s*\(([^)]*)\)\s*\{")


class Unit:
    """One program for one level, as source and as a row of the table."""

    def __init__(self, prefix, sources, defines, clang, folder, level, pack=None):
        """pack: the unit whose kernel of cl/pack.cl this one has too, if it has it."""
        self.prefix, self.sources, self.options = prefix, sources, options_of(defines)
        self.speed, self.shared = speed_of(level, defines), [pack] if pack and "pack" in sources else []
        head = [f"#define {name} {value}" for name, value in sorted(defines.items())]
        # The kernels' own words for what only a scan needs to see.
        head += ["#define kernel CLR_KERNEL", "#define reqd_work_group_size(x, y, z) CLR_GROUP",
                 "#define work_group_size_hint(x, y, z) CLR_GROUP",
                 "#define LONG_ITEMS __attribute__((CLR_LONG))"]
        head += [f'#include "{name}.cl"' for name in ["native"] + sources
                 if not self.shared or name != "pack"]
        # -P: without the names of files, so that a copy of the tree finds its objects.
        text = run(clang + ["-E", "-P", f"-I{folder}", "-"], "\n".join(head) + "\n")
        self.kernels = []
        text = KERNEL.sub(self.take, text)
        self.text = text + "".join(self.wrapper(*kernel) for kernel in self.kernels)

    def take(self, match):
        before, after, name, parameters = match.groups()
        weight = ("CLR_NATIVE_HEAVY" if "CLR_GROUP" in before + after
                  else "CLR_NATIVE_LONG" if "CLR_LONG" in after else "CLR_NATIVE_LIGHT")
        self.kernels.append((name, list(split_arguments(parameters)), weight))
        return f"static inline void {name}(size_t clr_x, size_t clr_y, {parameters}) {{"

    def symbol(self, name):
        return f"clr_native_{self.prefix}_{name}"

    def wrapper(self, name, arguments, _):
        loads, sizes = "", []
        for i, (kind, memory) in enumerate(arguments):
            element = kind.rstrip("* ")
            loads += (f"    {element} v{i}[{LOCAL_BYTES} / sizeof({element})];\n"
                      if memory == "local" else f"    {kind} v{i} = *({kind} *)a[{i}];\n")
            sizes.append({"global": "0", "local": str(LOCAL | LOCAL_BYTES)}
                         .get(memory, f"sizeof({kind})"))
        values = "".join(f", v{i}" for i in range(len(arguments)))
        return f"""
constant const uint {self.symbol(name)}_sizes[] = {{{', '.join(sizes)}}};
void {self.symbol(name)}(const ulong *range, void *const *a);
void {self.symbol(name)}(const ulong *range, void *const *a)
{{
{loads}    for (ulong y = range[2]; y < range[3]; y++)
        for (ulong x = range[0]; x < range[1]; x++)
            {name}(x, y{values});
}}
"""

    def count(self):
        return sum(len(unit.kernels) for unit in self.shared + [self])

    def row(self):
        declarations = "".join(
            f"extern const uint32_t {self.symbol(name)}_sizes[];\n"
            f"void {self.symbol(name)}(const clr_native_range *range, void *const *arguments);\n"
            for name, _, _ in self.kernels)
        rows = "".join(
            f'    {{"{name}", {unit.symbol(name)}, {unit.symbol(name)}_sizes, {len(arguments)}, '
            f'{weight}}},\n' for unit in self.shared + [self]
            for name, arguments, weight in unit.kernels)
        return f"{declarations}static const clr_native_kernel {self.prefix}[] = {{\n{rows}}};\n"

    def compile(self, clang, path):
        if not path.exists():
            made = path.with_suffix(f".{os.getpid()}.tmp")
            run(clang + self.speed + ["-c", "-o", str(made), "-"], self.text)
            made.replace(path)
        return str(path)


def target_flags(clang):
    """What not every target has: code for shared libraries, which on Windows all code is."""
    windows = "windows" in run(clang + ["-print-target-triple"], "")
    return ["-fno-addrsig"] if windows else ["-fPIC"]


def level_units(level, folder, out, clang, pool):
    """Compile what differs from the objects that are there. Returns the units and their objects."""
    vector, flags = LEVELS[level]
    command = clang + FLAGS + target_flags(clang) + QUIET + flags
    scan = clang + ["-x", "cl", "-cl-std=CL1.2", "-cl-no-stdinc", "-Wno-everything"] + flags
    prefix = re.sub(r"\W", "_", level)
    listed = [(f"{prefix}_{i}", *program) for i, program in enumerate(programs(vector))]
    packs = {u[2]["REAL_IS_DOUBLE"]: Unit(*u, scan, folder, level)
             for u in listed if u[1] == ["prelude", "pack"]}

    def unit_of(listed):
        pack = packs.get(listed[2].get("REAL_IS_DOUBLE"))
        return pack if pack and pack.prefix == listed[0] else Unit(*listed, scan, folder, level, pack)
    units = list(pool.map(unit_of, listed))
    version = run(clang + ["--version"], "")

    def make(unit):
        key = hashlib.sha256("\n".join([version, *command, *unit.speed, unit.text]).encode()).hexdigest()
        return unit.compile(command, out / f"{key[:32]}.o")
    return units, list(pool.map(make, units))


def main():
    folder, out, table, depfile = (Path(a) for a in sys.argv[1:5])
    split = sys.argv.index("--")
    ld, clang, levels = sys.argv[5], sys.argv[6:split], sys.argv[split + 1:]
    out.mkdir(parents=True, exist_ok=True)
    text = ['/* made by tools/native.py; do not edit */', '#include "device/native_kernels.h"']
    rows = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for level in levels:
            units, objects = level_units(level, folder, out, clang, pool)
            run([ld, "-r", "-o", str(table.parent / f"native_{level}.o")] + objects, "")
            prefix = re.sub(r"\W", "_", level)
            text += [unit.row() for unit in units]
            listed = "".join(f'    {{"{" ".join(n + ".cl" for n in u.sources)}", "{u.options}", {u.prefix}, {u.count()}}},\n'
                             for u in units)
            text.append(f"static const clr_native_program {prefix}[] = {{\n{listed}}};\n")
            rows.append(f'    {{"{level}", {LEVELS[level][0]}, {prefix}, {len(units)}}},')
    text += ["const clr_native_level clr_native_levels[] = {", *rows, "};",
             f"const uint32_t clr_native_level_count = {len(rows)};", ""]
    table.write_text("\n".join(text), encoding="ascii")
    names = " ".join(str(p) for p in sorted(folder.glob("*.cl")))
    depfile.write_text(f"{table}: {names}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
