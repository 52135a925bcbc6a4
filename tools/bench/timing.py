# SPDX-License-Identifier: MIT
"""Checks that runners agree, then times them in turn.

A runner has `library` ("ours", "ort", "torch"), `threads`, begin() before its turn, run(), and
outputs(). A turn is a pause until the threads of the others have stopped spinning, one call that
is not timed, and as many timed calls as fill LEAST_TURN.
"""
import math
import statistics
import time

LEAST_TURN = 0.02  # seconds
PAUSE, LONGEST_PAUSE = 0.005, 0.5
LONG = 0.2         # a call of so many seconds needs no warming up
PROBE_TURNS = 2
NEAR = 1.15        # a thread count within this of its library's best stays in
TOLERANCE = 1e-4   # largest |difference| of a tensor over its largest |value|


def disagreement(runners):
    """Run each once. The largest relative difference to the last runner, and where it is."""
    for runner in runners:
        runner.begin()
        runner.run()
    worst, where = 0.0, ""
    reference = runners[-1].outputs()
    for runner in runners[:-1]:
        for name, value in runner.outputs().items():
            wanted = reference[name]
            if value.shape != wanted.shape:
                return math.inf, f"{name} of {runner.library}: {value.shape} not {wanted.shape}"
            error = float(abs(value - wanted).max() / max(abs(wanted).max(), 1e-30))
            if not error <= worst:  # also where it is NaN
                worst, where = error, f"{name} of {runner.library}"
    return worst, where


def calls_of(runner, seconds):
    begun = time.perf_counter()
    count = 0
    while count == 0 or time.perf_counter() - begun < seconds:
        runner.run()
        count += 1
    return (time.perf_counter() - begun) / count


def settle():
    """Wait until no thread of this process works any more."""
    for _ in range(int(LONGEST_PAUSE / PAUSE)):
        before = time.process_time()
        time.sleep(PAUSE)
        if time.process_time() - before < PAUSE / 5:
            break


def turn(runner, expected):
    """Seconds of one call."""
    settle()
    runner.begin()
    if expected < LONG:
        runner.run()
    calls = max(1, math.ceil(LEAST_TURN / expected))
    begun = time.perf_counter()
    for _ in range(calls):
        runner.run()
    return (time.perf_counter() - begun) / calls


def probe(runners):
    """Seconds of a call, about, for each runner."""
    best = [math.inf] * len(runners)
    for _ in range(PROBE_TURNS):
        for i, runner in enumerate(runners):
            settle()
            runner.begin()
            runner.run()
            best[i] = min(best[i], calls_of(runner, LEAST_TURN / 2))
    return best


def worth_keeping(runners, expected):
    """Indices of the runners whose thread count may be their library's fastest."""
    best = {}
    for runner, seconds in zip(runners, expected):
        best[runner.library] = min(best.get(runner.library, math.inf), seconds)
    return [i for i, runner in enumerate(runners) if expected[i] <= NEAR * best[runner.library]]


def alternate(runners, turns):
    """For each library {"ms" (median), "min_ms", "threads", "turns_ms"} of its fastest runner."""
    expected = probe(runners)
    kept = worth_keeping(runners, expected)
    times = {i: [] for i in kept}
    for _ in range(turns):
        for i in kept:
            times[i].append(turn(runners[i], expected[i]))
    return fastest({i: (runners[i], seconds) for i, seconds in times.items()})


def fastest(times):
    results = {}
    for runner, seconds in times.values():
        ms = 1e3 * statistics.median(seconds)
        if ms < results.get(runner.library, {"ms": math.inf})["ms"]:
            results[runner.library] = {"ms": ms, "min_ms": 1e3 * min(seconds),
                                       "threads": runner.threads,
                                       "turns_ms": [1e3 * s for s in seconds]}
    return results
