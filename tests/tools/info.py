# SPDX-License-Identifier: MIT
"""clrnn info: models, checkpoints, arrays, files of others, and files made to do harm."""
import json
import os
import pathlib
import random
import subprocess

import arrays
import harness
from arrays import numbers, write_npy, write_safetensors
from harness import clrnn, fails, passes, write_text

NOTHING = {"OCL_ICD_VENDORS": "/nonexistent", "CLRNN_DEVICE": ""}  # no driver: none is needed


def info(path, *more):
    """What the command tells, as JSON; the text must be there, too, and end with a line break."""
    text = passes("info", path, *more, **NOTHING)
    found = json.loads(passes("info", path, "--json", *more, **NOTHING))
    assert text.endswith("\n") and found["kind"] in text.splitlines()[0], text
    assert found["file"] == path and found["bytes"] == os.path.getsize(path), found
    return found, text


def test_info_model():
    weights = arrays.make_weights("lstm", 4, 6, 2)
    write_safetensors("m.safetensors", weights)
    found, text = info("m.safetensors")
    network, = found["networks"]
    assert found["kind"] == "model" and found["format"] == "safetensors" and network["fits"]
    assert network["prefix"] == "" and network["dtype"] == "F32" and network["cell"] == "lstm"
    assert network["description"] == "LSTM, 1 layer of 6 units"
    assert network["problem"].startswith("cell=lstm,T=100,N=1,I=4,H=6,L=1,D=1,mode=infer")
    assert network["parameters"] == sum(arrays.count(shape) for shape, _ in weights.values())
    assert network["input"] == "dense" and network["output_size"] == 2
    assert "vocabulary" not in network and "training" not in found and found["metadata"] == {}
    assert {t["name"]: t["shape"] for t in found["tensors"]} == \
        {name: list(shape) for name, (shape, _) in weights.items()}
    assert all(t["dtype"] == "F32" and t["bytes"] == 4 * t["elements"] for t in found["tensors"])
    for part in ["LSTM, 1 layer of 6 units", "head        2 outputs", network["problem"],
                 "rnn.weight_hh_l0  F32   [24,6]", "parameters  302, F32"]:
        assert part in text, (part, text)
    passes("verify", "--problem", network["problem"] + ",T=3")


def test_info_sizes():
    """Axes that ONNX leaves open, by their names; convert takes them, too."""
    model = str(pathlib.Path(__file__).resolve().parents[1] / "data" / "onnx" / "nnsplit" / "model.onnx")
    if clrnn("info", model).returncode:
        return  # a build without protobuf-c
    assert "[3,T]" in passes("info", model, "--size", "batch=3")
    assert "[3,7]" in passes("info", model, "--size", "batch=3", "--size", "length=7")
    passes("convert", model, "sized.safetensors", "--size", "batch=3")
    assert "[3,T]" in passes("info", "sized.safetensors")
    for command in (["info", model], ["convert", model, "o.safetensors"]):
        fails(2, *command, "--size", "nobody=3", says="no axis 'nobody' is open; there are: 'batch', 'length'")
        fails(2, *command, "--size", "batch", says="NAME=NUMBER is meant")
    fails(2, "info", "sized.safetensors", "--size", "batch=3", says="leaves no axes open")
    assert "strategy" in passes("info", model, "--device", "native") and "strategy" not in passes("info", model)
    fails(2, "convert", "sized.safetensors", "o.npz", "--size", "batch=3", says="leaves no axes open")


def test_info_graph():
    """A graph is a table of its nodes; one that is damaged is refused with what is wrong."""
    graph = {"graph": 1, "inputs": [{"name": "x", "shape": [-1, -2, 3], "ids": False}],
             "nodes": [{"kind": "conv1d", "name": "front", "inputs": ["x"], "units": 4,
                        "kernel": [3, 1], "causal": True},
                       {"kind": "dense", "name": "head", "inputs": ["front"], "units": 2,
                        "function": "tanh"}],
             "outputs": [{"name": "y", "value": "head"}]}
    tensors = {"front.weight": ((4, 3, 3), [0.5] * 36), "front.bias": ((4,), [0.0] * 4),
               "head.weight": ((2, 4), [1.0] * 8), "head.bias": ((2,), [0.0] * 2)}

    def write(description):
        text = json.dumps(description, separators=(",", ":"))
        write_safetensors("g.safetensors", tensors, {"clrnn": text})
    write(graph)
    found, text = info("g.safetensors")
    assert found["kind"] == "graph" and found["networks"] == []
    assert [(n["name"], n["kind"], n["shape"], n["parameters"]) for n in found["nodes"]] == \
        [("front", "conv1d", "[T,N,4]", 40), ("head", "dense", "[T,N,2]", 10)]
    assert found["inputs"][0]["shape"] == "[T,N,3]" and found["outputs"][0]["name"] == "y"
    for part in ["2 nodes, 50 parameters", "conv1d", "[T,N,4]", "output"]:
        assert part in text, (part, text)
    graph["nodes"][1]["inputs"] = ["later"]
    write(graph)
    fails(2, "info", "g.safetensors", says="node 'head' (dense): it reads 'later'")


def test_info_cells():
    """In words and as a problem string, every form of a network that names and shapes can say."""
    gru = arrays.make_weights("gru", 3, 5)
    write_safetensors("m.safetensors", gru)
    network, = info("m.safetensors")[0]["networks"]
    assert "reset after the product, an open update gate keeps" in network["description"]
    assert network["problem"].endswith("reset=after,update=keeps")
    described = {"clrnn": '{"reset":"before","update":"replaces"}'}
    write_safetensors("m.safetensors", gru, described)
    found, text = info("m.safetensors")
    network, = found["networks"]
    assert "reset before the product, an open update gate replaces" in network["description"]
    assert "reset" not in network["problem"] and found["metadata"] == described
    assert 'clrnn = {"reset"' in text
    rnn = arrays.make_weights("rnn", 3, 5)
    write_safetensors("m.safetensors", rnn, {"clrnn": '{"nonlinearity":"relu"}'})
    network, = info("m.safetensors")[0]["networks"]
    assert network["description"] == "RNN, 1 layer of 5 units, relu"
    large = {}
    for layer in range(2):
        for end in ["", "_reverse"]:
            inputs = 3 if layer == 0 else 4
            shapes = {"weight_ih": (20, inputs), "weight_hh": (20, 2), "weight_hr": (2, 5)}
            large.update({f"{name}_l{layer}{end}": numbers(1, shape)
                          for name, shape in shapes.items()})
    write_safetensors("m.safetensors", {n: (s, v, "F64") for n, (s, v) in large.items()})
    network, = info("m.safetensors")[0]["networks"]
    assert network["description"] == \
        "LSTM, 2 layers of 5 units projected to 2, both directions, no biases"
    assert network["dtype"] == "F64"
    for part in ["L=2,D=2", "P=2", "bias=0", "precision=f64"]:
        assert part in network["problem"], network


def test_info_checkpoint():
    write_text()
    passes("train", "--text", "text.txt", "--cell", "gru", "--hidden", "16", "--embedding", "3",
           "--seq", "8", "--batch", "4", "--steps", "7", "--optimizer", "adamw",
           "--weight-decay", "0.25", "--seed", "18446744073709551615", "--save", "m.safetensors")
    found, text = info("m.safetensors")
    network, = found["networks"]
    training = found["training"]
    assert found["kind"] == "checkpoint" and network["input"] == "embedding"
    assert network["problem"].startswith("cell=gru,T=8,N=4,I=3,H=16,L=1,D=1,mode=train")
    with open("text.txt", encoding="utf-8") as f:
        assert bytes(network["vocabulary"]).decode() == "".join(sorted(set(f.read())))
    assert training["step"] == 7 and training["optimizer"] == "adamw"
    assert training["learning_rate"] == 0.002 and training["weight_decay"] == 0.25
    assert training["seed"] == 2**64 - 1, "to the last digit"
    assert found["metadata"]["clrnn.train.step"] == "7"
    assert {"optimizer.m", "optimizer.v", "state.h"} < {t["name"] for t in found["tensors"]}
    line, = [line for line in text.splitlines() if line.startswith("training")]
    for part in ["steps done 7", "adamw", "rate 0.002", "weight decay 0.25", "clip 1", "N=4, T=8",
                 "cross_entropy"]:
        assert part in line, (part, line)
    assert "momentum" not in line
    assert "embedding, " in text and " symbols with text, 3 numbers each" in text


def test_info_training_of_others():
    """Whatever else a checkpoint has stored is told; what is no number stays a string."""
    write_safetensors("m.safetensors", arrays.make_weights("rnn", 3, 5),
                      {"clrnn.train.step": "12", "clrnn.train.last_loss": "1.25",
                       "clrnn.train.max_steps": "-3", "clrnn.train.max_batch": "many",
                       "clrnn.train.odd": "01", "clrnn.train.hex": "0x1", "clrnn.train.dot": "1."})
    found, text = info("m.safetensors")
    assert found["training"] == {"step": 12, "last_loss": 1.25, "max_steps": -3,
                                 "max_batch": "many", "odd": "01", "hex": "0x1", "dot": "1."}
    assert "steps done 12" in text and "last_loss 1.25" in text, text
    assert "T=100,N=1" in found["networks"][0]["problem"]


def test_info_arrays():
    for shape, dtype in [((5, 2, 4), "F32"), ((), "F64"), ((3,), "I64"), ((0, 7), "U8")]:
        write_npy("a.npy", shape, [0] * arrays.count(shape), dtype)
        found, text = info("a.npy")
        tensor, = found["tensors"]
        assert found["kind"] == "array" and found["format"] == "npy" and found["networks"] == []
        assert tensor["dtype"] == dtype and tensor["shape"] == list(shape)
        assert tensor["elements"] == arrays.count(shape)
        assert f"{dtype} [{','.join(map(str, shape))}], {arrays.count(shape)} element" in text, text
    write_safetensors("a.safetensors", {"x": numbers(1, (2, 3)), "lengths": ((2,), [1, 2], "I32")},
                      {"made by": "somebody"})
    found, text = info("a.safetensors")
    assert found["kind"] == "tensors" and found["metadata"] == {"made by": "somebody"}
    assert "lengths  I32   [2]" in text and "made by = somebody" in text


def field(number, value):
    """A field of protobuf: a number, or bytes."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    value = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2, len(value)]) + value


def value_info(name, kind, *sizes):
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, b"".join(
        field(1, field(2 if isinstance(size, str) else 1, size)) for size in sizes))))


def test_info_values():
    """An input on which a shape depends: the line says --value, which convert takes, too."""
    node = b"".join(map(field, (1, 1, 2, 3, 4), ("x", "s", "y", "into", "Reshape")))
    graph = field(1, node) + field(2, "g") + field(11, value_info("x", 1, 6)) + \
        field(11, value_info("s", 7, "k")) + field(12, value_info("y", 1, "a", "b"))
    pathlib.Path("v.onnx").write_bytes(field(1, 8) + field(7, graph) + field(8, field(2, 17)))
    write_npy("s.npy", (2,), [2, 3], "I64")
    if "protobuf-c" in clrnn("info", "v.onnx").stderr:
        return
    for command in (["info", "v.onnx"], ["convert", "v.onnx", "v.safetensors", "--force"]):
        fails(2, *command, says="depends on the input 's' of the model: give its value (--value NAME=V)")
        passes(*command, "--value", "s=s.npy")
        fails(2, *command, "--value", "nobody=3", says="no input 'nobody'")
        fails(2, *command, "--value", "s=missing", says="missing")
        for wrong in ("s", "s=", "=3"):
            fails(2, *command, "--value", wrong, says="NAME=NUMBER or NAME=FILE is meant")
    assert "[2,3]" in passes("info", "v.safetensors")
    assert "[2,3]" not in passes("info", "v.onnx", "--value", "s=6")
    fails(2, "info", "v.onnx", "--value", "s=6.5", says="input 's' is of whole numbers, not 6.5")
    fails(2, "info", "v.safetensors", "--value", "s=3", says="--size and --value")
    passes("convert", "v.safetensors", "v.npz")
    assert json.loads(passes("info", "v.npz", "--json"))["kind"] == "graph"


def test_info_no_model():
    """What is of no format is said to be that, whoever reads it."""
    pathlib.Path("what.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(50))
    write_npy("x.npy", (2, 1), [1, 2])
    fails(2, "info", "what.tflite", says="a model of no format that is known")
    fails(2, "run", "what.tflite", "--in", "x.npy", "--out", "y.npy", says="a model of no format that is known")
    fails(2, "inspect", "what.tflite", "--in", "x.npy", says="a model of no format that is known")


def test_info_files_of_others():
    """Networks under prefixes, and what almost is one."""
    encoder = {name.replace("rnn.", "enc.lstm."): w
               for name, w in arrays.make_weights("lstm", 4, 6).items()}
    decoder = {f"dec.{name}": w for name, w in arrays.make_weights("gru", 3, 5, 2).items()}
    broken = {"bad.weight_hh_l0": numbers(1, (8, 2)), "fc.weight": numbers(2, (3, 6))}
    write_safetensors("f.safetensors", {**encoder, **broken, **decoder})
    found, text = info("f.safetensors")
    assert found["kind"] == "tensors"
    networks = {n["prefix"]: n for n in found["networks"]}
    assert set(networks) == {"enc.lstm.", "dec.", "bad."}
    assert networks["dec."]["output_size"] == 2 and networks["enc.lstm."]["cell"] == "lstm"
    assert not networks["bad."]["fits"] and "weight_ih_l0" in networks["bad."]["reason"]
    assert "prefix      enc.lstm.\nnetwork     LSTM, 1 layer of 6 units" in text, text
    found, _ = info("f.safetensors", "--prefix", "dec.")
    network, = found["networks"]
    assert network["prefix"] == "dec." and network["cell"] == "gru"
    fails(2, "info", "f.safetensors", "--prefix", "bad.", says=["f.safetensors", "weight_ih_l0"])
    fails(2, "info", "f.safetensors", "--prefix", "x", says=["f.safetensors", '"dec.", "enc.lstm."'])
    whole = arrays.make_weights("gru", 3, 5)
    write_safetensors("w.safetensors", {**decoder, **whole})
    found, text = info("w.safetensors")  # of which `clrnn run` takes all
    assert found["kind"] != "model" and "" in [n["prefix"] for n in found["networks"]], text
    many = {f"{i:03d}.weight_hh_l0": numbers(1, (1, 1)) for i in range(100)}
    write_safetensors("many.safetensors", many)
    found, text = info("many.safetensors")
    assert len(found["networks"]) == 64 and found["more_networks"] and "more networks" in text


def test_info_controls():
    """What a name or text says to a terminal does not reach it."""
    name, value = "a\x1b[2J\n\x7f\u0080\u009b31m\u00e4", "v\x1b]0;x\x07\u009d" + "\u20ac" * 200
    write_safetensors("c.safetensors", {name: numbers(1, (1,)), "b" * 300: numbers(1, (1,))},
                      {name: value})
    found, text = info("c.safetensors")
    assert found["tensors"][0]["name"] == name and found["metadata"] == {name: value}
    assert all(c == "\n" or c.isprintable() for c in text), text
    assert "a?[2J??????31m\u00e4" in text and "b" * 300 in text, text
    assert "\u20ac..." in text


def test_info_names_of_any_bytes():
    """A name that is no UTF-8, as on disks from before: the JSON is JSON all the same."""
    write_safetensors("m.safetensors", arrays.make_weights("lstm", 4, 6))
    for name, told in [(b"a\xff\xfe.safetensors", "a??.safetensors"),
                       (b"\xed\xa0\x80.safetensors", "???.safetensors"),
                       (b"\xc3\xa9\xf0\x9f\x99\x82\xe2.safetensors", "\u00e9\U0001f642?.safetensors")]:
        with open(name, "wb") as f:
            f.write(harness.read("m.safetensors"))
        text = subprocess.run([harness.path_of_clrnn, "info", "--json", name], capture_output=True,
                              timeout=harness.TIMEOUT, check=True).stdout
        assert json.loads(text.decode("utf-8"))["file"] == told, text


def test_info_refuses():
    fails(2, "info", says="no file")
    fails(2, "info", "a", "b", says="more than one")
    fails(2, "info", "missing.npy", says="missing.npy")
    fails(2, "info", ".", says="regular")
    os.mkfifo("pipe")
    fails(2, "info", "pipe", says="pipe")
    for name, data in {"empty": b"", "text": b"no model\n" * 9, "zip": b"PK\x03\x04" + b"\0" * 99,
                       "header": b"\xff" * 16, "npy": b"\x93NUMPY\x09\x00" + b" " * 64}.items():
        with open(name, "wb") as f:
            f.write(data)
        assert fails(2, "info", name, says=name, **NOTHING).stdout == ""
        fails(2, "info", "--json", name, says=name, **NOTHING)


def test_info_damaged():
    """Good files, cut or changed at random: exit 0 or 2, never a signal, one line of error."""
    weights = arrays.make_weights("gru", 3, 2, 2)
    inside = {f"a.{name}": w for name, w in weights.items()}
    described = {"clrnn": '{"reset":"before","update":"replaces"}', "clrnn.train.step": "3"}
    good = [arrays.safetensors_bytes({**weights, **inside}, described),
            arrays.npy_bytes((2, 3), [0.0] * 6)]
    source, codes = random.Random(11), {0: 0, 2: 0}
    for i in range(120):
        data = bytearray(good[i % 2])
        head = len(data) if i % 2 else data.rindex(b"}") + 1
        for _ in range(1 + i % 3):
            data[source.randrange(head)] = source.choice([source.randrange(256), 48, 34, 125])
        with open("damaged", "wb") as f:
            f.write(data[:source.randrange(len(data))] if i % 5 == 0 else data)
        result = clrnn("info", "damaged", *(["--json"] if i % 3 else []), **NOTHING)
        assert result.returncode in codes, (i, result)
        codes[result.returncode] += 1
        assert result.stderr.count("\n") == (1 if result.returncode else 0), (i, result)
    assert min(codes.values()) > 5, codes
