# SPDX-License-Identifier: MIT
"""Write a .cl file as a C array whose text begins with #line, so that build logs name the file. Of a
file that it includes ("name.cl" beside it: a template, whose parameters are defined before) the text
takes the place of the #include. Comments and blanks that mean nothing are left out; lines keep their
numbers.

usage: embed.py NAME INPUT.cl OUTPUT.c [DEPFILE]     defines `const clr_source clr_cl_NAME`
"""
import re
import sys
from pathlib import Path

COMMENT = re.compile(r"/\*.*?\*/", re.S)
INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"\s*$')


def expand(path, used, within=()):
    """The lines of a file with those of what it includes; the files are added to `used`."""
    if path in within:
        raise SystemExit(f"embed.py: {path} includes itself")
    used.add(path)
    yield f'#line 1 "cl/{path.name}"'
    text = COMMENT.sub(lambda found: " " + "\n" * found.group().count("\n"), path.read_text(encoding="utf-8"))
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if match:
            yield from expand(path.parent / match.group(1), used, (*within, path))
            yield f'#line {number + 1} "cl/{path.name}"'
        else:
            yield " ".join(line.split())


def main():
    name, source, output = sys.argv[1:4]
    used = set()
    data = "\n".join(expand(Path(source), used)).encode() + b"\n"
    rows = [",".join(str(b) for b in data[i : i + 24]) for i in range(0, len(data), 24)]
    with open(output, "w", encoding="ascii") as f:
        f.write(f"/* made from cl/{name}.cl; do not edit */\n")
        f.write('#include "math/sources.h"\n')
        f.write("static const char text[] = {\n" + ",\n".join(rows) + ",0};\n")
        f.write(f'const clr_source clr_cl_{name} = {{"{name}.cl", text, sizeof text - 1}};\n')
    if len(sys.argv) > 4:
        Path(sys.argv[4]).write_text(f"{output}: " + " ".join(sorted(map(str, used))) + "\n", encoding="utf-8")


main()
