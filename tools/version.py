#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Print the version that include/clrnn/version.h names, for Meson.

usage: version.py VERSION_H
"""
import re
import sys
from pathlib import Path

text = Path(sys.argv[1]).read_text(encoding="utf-8")
print(".".join(re.search(rf"#define CLRNN_VERSION_{part} (\d+)\n", text).group(1)
               for part in ("MAJOR", "MINOR", "PATCH")))
