# SPDX-License-Identifier: MIT
"""Formulas and pictures in comments survive clang-format: indented lines stay as they are, though
the prose before them is too long and flows.

usage: format.py CLANG-FORMAT TREE
"""
import subprocess
import sys

FORMULAS = """\
 *     m = b1*m + d1*g
 *     v = b2*v + d2*g^2
 *            <-- width -->
 *     k=0    b00 b01 .. b0n
"""
PROSE = "/* With c1 = 1-b1^k and d1 = 1-b1, " + "all computed on the host in double, " * 4 + "then:\n"
AFTER = " *\n * Where k counts from 1. */\nint x;\n"


def main():
    program, tree = sys.argv[1:]
    result = subprocess.run([program, f"--style=file:{tree}/.clang-format", "--assume-filename=a.c"],
                            input=PROSE + FORMULAS + AFTER, text=True, capture_output=True,
                            check=False)
    if "file:" in result.stderr or "Unknown" in result.stderr:
        print(f"{program} is too old to be told where .clang-format is: skipped")
        return 77
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert all(len(line) <= 100 for line in lines), result.stdout
    assert FORMULAS + AFTER in result.stdout, result.stdout
    return 0


sys.exit(main())
