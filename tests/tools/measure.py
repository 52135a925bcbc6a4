# SPDX-License-Identifier: MIT
"""clrnn verify and clrnn bench."""
import json
import re

from harness import clrnn, fails, passes


KINDS = ["opencl", "native", "vendor", "platform", "device", "strategy", "products"]


def assert_told(device):
    """What an author wants to know of a customer's device."""
    assert device["version"].startswith("OpenCL ") and device["max_allocation_bytes"] > 0, device
    checked = [p for p in device["problems"] if "precision=f64" not in p["problem"]]
    assert device["worst_error"]["f32"] == max(max(p["forward_error"], p["gradient_error"])
                                               for p in checked)
    strategies = {s["strategy"]: s for s in device["strategies"]}
    assert sorted(strategies) == ["fused", "persistent", "resident", "stepwise"]
    assert strategies["stepwise"]["available"] and strategies["stepwise"]["passed"] > 0
    entries = device["report"]["entries"]
    for name, s in strategies.items():
        of = [e for e in entries if e["kind"] == "strategy" and e["name"] == name]
        assert s["passed"] == sum(e["outcome"] == "passed" for e in of)
        worst = max([0] + [max(e["forward_error"], e["gradient_error"]) for e in of])
        assert abs(s["worst_error"] - worst) <= 1e-8 * worst, s  # the report has nine digits
    chosen = [e for e in entries if e["outcome"] == "chosen"]
    assert [e["name"] for e in chosen] == [device["name"]]
    assert {p["products"]: p["available"] for p in device["products"]}["packed"]
    assert device["times"]
    for t in device["times"]:
        assert 0 < t["min_ms"] <= t["median_ms"] and t["strategy"] and t["plan_ms"] >= 0


def test_verify():
    lines = passes("verify", "--quick").splitlines()
    assert lines[0].startswith("clrnn ") and "processors" in lines[0]
    header = lines.index("")  # the machine comes first, then the device
    assert all(line.split()[0] in KINDS for line in lines[1:header]), lines[1:header]
    assert lines[header + 1].startswith("device ") and "driver" in lines[header + 1]
    for word in ("worst error in f32: ", "time ", "strategy stepwise", "products packed"):
        assert any(line.startswith(word) for line in lines), word
    passed = sum(line.startswith("pass ") for line in lines)
    assert sum(line.startswith("weights in ") for line in lines) == 3
    assert passed >= 8 and lines[-1].startswith(f"{passed} passed, 0 failed"), lines[-1]
    result = json.loads(passes("verify", "--quick", "--json", "--device", "all"))
    assert result["failed"] == 0 and result["passed"] >= 8
    assert result["version"] == passes("--version").split()[1]
    assert result["system"]["processors"] > 0 and result["system"]["memory_bytes"] > 0
    assert result["found"]["report"] == 1
    found = result["found"]["entries"]
    assert [e["name"] for e in found if e["kind"] == "device"] == \
        [d["name"] for d in result["devices"]]
    for device in result["devices"]:
        assert device["name"] and device["driver"]
        for p in device["problems"]:
            assert p["passed"] and 0 <= p["forward_error"] <= p["forward_bound"]
            assert (p["gradient_error"] > 0) == ("mode=train" in p["problem"])
            assert p["gradient_error"] <= p["gradient_bound"]
            stored = "weights=f32" not in p["problem"]
            assert p["forward_bound"] < 1e-4 and (p["storage_error"] > 0) == stored, p
            assert p["storage_error"] <= p["storage_bound"], p
            assert not stored or p["forward_error"] < p["storage_error"], p
        assert [s["weights"] for s in device["storages"]] == ["f16", "bf16", "int8"]
        for s in device["storages"]:
            of = [p for p in device["problems"] if f"weights={s['weights']}" in p["problem"]]
            assert len(of) == s["problems"] >= 2
            for key in ["forward_error", "storage_error"]:
                assert s[key] == max(p[key] for p in of)
        assert_told(device)
        # the fewer bits, the further from what the weights were, and never for other reasons
        errors = [s["storage_error"] for s in device["storages"]]
        assert errors[0] < 2e-3 and errors[0] < errors[2] and errors[1] < 2e-2, errors
        assert max(s["forward_error"] for s in device["storages"]) < 2e-6
    out = passes("verify", "--problem", "cell=gru,T=3,I=2,H=5", "cell=rnn,T=2,I=2,H=3")
    assert out.splitlines()[-1] == "2 passed, 0 failed"


def test_digest():
    """The same numbers each time, of every strategy that the device has; others for other bits."""
    command = ["verify", "--quick", "--digest"]
    lines = [l for l in passes(*command).splitlines() if l.startswith("digest")]
    assert len(lines) >= 5 and all(len(l.split()) == 7 for l in lines), lines
    assert {l.split()[1] for l in lines} >= {"stepwise"} and lines[-1].split()[1] == "total", lines
    again = passes(*command).splitlines()
    assert lines == [l for l in again if l.startswith("digest")]
    of_problems = [l.split()[1:] for l in again if l.startswith("      digest ")]
    device = json.loads(passes(*command, "--json"))["devices"][0]
    for d, line in zip(device["digests"], lines, strict=True):
        assert line.split()[1:6] == [d["strategy"], d["numbers"], d["forward"], d["gradients"],
                                     str(d["problems"])], (d, line)
    assert of_problems == [[p["forward_digest"], p["gradient_digest"]] for p in device["problems"]]
    total, of_all = device["digests"][-1], [d for d in device["digests"] if d["strategy"] == "stepwise"
                                            and d["numbers"] != "f64"]
    assert total["problems"] == sum(d["problems"] for d in of_all) and len(of_all) == 4, total
    for p in device["problems"]:
        assert "gemm=packed" in p["problem"] and "strategy=" in p["problem"]
        assert len(p["forward_digest"]) == 16 and int(p["forward_digest"], 16)
        assert ("mode=train" in p["problem"]) == (int(p["gradient_digest"], 16) != 0), p
    of = {p["problem"]: p["forward_digest"] for p in device["problems"]}
    for p in device["problems"]:  # all add in one order
        alone = re.sub("strategy=[a-z]+", "strategy=stepwise", p["problem"])
        same = [q for q in device["problems"] if q["problem"] == alone]
        assert not same or same[0]["forward_digest"] == p["forward_digest"], p
        assert not same or same[0]["gradient_digest"] == p["gradient_digest"], p
    assert len(set(of.values())) >= len(of) // 3


def test_same_bits():
    """Native and PoCL, where both are there: the digests of some problems are the same."""
    problems = ["cell=lstm,D=2,T=5,N=3,I=3,H=7,mode=train,lengths=ragged,strategy=stepwise,gemm=packed",
                "cell=gru,reset=after,T=4,N=2,I=5,H=17,strategy=persistent,gemm=packed"]
    found = []
    for device in ("native", "pocl"):
        result = clrnn("verify", "--json", "--device", device, "--problem", *problems)
        if result.returncode == 3:
            return
        assert result.returncode == 0, result
        found.append([(p["problem"], p["forward_digest"], p["gradient_digest"])
                      for p in json.loads(result.stdout)["devices"][0]["problems"]])
    assert len(found[0]) == 2 and found[0] == found[1], found
    other = json.loads(passes("verify", "--json", "--device", "native", "--problem",
                              problems[0].replace("T=5", "T=6")))
    assert other["devices"][0]["problems"][0]["forward_digest"] != found[0][0][1]


def test_verify_fails():
    huge = "cell=lstm,T=100000,N=1000000,H=100000"  # no memory for that: not checked, so not passed
    result = clrnn("verify", "--problem", huge, "T=2,H=3")
    assert result.returncode == 1 and result.stdout.endswith("1 passed, 1 failed\n"), result
    assert "FAIL  cell=lstm" in result.stdout and "pass  " in result.stdout, result
    result = clrnn("verify", "--json", "--problem", huge)
    failed = json.loads(result.stdout)
    assert result.returncode == 1 and failed["failed"] == 1 and failed["passed"] == 0, result
    assert not failed["devices"][0]["problems"][0]["passed"]


def test_bench():
    problems = ["cell=lstm,T=4,N=2,I=8,H=8,mode=train",
                "cell=gru,T=600,N=70,I=32,H=33,D=2,L=2,lengths=ragged"]
    out = passes("bench", "--json", "--problem", problems[0], "--problem", problems[1])
    results = [json.loads(line) for line in out.splitlines()]
    assert len(results) == 2
    for r in results:
        assert r["runs"] >= 5 and 0 < r["min_ms"] <= r["median_ms"] and r["passed"]
        assert r["gflops"] > 0 and r["gbytes"] > 0 and 0 < r["max_error"] < 1e-3
        assert r["device"] and r["driver"] and r["strategy"] and r["gemm"]
    assert results[0]["checked"] == results[0]["problem"] and "mode=train" in results[0]["problem"]
    assert results[1]["checked"] != results[1]["problem"]
    flops = 3 * 2 * 4 * 8 * (8 + 8) * 4 * 2
    assert abs(results[0]["gflops"] * results[0]["median_ms"] * 1e6 - flops) < 1e-3 * flops
    lines = passes("bench", "--problem", problems[0]).splitlines()
    assert len(lines) == 3 and "T=4" in lines[2], lines


def test_bench_stream():
    problem = "cell=gru,T=1000,N=1,I=1,H=16,mode=stream,block=32"
    r = json.loads(passes("bench", "--json", "--problem", problem))
    assert r["passed"] and r["checked"] == r["problem"], r
    assert "mode=stream" in r["problem"] and "block=32" in r["problem"], r
    assert r["runs"] >= 5 and 0 < 1000 * r["min_ms"] <= r["median_us"], r
    assert r["median_us"] <= r["p99_us"] <= r["p999_us"] <= r["max_us"], r
    assert abs(r["median_us"] - 1000 * r["median_ms"]) < 1e-9 * r["median_us"], r
    assert abs(r["budget_us"] - 32 / 0.048) < 1e-6, r
    assert abs(r["p999_of_budget"] - r["p999_us"] / r["budget_us"]) < 1e-9 * r["p999_of_budget"], r
    flops = 2 * 3 * 16 * (1 + 16) * 32  # of a block
    assert abs(r["gflops"] * r["median_ms"] * 1e6 - flops) < 1e-3 * flops, r
    lines = passes("bench", "--problem", problem).splitlines()
    assert len(lines) == 4 and "block=32" in lines[2], lines
    assert "99.9 %" in lines[3] and "of the 667 us" in lines[3], lines
    # too long for the reference: checked with fewer steps, and with blocks that fit them
    long = "cell=rnn,T=400000,N=1,I=1,H=40,mode=stream,block=300000"
    r = json.loads(passes("bench", "--json", "--problem", long))
    assert r["passed"] and "block=300000" in r["problem"] and "T=50000," in r["checked"], r
    assert "block=50000" in r["checked"] and r["runs"] >= 5, r
    fails(2, "bench", "--problem", "mode=stream,D=2", says="D=2 is impossible with mode=stream")
    for most in "T", "N":
        fails(2, "bench", "--problem", f"{most}=4294967295,I=1,H=1", says="4294967295, not in")


def test_tune():
    problem = "cell=gru,T=3,N=2,I=9,H=70"
    out = passes("tune", "--json", "--problem", problem)
    r = json.loads(out)
    times = [way["median_ms"] for way in r["ways"]]
    assert "H=70" in r["problem"] and len(times) >= 2 and times == sorted(times), r
    assert times[0] > 0 and {"stepwise"} <= {way["strategy"] for way in r["ways"]}, r
    best = r["ways"][0]
    bench = clrnn("bench", "--json", "--problem", problem, CLRNN_LOG="info")
    assert bench.returncode == 0 and "measured to be the fastest" in bench.stderr, bench
    assert json.loads(bench.stdout)["strategy"] == best["strategy"], bench
    lines = passes("tune", "--problem", problem).splitlines()
    assert lines[0] == r["problem"] and len(lines) == 1 + len(times), lines
    assert lines[1].startswith("* ") and " ms " in lines[1], lines
    fails(2, "tune", "--problem", problem + ",strategy=stepwise", says="must be auto")
    fails(2, "tune", "--problem", "H=0", says="H")
