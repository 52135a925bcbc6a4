# SPDX-License-Identifier: MIT
"""Compares clrnn with ONNX Runtime and PyTorch; `tools/bench/peers` starts it."""
import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TURNS, QUICK_TURNS = 7, 3
USUAL = ("stream", "infer1", "batch", "train", "text", "long")
ALL = (*USUAL, "models", "deepbench", "benchdnn")
ABOUT = """\
Each problem is first computed by all: one on which they disagree is not timed. Then clrnn, ONNX
Runtime and PyTorch take turns, so that whatever else the machine does hits all alike. All read and
write arrays in host memory. The peers run on the CPU with one thread and with all; the faster
counts. Sets: stream (blocks of 64 steps, against ONNX Runtime with one thread: each
timed, also the slowest), infer1 (one sequence), batch, train (a step: forward, backward, all gradients), text
(a character model trained end to end), long (how time grows with T), models (whole ones, of
one sequence and 16, imported from ONNX, and those of --onnx, against ONNX Runtime), deepbench and benchdnn (sizes
from shapes/, those that take less than --limit). A few minutes each; --quick tries everything.
Exit: 0, 1 if results disagree, 2 bad use."""


def arguments():
    parser = argparse.ArgumentParser(prog="tools/bench/peers", epilog=ABOUT, description=None,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", nargs="+", choices=(*ALL, "all"), default=USUAL, metavar="NAME",
                        help=f"{', '.join(ALL)}; or all (without this: {' '.join(USUAL)})")
    parser.add_argument("--quick", action="store_true",
                        help="few sizes and turns: tests this script, measures nothing")
    parser.add_argument("--turns", type=int, help=f"turns of each library ({TURNS})")
    parser.add_argument("--limit", type=float, default=60, metavar="SECONDS",
                        help="leave out problems that would take longer (60)")
    parser.add_argument("--onnx", nargs="+", type=Path, default=[], metavar="FILE",
                        help="more models for the set models")
    parser.add_argument("--size", nargs="+", default=[], metavar="NAME=N",
                        help="of axes that they leave open (batch: 1 and 16; others: 100)")
    parser.add_argument("--device", metavar="SEL", help="of clrnn, as `clrnn --device`")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    parser.add_argument("--save", action="store_true",
                        help="write tools/bench/results/DATE-DEVICE.json and .txt")
    parser.add_argument("--build", type=Path, default=ROOT / "build-bench", metavar="DIR",
                        help="build folder of clrnn; made if missing (build-bench)")
    options = parser.parse_args()
    options.turns = options.turns or (QUICK_TURNS if options.quick else TURNS)
    options.build = options.build.resolve()
    return options


def main():
    options = arguments()
    os.environ.setdefault("POCL_AFFINITY", "1")  # as the command clrnn; ONNX Runtime pins too
    import compare  # needs the virtual environment, --help does not
    comparison = compare.Comparison(ROOT, options)
    for name in ALL if "all" in options.set else dict.fromkeys(options.set):
        comparison.run(name)
    if options.save:
        comparison.report.save()
    comparison.clrnn.close()
    return 1 if comparison.report.wrong() else 0


if __name__ == "__main__":
    sys.exit(main())
