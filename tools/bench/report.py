# SPDX-License-Identifier: MIT
"""What was measured, on what, as a table and as JSON."""
import datetime
import importlib.metadata
import json
import math
import platform
import re
import subprocess
import sys
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"
HEADER = (f"{'problem':44} {'ours ms':>10} {'ORT ms':>13} {'torch ms':>13} {'ratio':>6}"
          f" {'roof':>12}  strategy")


def cpu_name():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            found = re.search(r"^model name\s*: (.*)$", file.read(), re.M)
            return found.group(1) if found else platform.processor()
    except OSError:
        return platform.processor()


def commit_of(root):
    result = subprocess.run(["git", "-C", str(root), "describe", "--always", "--dirty"], text=True,
                            capture_output=True, check=False)
    return result.stdout.strip() or None


def describe(clrnn, root, cores, turns):
    """The facts without which a figure says nothing."""
    version = importlib.metadata.version
    return {"date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "device": clrnn.device, "platform": clrnn.platform, "driver": clrnn.driver,
            "cpu": cpu_name(), "cores": cores,
            "system": f"{platform.system()} {platform.release()}", "commit": commit_of(root),
            "versions": {name: version(name) for name in ("onnxruntime", "torch", "numpy")},
            "turns": turns}


def heading(facts):
    v = facts["versions"]
    return (f"device  {facts['device']}, {facts['platform']}, driver {facts['driver']}\n"
            f"host    {facts['cpu']}, {facts['cores']} cores, {facts['system']}\n"
            f"peers   ONNX Runtime {v['onnxruntime']}, PyTorch {v['torch']}; "
            f"clrnn {facts['commit'] or '(no commit)'}\n"
            f"date    {facts['date']}, medians of {facts['turns']} turns\n"
            "ratio   faster peer's median / ours, so above 1 clrnn is faster; in [ ] the peer's "
            "threads\n"
            "roof    least time / ours. read: N=1, the recurrent weights read at every step as "
            "fast as\n"
            "        this CPU reads so many bytes; sgemm: all products, each at the best rate of "
            "NumPy\n        and PyTorch at its size (so a better product gives more than 100%)")


def ratio_of(results):
    peers = [r["ms"] for library, r in results.items() if library != "ours"]
    return min(peers) / results["ours"]["ms"]


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def cell(results, library):
    r = results.get(library)
    return f"{r['ms']:.3f} [{r['threads']}]" if r else "-"


def line(record):
    """One row of the table."""
    if "skipped" in record:
        return f"{record['label']:44} skipped: {record['skipped']}"
    if "failed" in record:
        return f"{record['label']:44} FAILED: {record['failed']}"
    if "results" not in record:
        return (f"{record['label']:44} DISAGREE: {record['where']} by {record['error']:.1e}; "
                "not timed")
    r = record["results"]
    roof = f"{100 * record['roof']:.1f}% {record['roof_kind']}" if "roof" in record else "-"
    return (f"{record['label']:44} {r['ours']['ms']:10.3f} {cell(r, 'ort'):>13}"
            f" {cell(r, 'torch'):>13} {record['ratio']:6.2f} {roof:>12}  "
            f"{record.get('strategy', '')}{record.get('remark', '')}")


def summary(name, records):
    timed = [r for r in records if "ratio" in r]
    text = f"{name}: {len(timed)} timed, {sum('skipped' in r for r in records)} skipped"
    if timed:
        text += f", geometric mean of the ratio {geometric_mean([r['ratio'] for r in timed]):.2f}"
        text += f", least {min(r['ratio'] for r in timed):.2f}"
    wrong = len(records) - len(timed) - sum("skipped" in r for r in records)
    return text + (f", {wrong} WRONG" if wrong else "")


def growth(records):
    """How time grows from the first to the last length."""
    timed = [r for r in records if "results" in r]
    if len(timed) < 2:
        return "long: nothing to compare"
    first, last = timed[0], timed[-1]
    parts = [f"{library} x{last['results'][library]['ms'] / r['ms']:.1f}"
             for library, r in first["results"].items()]
    return f"time of {last['label']} over {first['label']}: {', '.join(parts)}"


class Report:
    """Prints as it goes, and keeps everything."""

    def __init__(self, facts):
        self.facts, self.sets, self.lines = facts, {}, []
        self.say(heading(facts))

    def say(self, text):
        self.lines.append(text)
        print(text, flush=True)

    def begin(self, name):
        self.sets[name] = []
        self.say(f"\n{name}\n{HEADER}")

    def add(self, name, record):
        self.sets[name].append(record)
        if "skipped" not in record:
            self.say(line(record))

    def end(self, name):
        self.say(summary(name, self.sets[name]))
        if name == "long":
            self.say(growth(self.sets[name]))

    def wrong(self):
        return any("results" not in r and "skipped" not in r
                   for records in self.sets.values() for r in records)

    def document(self):
        means = {name: geometric_mean([r["ratio"] for r in records if "ratio" in r])
                 for name, records in self.sets.items() if any("ratio" in r for r in records)}
        return {**self.facts, "geometric_means": means, "sets": self.sets}

    def write(self, path):
        path.write_text(json.dumps(self.document(), indent=1) + "\n", encoding="utf-8")

    def save(self):
        """DATE-DEVICE.json and .txt in results/."""
        device = re.sub(r"[^a-z0-9]+", "-", self.facts["device"].lower()).strip("-")
        base = RESULTS / f"{self.facts['date'][:10]}-{device}"
        RESULTS.mkdir(exist_ok=True)
        self.write(base.with_suffix(".json"))
        base.with_suffix(".txt").write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        print(f"saved {base}.json and .txt", file=sys.stderr)
