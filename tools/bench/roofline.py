# SPDX-License-Identifier: MIT
"""What this machine's CPU could do at best, measured: reading weights, multiplying matrices."""
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

from timing import settle

HERE = Path(__file__).resolve().parent
TRIALS, TRIAL_TIME = 15, 0.005  # many short ones: the best is wanted
LARGE, COMPUTE_BOUND = 2048, 256  # where a product's rate no longer changes


class Roofline:
    def __init__(self, folder, threads):
        self.program = folder / "read_bandwidth"
        self.threads = threads
        self.read_rates, self.product_rates = {}, {}
        command = [os.environ.get("CC", "cc"), "-O3", "-march=native", "-pthread", "-o",
                   str(self.program), str(HERE / "read_bandwidth.c"), "-lm"]
        result = subprocess.run(command, text=True, capture_output=True, check=False)
        if result.returncode:
            sys.exit(f"peers: {' '.join(command)} failed:\n{result.stderr}")

    def read_rate(self, size):
        """Bytes/s of reading `size` bytes again and again with all threads."""
        if size not in self.read_rates:
            settle()
            output = subprocess.run([str(self.program), str(size), str(self.threads)], text=True,
                                    check=True, stdout=subprocess.PIPE).stdout
            self.read_rates[size] = float(output)
        return self.read_rates[size]

    def product_rate(self, m, k, n):
        """Operations/s of [m,k] times [k,n]: the best of NumPy and PyTorch, one thread or all."""
        if min(m, k, n) >= COMPUTE_BOUND:
            m, k = min(m, LARGE), min(k, LARGE)
        key = (m, k, n)
        if key not in self.product_rates:
            self.product_rates[key] = self.measure_product(*key)
        return self.product_rates[key]

    def measure_product(self, m, k, n):
        a, b = np.ones((m, k), np.float32), np.ones((k, n), np.float32)
        c = np.empty((m, n), np.float32)
        ta, tb, tc = map(torch.from_numpy, (a, b, c))
        settle()
        seconds = best_time(lambda: np.matmul(a, b, out=c))
        for threads in {1, self.threads}:
            torch.set_num_threads(threads)
            settle()
            seconds = min(seconds, best_time(lambda: torch.mm(ta, tb, out=tc)))
        return 2 * m * k * n / seconds

    def least_time(self, problem):
        """(seconds, what bounds it). One sequence: reading the recurrent weights at every step.
        More: all products, each at its measured rate."""
        if problem.N == 1 and not problem.train:
            return problem.T * problem.recurrent_bytes() / self.read_rate(
                problem.recurrent_bytes() // problem.L // problem.D), "read"
        return sum(times * 2 * m * k * n / self.product_rate(m, k, n)
                   for m, k, n, times in problem.products()), "sgemm"

    def estimate(self, problem):
        """Seconds of one call of a good implementation, from two rates only."""
        return max(problem.operations() / self.product_rate(LARGE, 512, LARGE),
                   problem.T * problem.recurrent_bytes() / self.read_rate(1 << 28))


def best_time(function):
    """Seconds of one call at its best."""
    function()
    best = float("inf")
    for _ in range(TRIALS):
        calls, begun = 0, time.perf_counter()
        while calls == 0 or time.perf_counter() - begun < TRIAL_TIME:
            function()
            calls += 1
        best = min(best, (time.perf_counter() - begun) / calls)
    return best
