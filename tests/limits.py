# SPDX-License-Identifier: MIT
"""Every test ends at some time, but none because a machine is busy: its limit is at least an hour.

usage: limits.py BUILD
"""
import json
import sys
from pathlib import Path

LEAST = 3600  # seconds


def main():
    path = Path(sys.argv[1]) / "meson-info/intro-tests.json"
    tests = json.loads(path.read_text("utf-8"))
    wrong = [f"{t['name']}: {t['timeout']} s" for t in tests if t["timeout"] < LEAST]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(tests)} tests, {len(wrong)} with a limit below {LEAST} s, or none")
    return 1 if wrong or not tests else 0


sys.exit(main())
