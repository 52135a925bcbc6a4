# SPDX-License-Identifier: MIT
"""One run: every problem of the sets that were asked for, checked and timed with all libraries."""
import gc
import os
import tempfile

import model_peer
import onnx_peer
import ours
import problems
import report
import roofline
import stream_peer
import text_peer
import timing
import torch_peer


class Comparison:
    """The libraries on this machine, and what they are asked."""

    def __init__(self, root, options):
        self.root, self.options = root, options
        ours.build(root, options.build)
        self.clrnn = ours.Clrnn(options.build, options.device)
        self.cores = len(os.sched_getaffinity(0))
        self.threads = sorted(n for n in {1, 2, self.cores} if n <= self.cores)
        self.roofline = roofline.Roofline(options.build, self.cores)
        self.report = report.Report(report.describe(self.clrnn, root, self.cores, options.turns))

    def reason_to_skip(self, problem):
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        libraries = 2 if problem.train else 3
        calls = 3 * (1 + (libraries - 1) * len(self.threads)) + self.options.turns * libraries
        seconds = calls * self.roofline.estimate(problem)
        if problem.memory_bytes() > memory / 2:
            return f"needs about {problem.memory_bytes() / 2**30:.0f} GiB"
        if seconds > self.options.limit:
            return f"would take about {seconds:.0f} s"
        return None

    def runners(self, problem):
        numbers = problem.numbers()
        yield ours.Ours(self.clrnn, problem, numbers)
        for threads in self.threads:
            if not problem.train:
                yield onnx_peer.OnnxPeer(problem, numbers, threads)
        for threads in self.threads:
            yield torch_peer.TorchPeer(problem, numbers, threads)

    def layer(self, problem):
        """The record of a problem."""
        record = {"label": problem.label(), "problem": problem.string()}
        reason = self.reason_to_skip(problem)
        if reason:
            return {**record, "skipped": reason}
        runners = []
        try:
            for runner in self.runners(problem):
                runners.append(runner)
            self.measure(runners, record)
        except RuntimeError as error:
            record["failed"] = str(error)
        for runner in runners:
            runner.close()
        if "results" in record and self.clrnn.is_cpu:
            least, record["roof_kind"] = self.roofline.least_time(problem)
            record["least_ms"] = 1e3 * least
            record["roof"] = 1e3 * least / record["results"]["ours"]["ms"]
        return record

    def measure(self, runners, record):
        record["strategy"], record["gemm"] = runners[0].strategy, runners[0].gemm
        record["error"], record["where"] = timing.disagreement(runners)
        if record["error"] < timing.TOLERANCE:
            record["results"] = timing.alternate(runners, self.options.turns)
            record["ratio"] = report.ratio_of(record["results"])

    def text(self, problem):
        outcome = text_peer.compare(problem, self.root, self.options.build, self.options.device,
                                    self.threads, self.options.turns)
        times = outcome.pop("times", None)
        record = {"label": problem.label(), **outcome}
        if times:
            record["results"] = timing.fastest(times)
            record["ratio"] = report.ratio_of(record["results"])
            record["characters_per_second"] = {
                library: 1e3 * text_peer.SEQ * text_peer.BATCH / r["ms"]
                for library, r in record["results"].items()}
            record["remark"] = "a step; characters/s: " + ", ".join(
                f"{library} {rate:,.0f}" for library, rate in
                record["characters_per_second"].items())
        return record

    def stream(self, problem):
        record = {"label": f"{problem.label()} block", "problem": problem.string()}
        try:
            return {**record, **stream_peer.compare(problem, self.clrnn, self.options.turns)}
        except RuntimeError as error:
            return {**record, "failed": str(error)}

    def model(self, problem):
        record, runners = {"label": problem.label()}, []
        try:
            with tempfile.TemporaryDirectory(prefix="clrnn-peers-") as folder:
                for runner in model_peer.runners(self.clrnn, problem, folder, self.threads):
                    runners.append(runner)
                self.measure(runners, record)
        except RuntimeError as error:
            record["failed"] = str(error)
        for runner in runners:
            runner.close()
        return record

    def problems(self, name):
        quick = self.options.quick
        if name == "models":
            return model_peer.problems(quick, self.options.onnx, self.options.size)
        return text_peer.problems(quick) if name == "text" else problems.SETS[name](quick)

    def run(self, name):
        self.report.begin(name)
        measure = {"text": self.text, "stream": self.stream,
                   "models": self.model}.get(name, self.layer)
        for problem in self.problems(name):
            self.report.add(name, measure(problem))
            gc.collect()
        self.report.end(name)
        if self.options.json:  # also what there is so far, should the rest be interrupted
            self.report.write(self.options.json)
