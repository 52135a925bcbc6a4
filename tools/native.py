# SPDX-License-Identifier: MIT
"""Compile the kernels of cl/ ahead of time for the processor, for the native device.

usage: native.py CL_DIR OUT_DIR TABLE.c DEPFILE LD CLANG... -- LEVEL...

A program is a list of sources and defines, the same that the host asks for at run time. Each is
preprocessed and compiled for each level to one object; what several of them have in common, kernels
and functions that are not in line, to objects of its own. TABLE.c lists them, for
host/device/native_kernels.h. The objects of a level become LEVEL.o in OUT_DIR. CLANG may name another
target than this machine (--target=..), which LD then links for.
"""
import collections
import concurrent.futures
import functools
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
FLAGS = ["-x", "cl", "-cl-std=CL1.2", "-cl-no-stdinc", "-ffp-contract=off",
         "-fno-builtin"]
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
                yield (["prelude", "function", "storage", "tile", "map_launch", "gemm"],
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
    yield ["turns"], {}


ENOUGH = {"nodes", "gemm", "persistent_single", "persistent_backward", "sequence", "trace", "loss", "optimizer",
          "noise", "turns"}


def speed_of(level, sources, defines):
    """How hard a program is compiled for speed: -O3 adds 1 to 5 % to it and half to its size, which is for
    single precision on processors of the last ten years, stored as it is, and no rare option. What is
    written out by hand, or waits for memory, is as fast with -O2 (ENOUGH)."""
    rare = "ctc" in sources or any(
        defines.get(name) for name in ("REAL_IS_DOUBLE", "STORAGE", "RARE", "LAYER_NORM"))
    if rare or level == "x86-64-v2":
        return ["-Os"]
    return ["-O2" if ENOUGH & set(sources) else "-O3"]


def symbol_of(level):
    return re.sub(r"\W", "_", level)


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
ATTRIBUTE = re.compile(r"__attribute__\(\((?:[^()]|\([^()]*\))*\)\)")


@functools.cache
def words_of(text):
    return frozenset(re.findall(r"[A-Za-z_]\w*", text))


def declarations(text):
    """(names, text) of the declarations of a preprocessed text, one after the other. A pragma has no
    name; what is neither a function nor a type has all of its words as names."""
    start, depth, function = 0, 0, None
    for token in re.finditer(r"^#.*$|[{};]", text, flags=re.M):
        mark = token.group()
        head = "" if depth else ATTRIBUTE.sub("", text[start:token.start()])
        if not depth and mark in "{;":
            function = re.match(r"[^=({]*?(\w+)\s*\(", head)
        depth += (mark == "{") - (mark == "}")
        if depth or mark == "}" and not function:
            continue
        found = text[start:token.end()].strip()
        yield ([] if mark[0] == "#" else [function[1]] if function else
               re.findall(r"\w+", head)[-1:] if found.startswith("typedef") else words_of(found)), found
        start, function = token.end(), None


class Part:
    """A function that is not in line, or a kernel, with all that it stands on: where several programs
    of a level have it, it is compiled once, apart from them. Its symbol says what it is made of."""

    def __init__(self, name, text, known, level, speed):
        """known: {name: [(place, declaration)]} of what is declared before it."""
        needed, new = dict(known.get("", ())), [text]
        while new:
            for word in words_of(new.pop()):
                more = [one for one in known.get(word, ()) if one[0] not in needed]
                needed.update(more)
                new += [one[1] for one in more]
        self.before = "".join(needed[place] + "\n" for place in sorted(needed))
        self.name, self.speed = name, speed
        key = hashlib.sha256("\n".join([*speed, self.before, text]).encode()).hexdigest()[:16]
        self.symbol = f"clr_native_{symbol_of(level)}_{name}_{key}"


class Function(Part):
    def __init__(self, name, text, known, level):
        super().__init__(name, text, known, level, ["-Os"]) # what is rare
        apart = re.sub(r"\b(static|inline)\b", "", text)
        self.inside, self.seen = text, f'{apart[:apart.index("{")]} __asm__("{self.symbol}");'
        self.text = self.before + f"{self.seen}\n{apart}\n"


class Kernel(Part):
    def __init__(self, match, text, known, level, speed):
        before, after, name, parameters = match.groups()
        text = f"static inline void {name}(size_t clr_x, size_t clr_y, {parameters}) {{{text[match.end():]}\n"
        super().__init__(name, text, known, level, speed)
        self.arguments = list(split_arguments(parameters))
        self.weight = ("CLR_NATIVE_HEAVY" if "CLR_GROUP" in before + after
                       else "CLR_NATIVE_LONG" if "CLR_LONG" in after else "CLR_NATIVE_LIGHT")
        self.inside, self.seen = text + self.wrapper(), ""
        self.text = self.before + self.inside

    def wrapper(self):
        loads, sizes = "", []
        for i, (kind, memory) in enumerate(self.arguments):
            element = kind.rstrip("* ")
            loads += (f"    {element} v{i}[{LOCAL_BYTES} / sizeof({element})];\n"
                      if memory == "local" else f"    {kind} v{i} = *({kind} *)a[{i}];\n")
            sizes.append({"global": "0", "local": str(LOCAL | LOCAL_BYTES)}
                         .get(memory, f"sizeof({kind})"))
        values = "".join(f", v{i}" for i in range(len(self.arguments)))
        return f"""
constant const unsigned {self.symbol}_sizes[] = {{{', '.join(sizes)}}};
void {self.symbol}(const unsigned long *range, void *const *a);
void {self.symbol}(const unsigned long *range, void *const *a)
{{
{loads}    for (unsigned long y = range[2]; y < range[3]; y++)
        for (unsigned long x = range[0]; x < range[1]; x++)
            {self.name}(x, y{values});
}}
"""

    def declared(self):
        return (f"extern const uint32_t {self.symbol}_sizes[];\n"
                f"void {self.symbol}(const clr_native_range *range, void *const *arguments);\n")

    def row(self):
        return (f'    {{"{self.name}", {self.symbol}, {self.symbol}_sizes, {len(self.arguments)}, '
                f'{self.weight}}},\n')


class Program:
    """One program for one level: its declarations, of which some are parts."""

    def __init__(self, name, sources, defines, clang, folder, level):
        self.name, self.sources, self.options = name, sources, options_of(defines)
        self.speed, self.pieces = speed_of(level, sources, defines), []
        head = [f"#define {name} {value}" for name, value in sorted(defines.items())]
        # The kernels' own words for what only a scan needs to see.
        head += ["#define kernel CLR_KERNEL", "#define reqd_work_group_size(x, y, z) CLR_GROUP",
                 "#define work_group_size_hint(x, y, z) CLR_GROUP",
                 "#define LONG_ITEMS __attribute__((CLR_LONG))"]
        head += [f'#include "{name}.cl"' for name in ["native"] + sources]
        # -P: without the names of files, so that a copy of the tree finds its objects.
        text = run(clang + ["-E", "-P", f"-I{folder}", "-"], "\n".join(head) + "\n")
        known = {}
        for place, (names, piece) in enumerate(declarations(text)):
            kernel = KERNEL.match(piece)
            if kernel:
                piece = Kernel(kernel, piece, known, level, self.speed)
            elif "noinline" in piece.partition("{")[0]:
                piece = Function(*names, piece, known, level)
            self.pieces.append(piece)
            for name in names or [""]:
                known.setdefault(name, []).append((place, getattr(piece, "seen", piece)))
        self.parts = [piece for piece in self.pieces if isinstance(piece, Part)]
        self.kernels = [part for part in self.parts if isinstance(part, Kernel)]

    def text_without(self, apart):
        """What is left where the parts of these symbols are apart."""
        return "\n".join(piece if isinstance(piece, str) else
                         piece.seen if piece.symbol in apart else piece.inside
                         for piece in self.pieces)

    def row(self):
        return (f"static const clr_native_kernel {self.name}[] = {{\n"
                f"{''.join(kernel.row() for kernel in self.kernels)}}};\n")


def target_flags(clang):
    """What not every target has: code for shared libraries, which on Windows all code is; there a
    function's frame is described for the system, elsewhere nobody asks for it."""
    windows = "windows" in run(clang + ["-print-target-triple"], "")
    return ["-fno-addrsig"] if windows else ["-fPIC", "-fno-asynchronous-unwind-tables"]


def compiled(text, command, version, out):
    """The object of a text: that which is there, if it has been compiled before."""
    key = hashlib.sha256("\n".join([version, *command, text]).encode()).hexdigest()
    path = out / f"{key[:32]}.o"
    if not path.exists():
        made = path.with_suffix(f".{os.getpid()}.tmp")
        run(command + ["-c", "-o", str(made), "-"], text)
        made.replace(path)
    return str(path)


def level_programs(level, folder, out, clang, pool):
    """Compile what differs from the objects that are there. Returns the programs and the objects."""
    vector, flags = LEVELS[level]
    version, command = run(clang + ["--version"], ""), clang + FLAGS + target_flags(clang) + QUIET + flags
    scan = clang + ["-x", "cl", "-cl-std=CL1.2", "-cl-no-stdinc", "-Wno-everything"] + flags
    listed = list(pool.map(lambda i, program: Program(f"{symbol_of(level)}_{i}", *program, scan, folder, level),
                           itertools.count(), programs(vector)))
    count = collections.Counter(symbol for program in listed for symbol in {p.symbol for p in program.parts})
    apart = {part.symbol: part for program in listed for part in program.parts if count[part.symbol] > 1}
    units = [(part.text, part.speed) for part in apart.values()]
    units += [(program.text_without(apart), program.speed) for program in listed]
    return listed, list(pool.map(lambda unit: compiled(unit[0], command + unit[1], version, out), units))


def main():
    folder, out, table, depfile = (Path(a) for a in sys.argv[1:5])
    split = sys.argv.index("--")
    ld, clang, levels = sys.argv[5], sys.argv[6:split], sys.argv[split + 1:]
    out.mkdir(parents=True, exist_ok=True)
    text = ['/* made by tools/native.py; do not edit */', '#include "device/native_kernels.h"']
    rows = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for level in levels:
            listed, objects = level_programs(level, folder, out, clang, pool)
            run([ld, "-r", "-o", str(table.parent / f"native_{level}.o")] + objects, "")
            kernels = {kernel.symbol: kernel for program in listed for kernel in program.kernels}
            text += [kernel.declared() for kernel in kernels.values()]
            text += [program.row() for program in listed]
            rows_of_level = "".join(f'    {{"{" ".join(n + ".cl" for n in p.sources)}", "{p.options}", {p.name}, {len(p.kernels)}}},\n'
                                    for p in listed)
            text.append(f"static const clr_native_program {symbol_of(level)}[] = {{\n{rows_of_level}}};\n")
            rows.append(f'    {{"{level}", {LEVELS[level][0]}, {symbol_of(level)}, {len(listed)}}},')
    text += ["const clr_native_level clr_native_levels[] = {", *rows, "};",
             f"const uint32_t clr_native_level_count = {len(rows)};", ""]
    table.write_text("\n".join(text), encoding="ascii")
    names = " ".join(str(p) for p in sorted(folder.glob("*.cl")))
    depfile.write_text(f"{table}: {names}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
