# SPDX-License-Identifier: MIT
"""The corpus of the fuzzers through their readers.

usage: replay.py PROGRAM DATA
"""
import os
import pathlib
import subprocess
import sys
import tempfile

program, data = sys.argv[1:]
with tempfile.TemporaryDirectory(prefix="clrnn-fuzz-") as folder:
    script = pathlib.Path(__file__).with_name("corpus.py")
    subprocess.run([sys.executable, str(script), data, folder], check=True)
    os.environ["FUZZ_ARRAYS"] = f"{folder}/arrays.npz"
    for target in sorted(p for p in pathlib.Path(folder).iterdir() if p.is_dir()):
        subprocess.run([program, target.name, *sorted(map(str, target.iterdir()))], check=True)
