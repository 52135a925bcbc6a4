# SPDX-License-Identifier: MIT
"""Count the tests of one or more runs: each of cmocka's, those of a program that ends with
"N passed, N failed", any other program as one.

usage: summary.py testlog.json...     (meson writes it to BUILD/meson-logs)
Ends with "N passed, N failed, N skipped"; exit 1 if a test failed or none passed.
"""
import json
import re
import sys


def number(pattern, text):
    return sum(int(n) for n in re.findall(pattern, text))


def count(test):
    """(passed, failed, skipped) of one program."""
    text = test.get("stdout", "") + "\n" + test.get("stderr", "")
    passed = number(r"\[  PASSED  \] (\d+) test\(s\)", text)
    failed = number(r"\[  FAILED  \] (\d+) test\(s\)", text)
    skipped = number(r"\[  SKIPPED \] (\d+) test\(s\)", text)
    own = re.search(r"^(\d+) passed, (\d+) failed$", text, flags=re.M)
    if own:
        passed, failed = int(own.group(1)), int(own.group(2))
    if test["result"] == "SKIP":
        return 0, 0, 1
    if test["result"] != "OK":  # a crash leaves no summary of cmocka's
        return passed or text.count("[       OK ]"), max(failed, 1), skipped
    return (passed, failed, skipped) if passed + failed + skipped else (1, 0, 0)


def main():
    total = [0, 0, 0]
    for log in sys.argv[1:]:
        with open(log, encoding="utf-8") as lines:
            for test in map(json.loads, lines):
                total = [a + b for a, b in zip(total, count(test))]
                if test["result"] not in ("OK", "SKIP"):
                    print(f"{test['result']}: {test['name']}")
    passed, failed, skipped = total
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
