# SPDX-License-Identifier: MIT
"""Streams: a sequence in blocks, each of which begins with the states that the one before left.

clrnn beside ONNX Runtime with one thread, whose states go from one block to the next without a copy.
A turn is many blocks, each timed by itself, for the slowest ones count as much as the median.
"""
import ctypes
import gc
import math
import statistics
import time

import numpy as np
import onnx
import onnxruntime

import onnx_peer
import ours
import report
from timing import TOLERANCE, settle

CHECKED = 5         # blocks that are compared
WARM, BLOCKS = 20, 400  # of a turn


class OursStream:
    """A stream of clrnn; x [T,1,I] is the same in every block."""
    library, threads = "ours", 1

    def __init__(self, clrnn, problem, numbers):
        self.plan = ours.Ours(clrnn, problem, numbers)
        self.strategy, self.gemm = self.plan.strategy, self.plan.gemm
        self.lib = clrnn.lib
        self.lib.ours_stream.restype = ctypes.c_void_p
        self.stream = ctypes.c_void_p(self.lib.ours_stream(self.plan.plan))
        if not self.stream:
            clrnn.fail()
        self.x, self.y = numbers[0], np.empty((problem.T, 1, problem.H), np.float32)
        arguments = (self.stream, ours.pointer(self.x), ctypes.c_uint32(problem.T),
                     ours.pointer(self.y))
        self.run = lambda: self.lib.ours_stream_run(*arguments)

    def close(self):
        self.lib.ours_close_stream(self.stream)
        self.plan.close()


def make_model(problem, weights):
    """A serialized model with states as inputs, their names and those of its outputs."""
    nodes, constants, outputs = onnx_peer.layer_nodes(problem, 0, weights, "X")
    first = ["h0", "c0"][:len(outputs)]
    nodes[0].input.extend(["", *first])  # no lengths
    info, real = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    state, p = [1, 1, problem.H], problem
    graph = onnx.helper.make_graph(
        nodes, "stream",
        [info("X", real, [p.T, 1, p.I])] + [info(name, real, state) for name in first],
        [info("Y_l0", real, [p.T, 1, 1, p.H])] + [info(name, real, state) for name in outputs],
        [onnx.numpy_helper.from_array(a, n) for n, a in constants.items()])
    model = onnx.helper.make_model(graph, ir_version=onnx_peer.IR_VERSION,
                                   opset_imports=[onnx.helper.make_opsetid("", onnx_peer.OPSET)])
    return model.SerializeToString(), first, outputs


class OnnxStream:
    library, threads = "ort", 1

    def __init__(self, problem, numbers):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model, first, outputs = make_model(problem, numbers[2])
        self.session = onnxruntime.InferenceSession(model, options,
                                                    providers=["CPUExecutionProvider"])
        place = onnxruntime.OrtValue.ortvalue_from_numpy
        x = place(numbers[0])
        self.out = place(np.zeros((problem.T, 1, 1, problem.H), np.float32))
        states = [[place(np.zeros((1, 1, problem.H), np.float32)) for _ in first]
                  for _ in range(2)]
        self.bindings = []
        for turn in range(2):  # the states that one block leaves are those the next one reads
            binding = self.session.io_binding()
            binding.bind_ortvalue_input("X", x)
            binding.bind_ortvalue_output("Y_l0", self.out)
            for k, name in enumerate(first):
                binding.bind_ortvalue_input(name, states[turn][k])
                binding.bind_ortvalue_output(outputs[k], states[1 - turn][k])
            self.bindings.append(binding)

    def run(self):
        self.session.run_with_iobinding(self.bindings[0])
        self.bindings.reverse()
        return 0

    @property
    def y(self):
        return self.out.numpy()[:, 0]

    def close(self):
        self.session = self.bindings = None


def disagreement(runners):
    worst = 0.0
    for _ in range(CHECKED):
        if any(runner.run() for runner in runners):
            raise RuntimeError("a block was refused")
        wanted = runners[-1].y
        error = abs(runners[0].y - wanted).max() / max(abs(wanted).max(), 1e-30)
        worst = max(worst, float(error) if error == error else math.inf)
    return worst


def turn(runner):
    """Seconds of each block."""
    settle()
    run, clock, times = runner.run, time.perf_counter_ns, []
    for _ in range(WARM):
        run()
    for _ in range(BLOCKS):
        begun = clock()
        run()
        times.append(1e-9 * (clock() - begun))
    return times


def figures(runner, turns):
    medians = [1e3 * statistics.median(t) for t in turns]
    every = sorted(1e3 * s for t in turns for s in t)
    median = statistics.median(medians)
    return {"ms": median, "min_ms": every[0], "threads": runner.threads, "turns_ms": medians,
            "late": every[int(0.999 * len(every))] / median}


def compare(problem, clrnn, turns):
    """A record as those of whole sequences, with "late": the 99.9th percentile over the median."""
    numbers, record = problem.numbers(), {}
    runners = [OursStream(clrnn, problem, numbers), OnnxStream(problem, numbers)]
    record["strategy"], record["gemm"] = runners[0].strategy, runners[0].gemm
    record["error"], record["where"] = disagreement(runners), "y of ours"
    if record["error"] < TOLERANCE:
        gc.collect()
        gc.disable()
        times = [[turn(runner) for runner in runners] for _ in range(turns)]
        gc.enable()
        record["results"] = {r.library: figures(r, [t[i] for t in times])
                             for i, r in enumerate(runners)}
        record["ratio"] = report.ratio_of(record["results"])
        record["remark"] = "; 99.9 % over median: " + ", ".join(
            f"{name} {r['late']:.1f}" for name, r in record["results"].items())
    for runner in runners:
        runner.close()
    return record
