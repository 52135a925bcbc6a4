# SPDX-License-Identifier: MIT
"""`meson install`: what it brings, where that ends, and that README.md's commands work after it.

usage: test_install.py BUILD SOURCE [PART]     runs the tests whose name contains PART
"""
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True  # nothing of a test stays in the source tree
import shells  # noqa: E402
import staged  # noqa: E402
import system  # noqa: E402
from place import Skip  # noqa: E402


def run_one(name, test, *arguments):
    """1, 0, or nothing if it was skipped."""
    try:
        test(*arguments)
        print(f"pass  {name}", flush=True)
        return [1]
    except Skip as reason:
        print(f"skip  {name}: {reason}", flush=True)
        return []
    except Exception:
        print(f"FAIL  {name}\n{traceback.format_exc()}", flush=True)
        return [0]


def run_all(build, source, part, isolated):
    results = []
    with tempfile.TemporaryDirectory(prefix="clrnn-install-") as root:
        place = staged.make(build, source, root)
        for module in staged, shells:
            for name, test in vars(module).items():
                if name.startswith("test_") and part in name:
                    results += run_one(name[5:], test, place)
    if isolated and part in "test_system":
        results += run_one("system", system.test_system, build, source)
    elif not isolated:
        print("skip  system: needs root and a mount namespace")
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if results and all(results) else 1


def main(build, source, part="", inside=""):
    if inside:
        system.lay_over()
        return run_all(build, source, part, True)
    code = system.enter([__file__, build, source, part, "inside"])
    return run_all(build, source, part, False) if code is None else code


sys.exit(main(*sys.argv[1:]))
