# SPDX-License-Identifier: MIT
"""Where fuzzing begins: the small files of tests/data, sorted by reader, a few made here, and in
found/ what was found once, TARGET-WHAT.

usage: corpus.py DATA FOLDER
"""
import io
import json
import pathlib
import struct
import sys
import zipfile

LARGEST = 70000


def npy(shape, values):
    header = repr({"descr": "<f4", "fortran_order": False, "shape": shape})
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return (b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
            + struct.pack(f"<{len(values)}f", *values))


def npz(arrays):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), array)
    return data.getvalue()


def safetensors(tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, (shape, values) in tensors.items():
        more = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [len(data), len(data) + len(more)]}
        data += more
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def description():
    """A graph of one LSTM and a dense node, and its tensors."""
    shapes = {"rnn.weight_ih_l0": [8, 3], "rnn.weight_hh_l0": [8, 2], "rnn.bias_ih_l0": [8],
              "rnn.bias_hh_l0": [8], "head.weight": [1, 2], "head.bias": [1]}
    tensors = {}
    for name, shape in shapes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        tensors[name] = (shape, [0.01 * k for k in range(count)])
    graph = {"graph": 1, "inputs": [{"name": "x", "shape": [-1, -2, 3]}],
             "nodes": [{"kind": "recurrent", "name": "rnn", "inputs": ["x"],
                        "network": {"cell": "lstm", "hidden_size": 2, "num_layers": 1}},
                       {"kind": "dense", "name": "head", "inputs": ["rnn"], "units": 1}],
             "outputs": [{"name": "y", "value": "head"}]}
    return graph, tensors


def made():
    graph, tensors = description()
    arrays = {name: npy(tuple(shape), values) for name, (shape, values) in tensors.items()}
    model = {"cell": "lstm", "input_size": 3, "hidden_size": 2, "output_size": 1}
    yield "npz", npz({**arrays, "clrnn": npy((), [0])})
    yield "npz", npz(arrays)
    yield "tensors", npz(arrays)
    yield "arch", json.dumps(graph).encode()
    yield "arch", json.dumps({**graph, "unused": ["x*"], "tensors": {
        "rnn.weight_ih_l0": {"tensor": "rnn.weight_ih_l0", "gates": "ifgo", "transpose": False}}}
    ).encode()
    for text in (json.dumps(graph), json.dumps(model)):
        yield "graph", safetensors(tensors, {"clrnn": text})
        yield "tensors", safetensors(tensors, {"clrnn": text})
    yield "pytorch", safetensors(tensors, {})
    yield "table", b"a,b;c\n1,2,3\n-1e300,NaN,\n0x1,1.5,3\n"
    yield "table", b"\"x\"\t\"y\"\r\n1\t2\r\n"
    yield "arrays", npz(arrays)


def found(data):
    """Files of tests/data and whose they are."""
    for path in sorted(data.rglob("*")):
        if not path.is_file() or path.stat().st_size > LARGEST:
            continue
        end, parts = path.suffix, set(path.relative_to(data).parts)
        if end == ".onnx" or path.name.startswith("input_") and end == ".pb":
            yield "onnx", path
        elif end in (".pt", ".pth", ".bin"):
            yield "pytorch", path
        elif end in (".h5", ".keras"):
            yield "keras", path
        elif end == ".nam" or end == ".json" and parts & {"rtneural", "nam"}:
            yield "json", path
        elif end == ".json" and "models" in parts:
            yield "arch", path
        elif end in (".npy", ".safetensors"):
            yield "tensors", path
            if end == ".safetensors" and "graph" in parts:
                yield "graph", path
        elif end == ".csv":
            yield "table", path


def found_once():
    for path in sorted((pathlib.Path(__file__).parent / "found").glob("*-*")):
        yield path.name.partition("-")[0], path


def main(data, folder):
    folder = pathlib.Path(folder)
    count = 0
    files = [*found(pathlib.Path(data)), *found_once()]
    for target, content in [*made(), *((t, p.read_bytes()) for t, p in files)]:
        if target == "arrays":
            (folder / "arrays.npz").write_bytes(content)
            continue
        (folder / target).mkdir(parents=True, exist_ok=True)
        (folder / target / f"{count:04d}").write_bytes(content)
        count += 1


main(*sys.argv[1:])
