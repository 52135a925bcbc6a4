# SPDX-License-Identifier: MIT
"""The shared library exports exactly what the headers declare, and nothing inside takes a name
that is not ours.

No header has more functions than one can hold in one's head: a new tier is a new header.

usage: symbols.py NM INCLUDE_DIR LIBRARY.so LAYER.a...
"""
import re
import subprocess
import sys
from pathlib import Path

MOST_OF_A_HEADER = 16


def declared(folder):
    """Functions marked CLRNN_API, of each public header."""
    names = {}
    for header in sorted(Path(folder).glob("clrnn/*.h")):
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", header.read_text(encoding="utf-8"), flags=re.S)
        names[header.name] = [re.search(r"(\w+)\s*\(", declaration).group(1)
                              for declaration in re.findall(r"^CLRNN_API\b([^;]*);", text, flags=re.M)]
    return names


def symbols(nm, library, *options):
    """Names of the external symbols that a library defines."""
    lines = subprocess.run([nm, *options, "-P", "--defined-only", library], check=True, text=True,
                           capture_output=True).stdout.splitlines()
    fields = [line.split() for line in lines]
    # Names with an underscore in front are the compiler's (sanitizers, start-up).
    return {f[0].split("@")[0] for f in fields if len(f) >= 2 and not f[0].startswith("_")}


def main():
    nm, include, library, *archives = sys.argv[1:]
    headers, exported = declared(include), symbols(nm, library, "-D")
    wanted = set(sum(headers.values(), []))
    wrong = [f"{n}: declared with CLRNN_API, but not exported" for n in sorted(wanted - exported)]
    wrong += [f"{n}: exported, but not declared with CLRNN_API" for n in sorted(exported - wanted)]
    wrong += [f"{n}: a public name must begin with clrnn_" for n in sorted(wanted)
              if not n.startswith("clrnn_")]
    wrong += [f"{header}: {len(names)} functions, more than {MOST_OF_A_HEADER}"
              for header, names in headers.items() if len(names) > MOST_OF_A_HEADER]
    for archive in archives:
        wrong += [f"{n}: an external name inside must begin with clr_ ({Path(archive).name})"
                  for n in sorted(symbols(nm, archive, "-g")) if not re.match("clr(nn)?_", n)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(wanted)} functions declared, {len(exported)} exported, {len(wrong)} complaints")
    return 1 if wrong or not exported else 0


sys.exit(main())
