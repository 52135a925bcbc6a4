# SPDX-License-Identifier: MIT
"""clrnn run: numbers against layers in plain Python, files and shapes, and what it must refuse."""
import json
import os

import arrays
from arrays import numbers, read_npy, read_safetensors, swapped, write_npy, write_safetensors
from harness import clrnn, fails, has_onnx, near, on_native, passes

T, N, I, H, O = 5, 3, 4, 6, 2


def lstm_model(path="m.safetensors"):
    weights = arrays.make_weights("lstm", I, H, O)
    write_safetensors(path, weights)
    return weights


def logits_of(weights, y):
    out = []
    for at in range(0, len(y), H):
        out += arrays.times(weights["head.weight"], y[at:at + H], weights["head.bias"][1])
    return out


def test_run_numbers():
    weights, x = lstm_model(), numbers(50, (T, N, I))
    write_npy("x.npy", *x)
    y, hn, cn = arrays.lstm(weights, x[1], T, N)
    passes("run", "m.safetensors", "--in", "x.npy", "--out", "y.npy")
    near(read_npy("y.npy"), y, (T, N, H))
    passes("run", "m.safetensors", "--in", "x=x.npy", "--out", "y=a.safetensors",
           "hn=a.safetensors", "--out", "cn=c.npy", "logits=a.safetensors")
    several = read_safetensors("a.safetensors")
    assert list(several) == ["y", "hn", "logits"]
    near(several["y"], y, (T, N, H))
    near(several["hn"], hn, (1, N, H))
    near(several["logits"], logits_of(weights, y), (T, N, O))
    near(read_npy("c.npy"), cn, (1, N, H))


def test_run_state_and_lengths():
    weights, x = lstm_model(), numbers(51, (T, N, I))
    h0, c0, lengths = numbers(52, (1, N, H)), numbers(53, (1, N, H)), [2, 0, T]
    write_safetensors("in.safetensors",
                      {"x": x, "h0": h0, "c0": c0, "lengths": ((N,), lengths, "I64")})
    names = ["x", "h0", "c0", "lengths"]
    passes("run", "m.safetensors", "--in", *(f"{n}=in.safetensors" for n in names),
           "--out", *(f"{n}=out.safetensors" for n in ["y", "hn", "cn"]))
    y, hn, cn = arrays.lstm(weights, x[1], T, N, h0[1], c0[1], lengths)
    out = read_safetensors("out.safetensors")
    near(out["y"], y, (T, N, H))
    near(out["hn"], hn, (1, N, H))
    near(out["cn"], cn, (1, N, H))


def test_run_long():
    """More steps than one call of the library takes: cut, and as if not cut."""
    steps = 2100
    weights, x = lstm_model(), numbers(61, (steps, N, I))
    h0, c0, lengths = numbers(62, (1, N, H)), numbers(63, (1, N, H)), [steps, 1024, 1500]
    write_safetensors("in.safetensors",
                      {"x": x, "h0": h0, "c0": c0, "lengths": ((N,), lengths, "I64")})
    run = ["run", "m.safetensors", "--in", "x=in.safetensors"]
    out = ["--out", *(f"{n}=out.safetensors" for n in ["y", "hn", "cn"])]
    passes(*run, "h0=in.safetensors", "c0=in.safetensors", "lengths=in.safetensors", *out)
    y, hn, cn = arrays.lstm(weights, x[1], steps, N, h0[1], c0[1], lengths)
    got = read_safetensors("out.safetensors")
    near(got["y"], y, (steps, N, H), 1e-5)
    near(got["hn"], hn, (1, N, H), 1e-5)
    near(got["cn"], cn, (1, N, H), 1e-5)
    passes(*run, *out)
    y, hn, cn = arrays.lstm(weights, x[1], steps, N)
    got = read_safetensors("out.safetensors")
    near(got["y"], y, (steps, N, H), 1e-5)
    near(got["cn"], cn, (1, N, H), 1e-5)


def test_run_weights():
    """Weights kept in fewer bits: near the numbers, but not the numbers."""
    weights, x = lstm_model(), numbers(59, (T, N, I))
    write_npy("x.npy", *x)
    y = arrays.lstm(weights, x[1], T, N)[0]
    for kind, bound in [("f32", 2e-6), ("f16", 1e-3), ("bf16", 1e-2), ("int8", 1e-2)]:
        passes("run", "m.safetensors", "--in", "x.npy", "--out", "y.npy", "--weights", kind)
        got = read_npy("y.npy")
        near(got, y, (T, N, H), bound)
        assert (arrays.largest_difference(got[1], y) > 2e-5) == (kind != "f32")


def test_run_batch_first():
    lstm_model()
    x = numbers(54, (T, N, I))
    write_npy("x.npy", *x)
    write_npy("xb.npy", *swapped(x))
    outputs = ["y", "hn", "cn", "logits"]
    passes("run", "m.safetensors", "--in", "x.npy",
           "--out", *(f"{n}=a.safetensors" for n in outputs))
    passes("run", "m.safetensors", "--batch-first", "--in", "xb.npy",
           "--out", *(f"{n}=b.safetensors" for n in outputs))
    a, b = read_safetensors("a.safetensors"), read_safetensors("b.safetensors")
    for name in ["y", "logits"]:
        assert b[name] == swapped(a[name]), name
    assert a["hn"] == b["hn"] and a["cn"] == b["cn"]


def test_run_batch_first_graphs():
    """The same option for graphs: what begins with T and N is [N,T,..] in files, whatever the model has."""
    lstm_model()
    x, h0 = numbers(54, (T, N, I)), numbers(52, (1, N, H))
    write_npy("x.npy", *x)
    write_npy("xb.npy", *swapped(x))
    write_npy("h.npy", *h0)
    outputs = ["y", "logits", "hn", "cn"]
    for model, has in (("m.safetensors", outputs), ("t.safetensors", outputs[:2]), ("m.onnx", outputs[:2])):
        if model == "m.onnx" and not has_onnx():
            continue
        if model != "m.safetensors":
            passes("convert", "m.safetensors", model, *(["--to", "clrnn"] if model[0] == "t" else []))
        passes("run", model, "--in", "x.npy", "--out", *(f"{n}=a.safetensors" for n in has))
        passes("run", model, "--batch-first", "--in", "xb.npy", "--out",
               *(f"{n}=b.safetensors" for n in has))
        a, b = read_safetensors("a.safetensors"), read_safetensors("b.safetensors")
        for name in has:
            assert b[name] == (a[name] if name in ("hn", "cn") else swapped(a[name])), (model, name)
        passes("run", model, "--batch-first", "--in", "xb.npy", "--out", "y=c.npy", "--stream", "2")
        assert read_npy("c.npy") == b["y"], model


def test_run_one_sequence():
    lstm_model()
    x = numbers(55, (T, I))
    write_npy("x2.npy", *x)
    write_npy("x3.npy", (T, 1, I), x[1])
    passes("run", "m.safetensors", "--in", "x2.npy", "--out", "y2.npy")
    passes("run", "m.safetensors", "--in", "x3.npy", "--out", "y3.npy")
    assert read_npy("y2.npy") == read_npy("y3.npy")
    passes("run", "m.safetensors", "--batch-first", "--in", "x2.npy", "--out", "yb.npy")
    assert read_npy("yb.npy") == ((1, T, H), read_npy("y3.npy")[1])


def test_run_types():
    weights = lstm_model()
    whole = [float(i % 5 - 2) for i in range(T * N * I)]
    y, _, _ = arrays.lstm(weights, whole, T, N)
    for dtype in ["F64", "I64", "I32"]:
        values = whole if dtype == "F64" else [int(v) for v in whole]
        write_npy("x.npy", (T, N, I), values, dtype)
        passes("run", "m.safetensors", "--in", "x.npy", "--out", "y.npy")
        near(read_npy("y.npy"), y, (T, N, H))
    if "f64" in json.loads(passes("devices", "--json"))["devices"][0]["precisions"]:
        passes("run", "m.safetensors", "--precision", "f64", "--in", "x.npy", "--out", "y.npy")
        with open("y.npy", "rb") as f:
            assert b"<f8" in f.read(128)
        near(read_npy("y.npy"), y, (T, N, H), 1e-13)


def test_run_strategy():
    lstm_model()
    write_npy("x.npy", *numbers(59, (T, N, I)))
    for strategy in ("stepwise", "persistent" if on_native() else "resident"):
        result = clrnn("run", "m.safetensors", "--strategy", strategy, "--in", "x.npy",
                       "--out", "y.npy", CLRNN_LOG="info")
        assert result.returncode == 0 and f"strategy {strategy}" in result.stderr, result
    fails(2, "run", "m.safetensors", "--strategy", "quick", "--in", "x.npy", "--out", "y.npy",
          says="auto|stepwise")


def symbol_model(path):
    """One-hot: V = I; the vocabulary is letters."""
    description = {"cell": "lstm", "input": "one_hot", "input_size": I, "hidden_size": H,
                   "vocabulary_size": I, "output_size": O}
    weights = arrays.make_weights("lstm", I, H, O)
    write_safetensors(path, weights, {"clrnn": json.dumps(description)})
    return weights


def test_run_symbols():
    weights = symbol_model("m.safetensors")
    ids = [(3 * i + i // 4) % I for i in range(T * N)]
    write_npy("ids.npy", (T, N), ids, "I64")
    passes("run", "m.safetensors", "--in", "ids.npy", "--out", "y.npy")
    hot = [float(k == i) for i in ids for k in range(I)]
    near(read_npy("y.npy"), arrays.lstm(weights, hot, T, N)[0], (T, N, H))
    write_npy("idsb.npy", *swapped(((T, N), ids)), "U8")
    passes("run", "m.safetensors", "--batch-first", "--in", "idsb.npy", "--out", "yb.npy")
    assert read_npy("yb.npy") == swapped(read_npy("y.npy"))
    write_npy("one.npy", (T,), ids[:T], "I32")
    passes("run", "m.safetensors", "--in", "one.npy", "--out", "y1.npy")
    near(read_npy("y1.npy"), arrays.lstm(weights, hot[:T * I], T, 1)[0], (T, 1, H))


def test_run_bad_arrays():
    lstm_model()
    x = numbers(56, (T, N, I))
    write_npy("x.npy", *x)
    good = arrays.npy_bytes(*x)
    run, out = ["run", "m.safetensors", "--in"], ["--out", "y.npy"]
    broken = {"empty": b"", "truncated": good[:-1], "header": good[:40], "noise": b"\x07" * 100,
              "long": good + b"\0"}
    for name, data in broken.items():
        with open(name + ".npy", "wb") as f:
            f.write(data)
        fails(2, *run, name + ".npy", *out, says=name + ".npy")
    fails(2, *run, "missing.npy", *out, says="missing.npy")
    fails(2, *run, ".", *out)
    for shape in [(T, N, I + 1), (T * N * I,), (1, T, N, I), (0, N, I), (T, 0, I)]:
        write_npy("bad.npy", shape, [0.0] * arrays.count(shape))
        fails(2, *run, "bad.npy", *out, says="bad.npy")
    write_npy("bad.npy", (1, N, H + 1), [0.0] * (N * (H + 1)))
    for name in ["h0", "c0", "lengths"]:
        fails(2, *run, "x.npy", name + "=bad.npy", *out, says=["bad.npy", name])
    for lengths in [[T + 1, 1, 1], [1, -1, 1], [1, 1, 2**40], [1, 1]]:
        write_npy("lengths.npy", (len(lengths),), lengths, "I64")
        wrong = [n for n in lengths if not 0 <= n <= T]
        fails(2, *run, "x.npy", "lengths=lengths.npy", *out,
              says=["lengths.npy", f"length {wrong[0]} of sequence" if wrong else "[2]"])
    write_safetensors("other.safetensors", {"a": x, "b": x})
    fails(2, *run, "other.safetensors", *out, says=["other", "x", "a, b"])
    assert not os.path.exists("y.npy")


def test_run_bad_symbols():
    symbol_model("m.safetensors")
    for shape, symbol, dtype in [((T, N), 0.0, "F32"), ((T, N, 1), 0, "I32"), ((T, N), I, "I32"),
                                 ((T, N), -1, "I64"), ((T, N), 2**32, "I64")]:
        write_npy("x.npy", shape, [symbol] * T * N, dtype)
        fails(2, "run", "m.safetensors", "--in", "x.npy", "--out", "y.npy")


def test_run_bad_models():
    x = numbers(57, (T, N, I))
    write_npy("x.npy", *x)
    weights = arrays.make_weights("lstm", I, H)
    good = arrays.safetensors_bytes(weights)
    broken = {"empty": b"", "truncated": good[:-1], "header": good[:20], "text": b"not a model\n",
              "huge": b"\xff" * 8 + good[8:],
              "nothing": arrays.safetensors_bytes({"other": numbers(1, (2, 2))}),
              "array": arrays.npy_bytes(*x)}
    descriptions = {"zero": '{"hidden_size": 0}', "other": '{"cell": "gru"}', "json": '{"cell": ',
                    "wide": '{"input_size": 5}', "word": '{"cell": "perceptron"}',
                    "type": '{"hidden_size": "six"}', "negative": '{"num_layers": -1}'}
    for name, text in descriptions.items():
        broken["description-" + name] = arrays.safetensors_bytes(weights, {"clrnn": text})
    for name in weights:
        rest = {n: w for n, w in weights.items() if n != name}
        broken["without-" + name] = arrays.safetensors_bytes(rest)
    for name, data in broken.items():
        with open(name, "wb") as f:
            f.write(data)
        fails(2, "run", name, "--in", "x.npy", "--out", "y.npy")
    fails(2, "run", "missing", "--in", "x.npy", "--out", "y.npy", says="missing")


def test_run_bad_wishes():
    x = numbers(58, (T, N, I))
    write_npy("x.npy", *x)
    write_safetensors("gru.safetensors", arrays.make_weights("gru", I, H))
    run = ["run", "gru.safetensors", "--in", "x.npy"]
    fails(2, *run, "c0=x.npy", "--out", "y.npy", says="gru has no c0")
    fails(2, *run, "--out", "cn=c.npy", says="gru has no cn")
    fails(2, *run, "--out", "logits=l.npy", says="head")
    fails(2, *run, "--out", "z=y.npy", says=["z", "logits"])
    fails(2, *run, "--out", "y.txt", says="y.txt")
    fails(2, *run, "--out", "y=a.npy", "hn=a.npy", says="a.npy")
    fails(2, *run, "--out", "y.npy", "y=b.npy", says="b.npy")
    fails(2, *run, "--out", "missing/y.npy", says="missing/y.npy")
    fails(2, *run, "x.npy", "--out", "y.npy", says="already")
    fails(2, *run, "z=x.npy", "--out", "y.npy", says="lengths")
    fails(2, *run, says="--out")
    fails(2, "run", "gru.safetensors", "--out", "y.npy", says="--in")
    fails(2, *run, "--out", "y.npy", "--weights", "f8", says="f32|f16|bf16|int8")
    fails(2, *run, "--out", "y.npy", "--weights", "f16", "--precision", "f64", says="double")
    fails(2, *run, "--out", "y.npy", "--precision", "f16", says="f32|f64")
    assert not os.path.exists("y.npy")


def test_run_prefix():
    """A network within a larger file: named in the error, then taken."""
    weights, x = lstm_model(), numbers(60, (T, N, I))
    write_npy("x.npy", *x)
    inside = {name.replace("rnn.", "encoder.lstm."): w for name, w in weights.items()
              if name.startswith("rnn.")}
    other = {f"decoder.{name}": w for name, w in arrays.make_weights("gru", I, H, O).items()}
    write_safetensors("one.safetensors", inside)
    write_safetensors("two.safetensors", {**inside, **other})
    run, out = ["--in", "x.npy"], ["--out", "y.npy"]
    passes("inspect", "one.safetensors", "--in", "x.npy", "--json")
    fails(2, "sample", "one.safetensors",
          says=["encoder.lstm.weight_hh_l0 [24,6]", '"encoder.lstm."', "--prefix"])
    fails(2, "sample", "two.safetensors", says=['"decoder.", "encoder.lstm."', "choose"])
    # More than a model has is read as .pt is: whole, if its modules follow each other in one order.
    passes("run", "one.safetensors", *run, "--out", "whole.npy")
    near(read_npy("whole.npy"), arrays.lstm(weights, x[1], T, N)[0], (T, N, H))
    fails(2, "run", "two.safetensors", *run, *out,
          says=["two.safetensors", "do not fit one behind the other", "--arch", "--prefix"])
    fails(2, "run", "two.safetensors", "--prefix", "coder.", *run, *out, says='prefix "coder."')
    fails(2, "sample", "one.safetensors", says='"encoder.lstm."')
    assert not os.path.exists("y.npy")
    passes("run", "two.safetensors", "--prefix", "encoder.lstm.", *run, *out)
    near(read_npy("y.npy"), arrays.lstm(weights, x[1], T, N)[0], (T, N, H))
    passes("run", "two.safetensors", "--prefix", "decoder.", *run, "--out", "logits=y.npy")
    assert read_npy("y.npy")[0] == (T, N, O)
    fails(2, "sample", "two.safetensors", "--prefix", "decoder.", says="no vocabulary")
