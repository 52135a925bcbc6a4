# SPDX-License-Identifier: MIT
"""clrnn convert, info and run on models of PyTorch, Keras, RTNeural and NAM."""
import json
import os
import pathlib

from arrays import count, read_npy, write_npy, write_safetensors
from harness import clrnn, fails, has_onnx, passes

DATA = pathlib.Path(__file__).resolve().parents[1] / "data" / "models"
NAM, GRU = str(DATA / "nam" / "lstm.nam"), str(DATA / "rtneural" / "gru_1d.json")
NOTHING = {"OCL_ICD_VENDORS": "/nonexistent", "CLRNN_DEVICE": ""}  # no driver: none is needed


def amplified(model):
    """What a model of one channel makes of forty samples."""
    write_npy("x.npy", (40, 1, 1), [((i * 7) % 13 - 6) / 6 for i in range(40)])
    passes("run", model, "--in", "x=x.npy", "--out", "y=y.npy", "--force")
    return read_npy("y.npy")


def test_convert_round_trips():
    for model, endings in (NAM, ["npz", "safetensors"]), (GRU, ["npz", "json", "safetensors"]):
        wanted, before = amplified(model), model
        for ending in endings:
            text = passes("convert", before, "m." + ending, **NOTHING)
            assert "parameters -> m." + ending in text, text
            assert amplified("m." + ending) == wanted, ending
            before = "m." + ending
        for ending in endings:
            os.remove("m." + ending)


def test_convert_onnx():
    """The same bits through ONNX and back, also of a model that is no graph; what has no form."""
    if not has_onnx():
        return
    for model in NAM, GRU:
        wanted = amplified(model)
        passes("convert", model, "m.onnx", "--force", **NOTHING)
        assert amplified("m.onnx") == wanted, model
        passes("convert", model, "a.safetensors", "--force")
        passes("convert", "m.onnx", "b.safetensors", "--force")
        assert pathlib.Path("a.safetensors").read_bytes() == pathlib.Path("b.safetensors").read_bytes()
    passes("train", "--task", "adding", "--length", "5", "--steps", "1", "--hidden", "4", "--save", "task.safetensors")
    passes("convert", "task.safetensors", "task.onnx")
    passes("convert", "task.onnx", "task2.safetensors")
    passes("convert", "task.safetensors", "task3.safetensors")
    assert pathlib.Path("task2.safetensors").read_bytes() == pathlib.Path("task3.safetensors").read_bytes()
    before = pathlib.Path("m.onnx").read_bytes()
    fails(2, "convert", NAM, "m.onnx", says="--force")
    fails(2, "convert", NAM, "no/such/folder.onnx", says="no/such")
    assert pathlib.Path("m.onnx").read_bytes() == before


def test_convert_template():
    """What names and shapes tell of modules in an order that they do not: convolutions of two axes, transposed ones."""
    shapes = {"conv.weight": (8, 1, 3, 5), "conv.bias": (8,), "up.weight": (8, 4, 2, 2), "up.bias": (4,),
              "flat.weight": (6, 3, 2), "flat.bias": (3,)}
    write_safetensors("net.safetensors", {name: (shape, [0.5] * count(shape)) for name, shape in shapes.items()})
    fails(2, "convert", "net.safetensors", "o.npz", says=[
        '{"kind":"conv2d","name":"conv",', '"units":8,"kernel":[3,5],"stride":[1,1]',
        '{"kind":"conv_transpose2d","name":"up",', '"units":4,"kernel":[2,2]',
        '{"kind":"conv_transpose1d","name":"flat",', '"units":3,"kernel":[2,0]'])


def test_convert_states():
    """By names and shapes, by an architecture, and what PyTorch has no module for."""
    passes("convert", str(DATA / "pytorch" / "tagger.pt"), "t.safetensors", "--to", "pytorch")
    found = json.loads(passes("info", "t.safetensors", "--json"))
    assert "module.encoder.lstm.weight_hh_l1_reverse" in [t["name"] for t in found["tensors"]]
    net = str(DATA / "pytorch" / "net.pt")
    text = fails(2, "convert", net, "n.npz", says="stride, padding and dilation").stderr
    template = json.loads(text[text.index('{"graph"'):])
    assert [n["name"] for n in template["nodes"]] == ["conv", "bn", "rnn", "a", "b"], template
    assert not os.path.exists("n.npz")
    passes("convert", net, "n.npz", "--arch", str(DATA / "pytorch" / "net.json"))
    warned = clrnn("convert", net, "r.npz", "--prefix", "rnn.")
    assert warned.returncode == 0 and "tanh or relu" in warned.stderr, warned
    tagger = {"graph": 1, "inputs": [{"name": "x", "shape": [-1, -2, 2], "ids": False}],
              "nodes": [{"kind": "dense", "name": "a", "inputs": ["x"], "units": 2},
                        {"kind": "dense", "name": "b", "inputs": ["a"], "units": 1}],
              "outputs": [{"name": "y", "value": "a"}, {"name": "logits", "value": "b"}]}
    write_safetensors("two.safetensors", {"a.weight": ((2, 2), [1] * 4), "a.bias": ((2,), [1] * 2),
                                          "b.weight": ((1, 2), [1] * 2), "b.bias": ((1,), [1])})
    pathlib.Path("two_outputs.json").write_text(json.dumps(tagger))
    warned = clrnn("convert", "two.safetensors", "two.json", "--arch", "two_outputs.json")
    assert warned.returncode == 0 and "output 'y' is left out" in warned.stderr, warned
    assert "logits" not in warned.stderr, warned
    fails(2, "convert", GRU, "t.pt", "--to", "pytorch", says="ends in .safetensors")
    fails(2, "convert", NAM, "t.json", says="RTNeural has no form")


def test_convert_loses_nothing():
    passes("convert", GRU, "m.npz")
    before = pathlib.Path("m.npz").read_bytes()
    fails(2, "convert", NAM, "m.npz", says="--force")
    fails(2, "convert", "m.npz", "m.npz", "--force", says="same file")
    fails(2, "convert", "missing", "m.npz", "--force", says="missing")
    pathlib.Path("damaged.json").write_text(pathlib.Path(GRU).read_text()[:500])
    fails(2, "convert", "damaged.json", "m.npz", "--force", says="damaged.json")
    assert pathlib.Path("m.npz").read_bytes() == before
    passes("convert", NAM, "m.npz", "--force")
    assert pathlib.Path("m.npz").read_bytes() != before


def test_convert_use():
    fails(2, "convert", GRU, says="two files")
    fails(2, "convert", GRU, "m.npz", "--to", "keras", says="no such format is written")
    fails(2, "convert", GRU, "m.strange", says="no format has such an ending")
    fails(2, "convert", GRU, "m.npz", "--arch", "m.npz", says="same file")


def test_info_of_formats():
    found = json.loads(passes("info", NAM, "--json", **NOTHING))
    assert found["kind"] == "graph" and found["format"] == "nam" and found["tensors"] == []
    assert [n["name"] for n in found["nodes"]][-2:] == ["rnn", "head"]
    found = json.loads(passes("info", str(DATA / "pytorch" / "tagger.pt"), "--json", **NOTHING))
    assert found["kind"] == "graph" and found["format"] == "pytorch"
    assert [n["name"] for n in found["nodes"]][:2] == ["module.encoder.emb", "module.encoder.lstm"], found["nodes"]
    assert found["metadata"]["epoch"] == "3" and found["metadata"]["name"] == "tagger"
    assert found["networks"][0]["prefix"] == "module.encoder.lstm."
    found = json.loads(passes("info", str(DATA / "pytorch" / "old.pt"), "--json"))
    assert found["kind"] == "graph" and found["format"] == "pytorch", found
    found = json.loads(passes("info", str(DATA / "pytorch" / "net.pt"), "--json"))
    assert found["kind"] == "tensors" and "nodes" not in found, found
    fails(2, "info", str(DATA / "hostile" / "runs4.pt"), says="posix.system")
    fails(2, "info", NAM, "--prefix", "rnn.", says="named tensors")


def test_run_of_formats():
    """T and N by the arrays; one sequence without N, lengths; shapes that do not fit are told."""
    write_npy("x.npy", (6, 2, 1), [i / 10 for i in range(12)])
    passes("run", GRU, "--in", "x.npy", "--out", "y=y.npy")
    assert tuple(read_npy("y.npy")[0]) == (6, 2, 1)
    write_npy("n.npy", (2,), [6, 3], "I32")
    passes("run", GRU, "--in", "x=x.npy", "lengths=n.npy", "--out", "y=z.npy")
    y, z = read_npy("y.npy")[1], read_npy("z.npy")[1]
    assert z[:6] == y[:6] and [z[7], z[9], z[11]] == [0, 0, 0], z
    write_npy("one.npy", (6, 1), [i / 10 for i in range(6)])
    passes("run", GRU, "--in", "one.npy", "--out", "y=one_y.npy")
    assert tuple(read_npy("one_y.npy")[0]) == (6, 1, 1)
    write_npy("wide.npy", (6, 2, 3), range(36))
    fails(2, "run", GRU, "--in", "wide.npy", "--out", "y=w.npy",
          says="input 'x' is [6,2,3], but the model takes [T,N,1]")
    fails(2, "run", GRU, "--in", "x=x.npy", "z=x.npy", "--out", "y=w.npy", says="no input 'z'")
    write_npy("n.npy", (2,), [7, 3], "I32")
    fails(2, "run", GRU, "--in", "x=x.npy", "lengths=n.npy", "--out", "y=w.npy", says="from 0 to T")
