# SPDX-License-Identifier: MIT
"""Compile each header alone, included twice, with all warnings.

usage: headers.py ROOT BUILD c|c++ COMPILER...     (its last argument may be -Werror)
The public headers in C11 or C++11; in C also the headers inside host/, but those of formats that
this build reads without.
"""
import subprocess
import sys
from pathlib import Path

FLAGS = ["-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wundef", "-Wshadow"]


def main():
    root, build, language, compiler = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:]
    headers = [(root / "include", h) for h in sorted((root / "include").glob("clrnn/*.h"))]
    if language == "c":
        FLAGS.extend(["-std=c11", "-Wstrict-prototypes", "-D_POSIX_C_SOURCE=200809L"])
        # base/os.h includes one of os_posix.h and os_windows.h, which do not stand alone.
        headers += [(root / "host", h) for h in sorted((root / "host").glob("*/*.h"))
                    if not h.stem.startswith("os_")]
        if not (build / "host/onnx.pb-c.h").exists():
            headers = [(b, h) for b, h in headers if "onnx.pb-c.h" not in h.read_text("utf-8")]
    else:
        FLAGS.append("-std=c++11")
    failed = 0
    for base, header in headers:
        name = header.relative_to(base)
        # The declaration keeps a header of macros alone from being an empty translation unit.
        source = f"#include <{name}>\n#include <{name}>\nextern int clr_test_header;\n"
        result = subprocess.run(
            compiler + ["-x", language] + FLAGS + [f"-I{root}/include", f"-I{root}/host", f"-I{build}/host",
                                   "-"],
            input=source, text=True, capture_output=True)
        if result.returncode:
            print(f"{name} does not compile alone as {language}:")
            failed += 1
        print(result.stderr, end="")
    print(f"{len(headers)} headers, {failed} failed")
    return 1 if failed or not headers else 0


sys.exit(main())
