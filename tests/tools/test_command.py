# SPDX-License-Identifier: MIT
"""The command `clrnn`, from its command line to its files: usage, numbers, errors, interruptions.

usage: test_command.py CLRNN [PART]     runs the tests whose name contains PART; exit 77: no device
"""
import os
import signal
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True  # nothing of a test stays in the source tree
import blocks
import convert
import data
import files
import foreign
import graphs
import harness
import info
import losses
import measure
import run
import see
import tables
import terminal
import train
import use


def run_one(name, test):
    """In a folder of its own, which is then removed. Whether it passed."""
    with tempfile.TemporaryDirectory(prefix="clrnn-test-") as folder:
        os.chdir(folder)
        try:
            test()
            print(f"pass  {name}", flush=True)
            return True
        except Exception:
            print(f"FAIL  {name}\n{traceback.format_exc()}", flush=True)
            return False
        finally:
            os.chdir("/")


def run_modules(modules, part):
    """The tests with this in their names. COMMAND_MODULES=A,B: of these files alone."""
    wanted = os.environ.get("COMMAND_MODULES", "")
    return [run_one(name[5:], test) for module in modules for name, test in list(vars(module).items())
            if name.startswith("test_") and part in name
            and (not wanted or module.__name__ in wanted.split(","))]


def main(clrnn, part=""):
    # Signals that are ignored here stay so in the command: as under nohup, or behind a shell's &.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    harness.path_of_clrnn = os.path.abspath(clrnn)
    if harness.clrnn("devices", CLRNN_DEVICE="").returncode == 3:
        print("no OpenCL device: skipped")
        return 77
    results = run_modules((use, terminal, run, blocks), part)
    # What does not look at the device runs where no compiler takes a second for each program.
    if harness.clrnn("devices", "--device", "native").returncode == 0:
        os.environ["CLRNN_DEVICE"] = "native"
    results += run_modules((info, train, data, tables, losses, graphs, see, files, measure, foreign, convert), part)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if results and all(results) else 1


sys.exit(main(*sys.argv[1:]))
