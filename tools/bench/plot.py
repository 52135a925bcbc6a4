# SPDX-License-Identifier: MIT
"""Draws the ratios of a result of tools/bench/peers over H, a line for each N."""
import argparse
import json
import re
from pathlib import Path

PANELS = (("infer1", "one sequence"), ("batch", "batch"), ("train", "training step"))


def arguments():
    parser = argparse.ArgumentParser(prog="tools/bench/plot", description=__doc__)
    parser.add_argument("result", type=Path, metavar="RESULT.json")
    parser.add_argument("picture", type=Path, metavar="OUT.svg")
    return parser.parse_args()


def series(records):
    """{(cell, N): [(H, ratio), ...]} in the order of H."""
    lines = {}
    for record in records:
        if "ratio" in record:
            keys = dict(re.findall(r"(\w+)=(\w+)", record["problem"]))
            lines.setdefault((keys["cell"], int(keys["N"])), []).append(
                (int(keys["H"]), record["ratio"]))
    return {key: sorted(points) for key, points in lines.items()}


def draw_panel(axes, title, lines):
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    sizes = sorted({h for points in lines.values() for h, _ in points})
    batches = sorted({n for _, n in lines})
    for (cell, n), points in sorted(lines.items()):
        axes.plot(*zip(*points), marker="o" if cell == "lstm" else "s", markersize=4,
                  linestyle="-" if cell == "lstm" else "--", label=f"{cell.upper()} N={n}",
                  color=f"C{batches.index(n)}")
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(plain)
    axes.yaxis.set_major_locator(FixedLocator([0.25, 0.5, 0.7, 0.8, 1, 1.2, 1.5, 2, 3, 4, 8]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(plain)
    axes.grid(alpha=0.3)
    axes.set_title(title)
    axes.set_xlabel("H (= I)")
    axes.legend(fontsize="small")


def main():
    options = arguments()
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "clrnn"  # the same file from the same figures
    from matplotlib import pyplot
    result = json.loads(options.result.read_text(encoding="utf-8"))
    panels = [(title, series(result["sets"][name])) for name, title in PANELS
              if result["sets"].get(name)]
    panels = [(title, lines) for title, lines in panels if lines]
    if not panels:
        raise SystemExit("plot: the result has none of the sets infer1, batch, train")
    figure, axes = pyplot.subplots(1, len(panels), sharey=True, squeeze=False,
                                   figsize=(max(5, 4.5 * len(panels)), 4), layout="constrained")
    for panel, (title, lines) in zip(axes[0], panels):
        draw_panel(panel, title, lines)
    axes[0][0].set_ylabel("faster peer's time / clrnn's (above 1 clrnn is faster)")
    v = result["versions"]
    figure.suptitle(f"{result['device']}, {result['platform']} {result['driver']}, "
                    f"{result['cores']} cores, {result['date'][:10]}\n"
                    f"against ONNX Runtime {v['onnxruntime']} and PyTorch {v['torch']}",
                    fontsize="small")
    figure.savefig(options.picture, metadata={"Date": None})


if __name__ == "__main__":
    main()
