# SPDX-License-Identifier: MIT
"""Enforce the layers of host/, no circles between files, and the size limits of files.

usage: layers.py ROOT        check the tree, print what is wrong as file:line, exit 1 if anything is
       layers.py --self-test made-up violations, each of which must be found
"""
import re
import sys
from pathlib import Path

# A file includes its own folder or a lower level. Folders of one level do not know each other,
# but the reference may use the shapes, and file formats of models the tensors and JSON of ours.
LEVEL = {"base": 0, "device": 1, "shape": 1, "reference": 1, "math": 2, "layer": 3, "graph": 4,
         "model": 5, "format": 5, "train": 6}
SIDEWAYS = {("reference", "shape"), ("format", "model")}
# The lowest layer that may know a public header, for the types in it: network.h is nothing but
# types and pure arithmetic, plan.h has slices and the choice of the matrix product.
PUBLIC = {"version.h": "base", "status.h": "base", "network.h": "base", "context.h": "device",
          "plan.h": "math", "trace.h": "layer", "buffer.h": "device", "report.h": "device", "problem.h": "layer", "stream.h": "layer", "pack.h": "layer", "tune.h": "layer", "tensors.h": "model", "format.h": "format", "model.h": "model", "graph.h": "base", "graph_parameters.h": "graph", "graph_plan.h": "graph", "graph_stream.h": "graph",
          "trainer.h": "train", "graph_trainer.h": "train", "data.h": "train", "text.h": "train", "ctc.h": "train"}
NO_OPENCL = {"base", "shape", "reference"}
MAX_FILE, MAX_FUNCTION = 400, 120

INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]')
CALLS = [
    (re.compile(r"\bcl[A-Z]\w*\s*\("), lambda f: f.startswith("host/device/"),
     "OpenCL call outside host/device/"),
    (re.compile(r"\bCLBlast\w*\s*\("), lambda f: f == "host/math/gemm.c",
     "CLBlast call outside host/math/gemm.c"),
    (re.compile(r"\b(?:v?printf|puts|putchar|perror|exit|_Exit|quick_exit|abort|assert|signal"
                r"|sigaction)\s*\(|\b(?:stdout|stderr)\b"), lambda f: False,
     "a library does not print, exit, abort or handle signals"),
]


def strip(text):
    """The text without comments and the contents of literals, line by line the same."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        s = match.group()
        return s[0] + s[0] if s[0] in "\"'" else "\n" * s.count("\n") or " "

    return token.sub(blank, text)


def includes(text):
    """(line number, header) of each #include; headers in quotes survive only in the raw text."""
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1)


def folder_of(header):
    """The layer that an included header belongs to, or None for a system header."""
    top, _, rest = header.partition("/")
    if top == "clrnn":
        return PUBLIC.get(rest, "unknown")
    return top if top in LEVEL else None


def path_of(header, name="host/layer/x.c"):
    """Where a header of ours that file `name` includes lies: those of the command are in its
    folder."""
    if name.startswith("tools/") and "/" not in header:
        return name.rpartition("/")[0] + "/" + header
    return ("include/" if header.startswith("clrnn/") else "host/") + header


def check_includes(files, complain):
    for name, text in files.items():
        if not name.startswith("host/"):
            continue
        own = name.split("/")[1]
        if own not in LEVEL:
            complain(name, 1, f"folder host/{own} is in no layer")
            continue
        for line, header in includes(text):
            other = folder_of(header)
            if re.match(r"CL/|OpenCL/", header) and own != "device":
                complain(name, line, f"{header} outside host/device/")
            if header.startswith("clblast_") and name != "host/math/gemm.c":
                complain(name, line, f"{header} outside host/math/gemm.c")
            if other is None:
                if f"host/{own}/{header}" in files:
                    complain(name, line, f'include "{header}" by its folder: "{own}/{header}"')
                continue
            if path_of(header) not in files:
                complain(name, line, f"{header} is unknown: add it to tests/layers.py")
            elif LEVEL[other] > LEVEL[own]:
                complain(name, line, f"layer {own} includes {header} of the higher layer {other}")
            elif other != own and LEVEL[other] == LEVEL[own] and (own, other) not in SIDEWAYS:
                complain(name, line, f"layer {own} includes {header} of its neighbour {other}")


def check_circles(files, complain):
    """Walk the includes depth first: an edge back into the path closes a circle, and a walk from a
    layer without OpenCL must not reach its header."""
    graph = {name: [(line, path_of(h, name), h) for line, h in includes(text)]
             for name, text in files.items()}
    done = set()

    def walk(name, path):
        for line, target, _ in graph.get(name, []):
            if target in path:
                complain(name, line, "circle: " + " > ".join(path[path.index(target):] + [target]))
            elif target in graph and target not in done:
                walk(target, path + [target])
        done.add(name)

    for name in graph:
        if name not in done:
            walk(name, [name])

    def opencl(name, seen):
        seen.add(name)
        return any(h.startswith("CL/") or (t in graph and t not in seen and opencl(t, seen))
                   for _, t, h in graph[name])

    for name in graph:
        if name.startswith("host/") and name.split("/")[1] in NO_OPENCL:
            for line, target, header in graph[name]:
                if target in graph and opencl(target, set()):
                    complain(name, line, f"{header} brings in OpenCL")


def top_level(text):
    """The declarations of a text without comments, each up to its `;` or `{`, and the body of a
    function or what an object begins with, else None. The members of a type are left out."""
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)
    depth, begin, body, type_head = 0, 0, 0, ""
    head = ""
    for match in re.finditer(r"[{};]", text):
        sign, at = match.group(), match.start()
        if depth == 0 and sign != "}":
            head = (type_head + " " + text[begin:at]).strip()
            begin, body, type_head = at + 1, at + 1, ""
            if sign == ";" and head:
                yield head, None
        depth = depth + 1 if sign == "{" else max(depth - 1, 0) if sign == "}" else depth
        if depth == 0 and sign == "}":
            begin = at + 1
            if "(" in head or "=" in head:
                yield head, text[body:at]
            else:
                type_head = head


def defined(text, inline):
    """Names of functions and objects that a file defines for others: those of external linkage, or
    in a header the functions that are `inline`."""
    names = set()
    for head, body in top_level(text):
        words = head.split()
        if not words or words[0] in ("typedef", "extern"):
            continue
        if (words[0] == "static") != inline or (inline and "inline" not in words):
            continue
        head = re.sub(r"__attribute__\s*\(\(.*?\)\)", "", head, flags=re.S)
        function = re.search(r"(\w+)\s*\(", head)
        if function and body is not None and "=" not in head[:function.start()]:
            names.add(function.group(1))
        elif not function or "=" in head[:function.start()]:  # else a prototype
            name = re.search(r"\w[\s*]+(\w+)\s*(?:\[[^]]*\]\s*)*(?:=|$)", head)
            if name and len(words) > 2 - (words[0] not in ("struct", "enum", "union")):
                names.add(name.group(1))
    return names


def words_used(name, code):
    """Words that may be calls: all of a .c file; of a header only those in its functions."""
    if name.endswith(".h"):
        code = "\n".join(body for head, body in top_level(code)
                         if body and head.startswith("static inline"))
    return set(re.findall(r"\b[A-Za-z_]\w+", code))


def file_graph(files):
    """For each file of a layer, or of the command (x.c with its x.h counts as one): what it uses of
    the others there, {file: {other: name}}."""
    homes, users = {}, {}
    for name, text in sorted(files.items()):
        folder, _, base = name.rpartition("/")
        if not (folder.startswith("host/") or folder == "tools/clrnn") or base[-2:] not in (".c", ".h"):
            continue
        code, unit = strip(text), name[:-2]
        for word in defined(code, inline=base.endswith(".h")):
            homes.setdefault((folder, word), set()).add(unit)
        users.setdefault((folder, unit), set()).update(words_used(name, code))
    graph = {}
    for (folder, unit), words in users.items():
        used = graph.setdefault(unit, {})
        for word in sorted(words):
            owners = homes.get((folder, word), set())
            if unit not in owners:  # one that has its own takes nobody else's
                for owner in sorted(owners):
                    used.setdefault(owner, word)
    return graph


def check_file_circles(files, complain):
    """A file uses functions of another one, never also the other way round: for each file that
    comes back to itself, the shortest way there, once for each circle."""
    graph, told = file_graph(files), set()
    for start in sorted(graph):
        came, queue = {}, [start]
        while queue and start not in came:
            unit = queue.pop(0)
            for other in graph[unit]:
                if other not in came:
                    came[other] = unit
                    queue.append(other)
        if start not in came:
            continue
        path = [start]
        while len(path) == 1 or path[-1] != start:
            path.append(came[path[-1]])
        path.reverse()
        if frozenset(path) not in told:
            told.add(frozenset(path))
            steps = [f"{a} > {b} ({graph[a][b]})" for a, b in zip(path, path[1:])]
            complain(start + ".c", 1, "circle of files: " + ", ".join(steps))


def check_text(files, complain):
    for name, text in files.items():
        lines = text.split("\n")
        if text.strip() and not any("SPDX-License-Identifier: MIT" in s for s in lines[:2]):
            complain(name, 1, "no SPDX line")
        if len(lines) - 1 > MAX_FILE and not name.startswith("tests/"):
            complain(name, MAX_FILE + 1, f"{len(lines) - 1} lines, more than {MAX_FILE}")
        if not name.endswith((".c", ".h", ".cl")):
            continue
        code = strip(text).split("\n")
        start = None
        for number, line in enumerate(code, 1):
            if line.startswith("{"):  # clang-format puts only functions' braces in column 1
                start = number
            elif line.startswith("}") and start:
                if number - start - 1 > MAX_FUNCTION:
                    complain(name, start, f"function of {number - start - 1} lines, more than "
                             f"{MAX_FUNCTION}")
                start = None
            if name.startswith("host/"):
                for pattern, allowed, message in CALLS:
                    found = pattern.search(line)
                    if found and not allowed(name):
                        complain(name, number, f"{found.group().rstrip('( ')}: {message}")


def check(files):
    """All complaints about a tree given as {path: text}, sorted."""
    complaints = []
    for part in check_includes, check_circles, check_file_circles, check_text:
        part(files, lambda f, line, message: complaints.append((f, line, message)))
    return [f"{f}:{line}: {message}" for f, line, message in sorted(set(complaints))]


def read_tree(root):
    files = {}
    for top in "host", "cl", "include", "tools", "tests":
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".c", ".h", ".cl", ".py") and path.is_file():
                files[path.relative_to(root).as_posix()] = path.read_text(encoding="utf-8")
    return files


def self_test():
    spdx = "/* SPDX-License-Identifier: MIT */\n"
    clean = {
        "include/clrnn/status.h": "",
        "include/clrnn/network.h": "#include <clrnn/status.h>\n",
        "include/clrnn/context.h": "#include <CL/cl.h>\n#include <clrnn/status.h>\n",
        "include/clrnn/plan.h": "#include <clrnn/context.h>\n",
        "include/clrnn/problem.h": "#include <clrnn/plan.h>\n",
        "host/base/log.h": "#include <clrnn/status.h>\n",
        "host/device/buffer.c": '#include "base/log.h"\n// exit(1)\nint f(void)\n{\n'
                                '    return clFinish(q); /* abort() */\n}\n',
        "host/shape/network.h": "#include <clrnn/network.h>\n",
        "host/shape/network.c": '#include "shape/network.h"\n',
        "host/reference/lstm.c": '#include "shape/network.h"\n',
        "host/math/gemm.h": "#include <clrnn/plan.h>\n",
        "host/math/gemm.c": '#include <clblast_c.h>\n#include "math/gemm.h"\n'
                            'const char *s = "printf(1)";\nint g(void)\n{\n'
                            '    return CLBlastSgemm(1) + snprintf(0, 0, "");\n}\n',
        "host/layer/plan.c": '#include "math/gemm.h"\n#include <clrnn/plan.h>\n',
        # No circles: one way only, what is static or only declared, one of two in place of the
        # other, and files of other layers.
        "host/layer/a.h": "int clr_a(void);\nint clr_b(void);\nextern int clr_number;\n",
        "host/layer/a.c": "static int own(void)\n{\n    return clr_b() + clr_number;\n}\n"
                          "int clr_a(void)\n{\n    return own();\n}\n",
        "host/layer/b.c": "static int own;\nint clr_number = 1;\nint clr_b(void);\n"
                          "int clr_b(void)\n{\n    return own; // clr_a()\n}\n",
        "host/layer/c.c": "static const struct {\n    int x;\n} sizes[] = {{1}};\n"
                          "int clr_c(void)\n{\n    return clr_a();\n}\n",
        "host/layer/d.c": "int clr_a(void)\n{\n    int sizes = 1;\n    return sizes;\n}\n",
        "host/layer/no_a.c": "int clr_a(void)\n{\n    return 0;\n}\n",
        "host/math/a.c": "int clr_c(void)\n{\n    return clr_d();\n}\n",
        "host/base/a.c": "int clr_d(void)\n{\n    return clr_c();\n}\n",
    }
    clean = {name: spdx + text for name, text in clean.items()}
    long_function = spdx + "void f(void)\n{\n" + "    ;\n" * (MAX_FUNCTION + 1) + "}\n"
    cases = [  # what is added to or put in place of the clean tree, what must be found
        ({"host/math/x.c": '#include "layer/y.h"\n', "host/layer/y.h": ""}, "higher layer layer"),
        ({"host/base/x.c": "#include <clrnn/context.h>\n"}, "higher layer device"),
        ({"host/device/x.c": '#include "shape/network.h"\n'}, "neighbour shape"),
        ({"host/shape/x.c": '#include "reference/y.h"\n', "host/reference/y.h": ""}, "neighbour"),
        ({"host/shape/x.c": "#include <CL/cl.h>\n"}, "CL/cl.h outside"),
        ({"host/reference/x.c": "#include <clrnn/context.h>\n"}, "neighbour device"),
        ({"host/shape/network.h": "#include <clrnn/network.h>\n",
          "include/clrnn/network.h": "#include <CL/cl.h>\n"}, "brings in OpenCL"),
        ({"host/reference/x.c": "#include <clrnn/problem.h>\n"}, "higher layer layer"),
        ({"host/layer/x.c": "#include <clrnn/new.h>\n"}, "clrnn/new.h is unknown"),
        ({"host/other/x.c": ""}, "in no layer"),
        ({"host/layer/x.c": "#include <clblast_c.h>\n"}, "clblast_c.h outside"),
        ({"host/layer/x.c": '#include "y.h"\n', "host/layer/y.h": ""}, "by its folder"),
        ({"host/layer/x.c": "    clFinish(q);\n"}, "clFinish: OpenCL call"),
        ({"host/layer/x.c": "    CLBlastDgemm(q);\n"}, "CLBlastDgemm: CLBlast call"),
        ({"host/layer/x.c": "    abort();\n"}, "abort: a library"),
        ({"host/layer/x.c": '    fprintf(stderr, "x");\n'}, "stderr: a library"),
        ({"host/layer/x.c": "    assert(1);\n"}, "assert: a library"),
        ({"host/math/a.h": '#include "math/b.h"\n', "host/math/b.h": '#include "math/a.h"\n'},
         "circle: host/math/a.h > host/math/b.h > host/math/a.h"),
        ({"tools/clrnn/a.h": '#include "b.h"\n', "tools/clrnn/b.h": '#include "a.h"\n'},
         "circle: tools/clrnn/a.h > tools/clrnn/b.h > tools/clrnn/a.h"),
        ({"host/math/a.c": "int clr_a(void)\n{\n    return clr_b();\n}\n",
          "host/math/b.c": "int clr_b(void)\n{\n    return clr_a();\n}\n"},
         "host/math/a > host/math/b (clr_b), host/math/b > host/math/a (clr_a)"),
        ({"host/math/a.c": "void clr_a(int x[2], int (*f)(int))\n{\n    clr_b[1] = x[0];\n}\n",
          "host/math/b.c": "int clr_b[] = {1, 2};\nvoid *clr_other = (void *)clr_c;\n",
          "host/math/c.c": "const struct x clr_c = {.f = clr_a};\n"},
         "circle of files: host/math/a > host/math/b (clr_b), host/math/b > host/math/c (clr_c), "
         "host/math/c > host/math/a (clr_a)"),
        ({"host/math/a.h": "static inline int clr_a(void)\n{\n    return 1;\n}\n",
          "host/math/a.c": "int clr_second(void)\n{\n    return clr_b();\n}\n",
          "host/math/b.c": "int clr_b(void)\n{\n    return clr_a();\n}\n"},
         "host/math/a > host/math/b (clr_b), host/math/b > host/math/a (clr_a)"),
        ({"tools/clrnn/a.c": "int a(void)\n{\n    return bb();\n}\nint tool_a;\n",
          "tools/clrnn/b.c": "int bb(void)\n{\n    return tool_a;\n}\n"},
         "tools/clrnn/a > tools/clrnn/b (bb), tools/clrnn/b > tools/clrnn/a (tool_a)"),
        ({"cl/x.cl": ";\n" * MAX_FILE}, "lines, more than 400"),
        ({"tools/x.c": long_function}, f"function of {MAX_FUNCTION + 1} lines"),
    ]
    failed = 0
    if check(clean):
        print("a clean tree gives", *check(clean), sep="\n  ")
        failed = 1
    for change, expected in cases:
        files = {**clean, **{f: t if t.startswith(spdx) else spdx + t for f, t in change.items()}}
        found = check(files)
        if not any(expected in c for c in found):
            print(f"{change}\n  expected: {expected}\n  found: {found}")
            failed = 1
    if not any("no SPDX" in c for c in check({"host/base/x.c": "int x;\n"})):
        print("a missing SPDX line is not found")
        failed = 1
    print(f"{len(cases) + 2} cases,", "NOT all found" if failed else "all found")
    return failed


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    files = read_tree(Path(sys.argv[1]))
    if not any(f.startswith("host/") and f.endswith(".c") for f in files):
        print(f"{sys.argv[1]}: no host/*.c")
        return 1
    complaints = check(files)
    print(*complaints, sep="\n", end="\n" if complaints else "")
    print(f"{len(files)} files, {len(complaints)} complaints")
    return 1 if complaints else 0


sys.exit(main())
