# SPDX-License-Identifier: MIT
"""clrnn verify and clrnn bench."""
import json

from harness import clrnn, passes


def test_verify():
    lines = passes("verify", "--quick").splitlines()
    assert lines[0].startswith("device ") and "driver" in lines[0]
    passed = sum(line.startswith("pass ") for line in lines)
    assert passed >= 8 and lines[-1] == f"{passed} passed, 0 failed", lines[-1]
    result = json.loads(passes("verify", "--quick", "--json", "--device", "all"))
    assert result["failed"] == 0 and result["passed"] >= 8
    for device in result["devices"]:
        assert device["name"] and device["driver"]
        for p in device["problems"]:
            assert p["passed"] and 0 <= p["forward_error"] <= p["forward_bound"]
            assert (p["gradient_error"] > 0) == ("mode=train" in p["problem"])
            assert p["gradient_error"] <= p["gradient_bound"]
    out = passes("verify", "--problem", "cell=gru,T=3,I=2,H=5", "cell=rnn,T=2,I=2,H=3")
    assert out.splitlines()[-1] == "2 passed, 0 failed"


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
