# SPDX-License-Identifier: MIT
"""Compile the C example of README.md against the library, as C or as C++, and run it.

usage: readme.py README.md INCLUDE LIBCLRNN c|c++ COMPILER...     (its last argument may be -Werror)
"""
import os
import re
import subprocess
import sys
import tempfile

FLAGS = {"c": ["-std=c11", "-Wpedantic"],
         # Members that are not named are zero in C++, too.
         "c++": ["-std=c++20", "-Wno-missing-field-initializers"]}

readme, include, library, language, *compiler = sys.argv[1:]
with open(readme, encoding="utf-8") as f:
    example = re.search(r"```c\n(.*?)```", f.read(), re.S).group(1)
with tempfile.TemporaryDirectory() as folder:
    source, program = os.path.join(folder, "example.c"), os.path.join(folder, "example")
    with open(source, "w", encoding="utf-8") as f:
        f.write(example)
    subprocess.run(
        [*compiler, *FLAGS[language], "-Wall", "-Wextra", "-I" + include, "-x", language, source,
         "-x", "none", "-o", program, library,
         "-Wl,-rpath," + os.path.dirname(os.path.abspath(library))], check=True)
    subprocess.run([program], check=True)
