# SPDX-License-Identifier: MIT
"""tools/nodes/nodes [OPTION]... - nodes of ONNX, and graphs of them, drawn over all their attributes and opsets, beside
ONNX Runtime (or where that refuses one ONNX's own evaluator). A line for each operator; what differs and what is
refused with its seed. Exit: 0, 1 if anything differs."""
import argparse
import collections
import json
import pathlib
import shutil
import subprocess
import tempfile
import zlib

import numpy as np
import onnx
from onnx import numpy_helper

import attend  # noqa: F401 - each notes its operators
import blind
import casts  # noqa: F401
import cells  # noqa: F401
import fused  # noqa: F401
import inner  # noqa: F401
import maths  # noqa: F401
import mixed  # noqa: F401
import places  # noqa: F401
import sequences  # noqa: F401
import windows  # noqa: F401
from draw import FAMILIES, Case, exact, expected, largest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOUND, HALF = 1e-5, 2e-3  # of the largest value, of graphs twice that; of float16, which has no more bits
LEAST = 5e-2  # values below it count as this: where all are, ONNX Runtime itself has lost digits


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="operators (all)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="the build folder (build)")
    parser.add_argument("--count", type=int, default=30, help="of each operator (30)")
    parser.add_argument("--seed", type=int, default=1, help="of the first of each (1)")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the cases, which stay there")
    parser.add_argument("--all", action="store_true", help="list what is refused, too")
    parser.add_argument("--attributes", action="store_true",
                        help="instead: whether the cases notice each attribute that is left out or another")
    return parser.parse_args()


def sound(y):
    """Numbers, none of them without bounds or so large that nothing about it is certain."""
    y = np.asarray(y)
    return y.dtype.kind in "iub" or y.dtype.kind == "f" and largest(y) < 1e6 and np.isfinite(y).all()


def write(folder, model, feeds, outputs):
    """A folder as clrnn conformance takes it."""
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    beside = "external" if zlib.crc32(str(folder.name).encode()) % 8 == 0 and model.ir_version > 3 else None
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    onnx.save(copy, folder / "model.onnx", save_as_external_data=bool(beside), size_threshold=0, location=beside)
    names = [i.name for i in model.graph.input]
    for kind, arrays in (("input", [(n, feeds[n]) for n in names]),
                         ("output", [(o.name, y) for o, y in zip(model.graph.output, outputs)])):
        for i, (name, x) in enumerate(arrays):
            (data / f"{kind}_{i}.pb").write_bytes(numpy_helper.from_array(np.asarray(x), name).SerializeToString())


def draw_all(wishes, folder, write=write):
    """The cases: {folder: (operator, who computed it, its smallest output's largest value, the bound)}; and what nobody runs."""
    cases, nobody = {}, collections.Counter()
    for name in wishes.names or sorted(FAMILIES):
        for seed in range(wishes.seed, wishes.seed + wishes.count):
            case = Case([seed, zlib.crc32(name.encode())], name)
            FAMILIES[name][1](case)
            model = case.model()
            who, outputs = expected(model, case.feeds)
            if not who or not all(map(sound, outputs)):
                nobody[name] += 1
                if wishes.all:
                    print(f"nobody  {name} {seed}: {outputs if not who else 'an odd output'}")
                continue
            path = folder / f"{name}-{seed}"
            write(path, model, case.feeds, outputs)
            half = any(np.asarray(y).dtype == np.float16 for y in outputs)
            cases[str(path)] = name, who, max(LEAST, min(map(largest, outputs), default=1.0)), HALF if half else BOUND * (1 + (name == "(graph)"))
    return cases, nobody


def arbitrate(folder, bound):
    """Whether ONNX Runtime itself is off: then what float64 gives takes its place in the folder."""
    model, data = onnx.load(folder / "model.onnx"), folder / "test_data_set_0"
    def load(kind, count):
        return [numpy_helper.to_array(onnx.TensorProto.FromString((data / f"{kind}_{i}.pb").read_bytes()))
                for i in range(count)]
    feeds = dict(zip((i.name for i in model.graph.input), load("input", len(model.graph.input))))
    theirs, ours = load("output", len(model.graph.output)), exact(model, feeds)
    if ours is None or not any(np.asarray(y).dtype == np.float64 and not close(y, z, bound / 8) for y, z in zip(ours, theirs)):
        return False
    for i, (y, z) in enumerate(zip(ours, theirs)):
        (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(np.asarray(y).astype(z.dtype)).SerializeToString())
    return True


def close(y, z, bound):
    return np.shape(y) == np.shape(z) and abs(np.asarray(y) - z).max(initial=0) <= bound * max(LEAST, largest(y))


def run(wishes, folder):
    done = subprocess.run([wishes.build / "tools/clrnn", "conformance", folder, "--json"], capture_output=True, text=True,
                          check=False)
    if not done.stdout:
        raise SystemExit(f"nodes: {done.stderr}")
    return json.loads(done.stdout)["cases"]


def judge(result, most, bound):
    """Of the largest value, where conformance says of that or of 1."""
    if result["verdict"] == "unsupported":
        return "refused"
    result["error"] = np.inf if result["error"] is None else result["error"]
    if most > 0 and result["error"] < 1:
        result["error"] = result["error"] * max(1, most) / most
    fine = result["verdict"] == "pass" and (result["error"] <= bound or most == 0)
    return "passed" if fine else "FAILED"


def attributes(wishes, folder):
    try:
        return blind.blind(wishes, folder, draw_all, write, run, judge)
    finally:
        if not wishes.keep:
            shutil.rmtree(folder)


def main():
    wishes = options()
    folder = wishes.keep or pathlib.Path(tempfile.mkdtemp(prefix="nodes-"))
    if wishes.attributes:
        raise SystemExit(1 if attributes(wishes, folder) else 0)
    counts = collections.defaultdict(collections.Counter)
    worst = collections.defaultdict(float)
    try:
        cases, nobody = draw_all(wishes, folder)
        for result in run(wishes, folder):
            name, who, most, bound = cases[result["case"]]
            verdict = judge(result, most, bound)
            if verdict == "FAILED" and who == "onnxruntime" and arbitrate(pathlib.Path(result["case"]), bound):
                result = run(wishes, result["case"])[0]
                verdict = judge(result, most, bound)
                counts[name]["arbitrated"] += verdict == "passed"
            counts[name][verdict] += 1
            if verdict == "passed":
                worst[name] = max(worst[name], result["error"])
            elif verdict == "FAILED" or wishes.all:
                print(f"{verdict} {result['error']:.2g} {pathlib.Path(result['case']).name} ({who}): {result['reason']}")
    finally:
        if not wishes.keep:
            shutil.rmtree(folder)
    total = collections.Counter()
    for name in sorted(set(counts) | set(nobody)):
        c = counts[name]
        total.update(c)
        print(f"{name:28s} {c['passed']:5d} passed {c['FAILED']:4d} failed {c['refused']:4d} refused "
              f"{nobody[name]:4d} nobody's  {worst[name]:.1e}")
    print(f"{total['passed']} passed ({total['arbitrated']} by float64, from which ONNX Runtime differs), {total['FAILED']} failed, {total['refused']} refused; "
          f"{sum(nobody.values())} that neither runs")
    raise SystemExit(1 if total["FAILED"] else 0)


if __name__ == "__main__":
    main()
