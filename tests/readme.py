# SPDX-License-Identifier: MIT
"""Compile the C example of README.md against the library, and run it.

usage: readme.py README.md INCLUDE LIBCLRNN COMPILER...
"""
import os
import re
import subprocess
import sys
import tempfile

readme, include, library, *compiler = sys.argv[1:]
with open(readme, encoding="utf-8") as f:
    example = re.search(r"```c\n(.*?)```", f.read(), re.S).group(1)
with tempfile.TemporaryDirectory() as folder:
    source, program = os.path.join(folder, "example.c"), os.path.join(folder, "example")
    with open(source, "w", encoding="utf-8") as f:
        f.write(example)
    subprocess.run(
        [*compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I" + include, source,
         "-o", program, library, "-Wl,-rpath," + os.path.dirname(os.path.abspath(library))],
        check=True)
    subprocess.run([program], check=True)
