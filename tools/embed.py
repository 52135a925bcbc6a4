# SPDX-License-Identifier: MIT
"""Write a .cl file as a C array whose text begins with #line, so that build logs name the file.

usage: embed.py NAME INPUT.cl OUTPUT.c     defines `const clr_source clr_cl_NAME`
"""
import sys

name, source, output = sys.argv[1:]
with open(source, "rb") as f:
    data = f'#line 1 "cl/{name}.cl"\n'.encode() + f.read() + b"\n"
rows = [",".join(str(b) for b in data[i : i + 24]) for i in range(0, len(data), 24)]
with open(output, "w", encoding="ascii") as f:
    f.write(f"/* made from cl/{name}.cl; do not edit */\n")
    f.write('#include "math/sources.h"\n')
    f.write("static const char text[] = {\n" + ",\n".join(rows) + ",0};\n")
    f.write(f'const clr_source clr_cl_{name} = {{"{name}.cl", text, sizeof text - 1}};\n')
