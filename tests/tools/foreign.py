# SPDX-License-Identifier: MIT
"""Models of other formats: `clrnn run` by their own names, `clrnn conformance`."""
import json
import pathlib
import shutil
import struct
import tarfile

from arrays import read_npy, write_npy
from harness import clrnn, fails, has_onnx, passes

DATA = pathlib.Path(__file__).resolve().parents[1] / "data" / "onnx"


def test_conformance():
    if not has_onnx():
        return
    text = passes("conformance", str(DATA / "node"), str(DATA / "pytorch"))
    assert "15 of 15 passed, 0 failed, 0 not supported" in text, text
    result = json.loads(passes("conformance", str(DATA / "node"), "--json"))
    assert result["passed"] == 12 and len(result["cases"]) == 12
    assert all(case["error"] < 1e-5 for case in result["cases"])
    fails(2, "conformance", "missing", says="missing")
    fails(2, "conformance", str(DATA / "nnsplit"), says="test_data_set_0")


def test_operators():
    """Nodes of every operator that is read."""
    if not has_onnx():
        return
    with tarfile.open(DATA / "operators.tar.xz") as archive:
        archive.extractall(".")
    text = passes("conformance", "operators", "--quiet")
    assert "149 of 149 passed" in text, text


def test_conformance_fails():
    """Other outputs than the model's, and an operator that there is not."""
    if not has_onnx():
        return
    shutil.copytree(DATA / "node" / "test_gru_defaults", "wrong")
    output = next(pathlib.Path("wrong").glob("*/output_0.pb"))
    data = bytearray(output.read_bytes())
    data[-2] ^= 0x40  # of the last float the exponent
    output.write_bytes(data)
    text = clrnn("conformance", "wrong")
    assert text.returncode == 1 and "FAIL" in text.stdout and "differs" in text.stdout, text
    shutil.copytree(DATA / "node" / "test_gru_defaults", "unknown")
    model = pathlib.Path("unknown/model.onnx")
    model.write_bytes(model.read_bytes().replace(b"GRU", b"GXU"))
    text = clrnn("conformance", "unknown")
    assert text.returncode == 1 and "GXU" in text.stdout and "unsupported" in text.stdout, text


def test_conformance_data():
    """Data that are damaged or not all there are no pass, and do not end the others."""
    if not has_onnx():
        return
    for name in ("good", "no_output", "no_input", "damaged", "no_data"):
        shutil.copytree(DATA / "node" / "test_gru_defaults", f"all/{name}")
    next(pathlib.Path("all/no_output").glob("*/output_0.pb")).unlink()
    next(pathlib.Path("all/no_input").glob("*/input_2.pb")).unlink()
    cut = next(pathlib.Path("all/damaged").glob("*/input_0.pb"))
    cut.write_bytes(cut.read_bytes()[:20])
    shutil.rmtree("all/no_data/test_data_set_0")
    result = clrnn("conformance", "all", "--json")
    cases = {pathlib.Path(case["case"]).name: case for case in json.loads(result.stdout)["cases"]}
    assert result.returncode == 1 and len(cases) == 5, result
    assert [name for name, case in cases.items() if case["verdict"] == "pass"] == ["good"], cases
    assert all(case["verdict"] != "unsupported" for case in cases.values()), cases
    assert "output_0.pb is not there" in cases["no_output"]["reason"], cases
    assert "input_2.pb is not there" in cases["no_input"]["reason"], cases
    assert "input_0.pb" in cases["damaged"]["reason"] and "test_data_set_0" in cases["no_data"]["reason"], cases


def test_run():
    if not has_onnx():
        return
    folder, model = DATA / "nnsplit", str(DATA / "nnsplit" / "model.onnx")
    ids = list((folder / "input_2x58.u8").read_bytes())
    wanted = struct.unpack("<232f", (folder / "output_2x58x2.f32").read_bytes())
    write_npy("ids.npy", (2, 58), ids, "I64")
    passes("run", model, "--in", "input=ids.npy", "--out", "output=y.npy")
    passes("run", model, "--in", "ids.npy", "--out", "all.safetensors")
    shape, y = read_npy("y.npy")
    assert tuple(shape) == (2, 58, 2)
    assert max(abs(a - b) for a, b in zip(y, wanted)) < 2e-5 * max(map(abs, wanted))
    fails(2, "run", model, "--in", "other=ids.npy", "--out", "y.npy", says="other")
    fails(2, "run", model, "--in", "ids.npy", "--out", "other=y.npy", says=["other", "output"])
    passes("run", model, "--in", "ids.npy", "--batch-first", "--out", "b.npy")  # as the model has it
    assert read_npy("b.npy") == (shape, y)
    fails(2, "run", model, "--in", "ids.npy", "--weights", "f16", "--out", "y.npy", says="--weights")
    fails(2, "run", model, "--out", "y.npy", says="add --in")
    fails(2, "run", model, "--in", "ids.npy", "--out", model, says="model.onnx")


# y = Identity(w) and nothing else, w [2,3] a weight of 1 to 6, as onnx.helper writes it
ALL_KNOWN = bytes.fromhex(
    "080e3a4f0a100a017712017922084964656e746974791201672a2308020803100122180000803f0000004000"
    "004040000080400000a0400000c04042017762130a0179120e0a0c080112080a0208020a02080342040a001011")


def test_run_without_inputs():
    """A model that reads nothing runs without --in, and takes none."""
    if not has_onnx():
        return
    pathlib.Path("m.onnx").write_bytes(ALL_KNOWN)
    passes("run", "m.onnx", "--out", "y.npy")
    assert read_npy("y.npy") == ((2, 3), [1, 2, 3, 4, 5, 6])
    fails(2, "run", "m.onnx", "--in", "y.npy", "--out", "z.npy", says="no input")
    fails(2, "run", "m.onnx", "--batch-first", "--out", "z.npy", says="begins with T and N")
