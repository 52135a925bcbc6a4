# SPDX-License-Identifier: MIT
"""Each pointer of each function that the headers declare has a case in tests/api/cases.h.

usage: cases.py INCLUDE_DIR TEST_NULL
"""
import re
import subprocess
import sys
from pathlib import Path


def pointers(folder):
    """"function parameter" of every pointer that a function marked CLRNN_API takes, and of what
    holds a cl_mem."""
    found = set()
    for header in sorted(Path(folder).glob("clrnn/*.h")):
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", header.read_text(encoding="utf-8"), flags=re.S)
        for declaration in re.findall(r"^CLRNN_API\b([^;]*);", text, flags=re.M):
            name, parameters = re.search(r"(\w+)\s*\((.*)\)", declaration, flags=re.S).groups()
            for parameter in parameters.split(","):
                if "*" in parameter or "clrnn_slice" in parameter:
                    found.add(name + " " + re.search(r"(\w+)\s*$", parameter).group(1))
    return found


def main():
    include, program = sys.argv[1:]
    wanted = pointers(include)
    have = set(subprocess.run([program, "--list"], check=True, text=True,
                              capture_output=True).stdout.splitlines())
    print(*[f"{c}: no case of NULL" for c in sorted(wanted - have)],
          *[f"{c}: a case of what there is not" for c in sorted(have - wanted)],
          f"{len(wanted)} pointers, {len(have)} cases", sep="\n")
    return 0 if wanted and wanted == have else 1


sys.exit(main())
