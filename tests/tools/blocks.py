# SPDX-License-Identifier: MIT
"""clrnn run in blocks, and over sounds: the same bits as in one pass, rates, channels, clipping."""
import json
import math
import pathlib
import struct
import wave

import arrays
from arrays import numbers, read_npy, write_npy, write_safetensors
from harness import clrnn, fails, passes, read

MODELS = pathlib.Path(__file__).resolve().parents[1] / "data" / "models"
NAM = str(MODELS / "nam" / "lstm.nam")


def write_wav(path, channels, rate=48000, width=2):
    """PCM: [channels][frames] in +-1."""
    scale = 2 ** (8 * width - 1)
    with wave.open(path, "wb") as f:
        f.setnchannels(len(channels))
        f.setsampwidth(width)
        f.setframerate(rate)
        f.writeframes(b"".join(int(x * scale).to_bytes(width, "little", signed=True)
                               for frame in zip(*channels) for x in frame))


def read_wav(path):
    """[channels][frames], rate, and bytes of a sample."""
    with wave.open(path, "rb") as f:
        width, count = f.getsampwidth(), f.getnchannels()
        data = f.readframes(f.getnframes())
        rate = f.getframerate()
    values = [int.from_bytes(data[i:i + width], "little", signed=True) / 2 ** (8 * width - 1)
              for i in range(0, len(data), width)]
    return [values[c::count] for c in range(count)], rate, width


def tone(frames, step=0.05, level=0.5):
    return [round(32768 * level * math.sin(step * i)) / 32768 for i in range(frames)]


def has_sounds():
    write_wav("probe.wav", [[0.0]])
    return "libsndfile" not in clrnn("run", NAM, "probe.wav", "--out", "probe.npy").stderr


def has_rates():
    write_wav("probe.wav", [[0.0] * 100], 44100)
    return has_sounds() and "libsamplerate" not in clrnn(
        "run", NAM, "probe.wav", "--out", "probe.npy").stderr


def in_one_pass(model, x, shape=None):
    write_npy("x.npy", shape or (len(x), 1, 1), x)
    passes("run", model, "--in", "x.npy", "--out", "whole.npy")
    return read_npy("whole.npy")[1]


def test_run_blocks():
    """Whatever the cut, the bits of one pass: states that begin, head, several rows, f64."""
    in_one_pass(NAM, numbers(1, (300, 2, 1))[1], (300, 2, 1))
    for block in ("1", "7", "64", "300", "5000"):
        text = passes("run", NAM, "--in", "x.npy", "--out", f"y={block}.npy", "--stream", block)
        assert read(f"{block}.npy") == read("whole.npy"), block
        blocks = -(-300 // int(block))
        assert f"{blocks} blocks of {block} steps: median" in text and "at 48000 a second" in text
    for precision in ("f32", "f64"):
        run = ["run", NAM, "--in", "x.npy", "--precision", precision, "--out"]
        passes(*run, "a.npy")
        passes(*run, "b.npy", "--stream", "31")
        assert read("a.npy") == read("b.npy")
    fails(2, *run, "b.npy", "--stream", "0", says="stream")


def test_run_blocks_of_models():
    """A state_dict, and lengths of its rows."""
    write_safetensors("m.safetensors", arrays.make_weights("lstm", 4, 6, 2))
    write_safetensors("in.safetensors", {"x": numbers(5, (50, 3, 4)),
                                         "lengths": ((3,), [50, 0, 33], "I64")})
    run = ["run", "m.safetensors", "--in", "x=in.safetensors", "lengths=in.safetensors", "--out"]
    passes(*run, "y=a.npy", "logits=b.npy")
    text = passes(*run, "y=c.npy", "logits=d.npy", "--stream", "16")
    assert read("a.npy") == read("c.npy")
    (_, b), (_, d) = read_npy("b.npy"), read_npy("d.npy")
    for n, length in enumerate((50, 0, 33)):  # past a length a head gives its bias, or 0
        for t in range(length):
            assert b[(t * 3 + n) * 2:][:2] == d[(t * 3 + n) * 2:][:2]
    assert "4 blocks of 16 steps" in text and "a second" not in text
    fails(2, *run, "y=c.npy", "--stream", "16", "--weights", "f16", says="--weights")
    fails(2, *run, "hn=c.npy", "--stream", "16", says="no output hn")


def test_run_blocks_refused():
    """What needs the whole sequence is named."""
    weights = arrays.make_weights("gru", 3, 5)
    weights.update({f"{name}_reverse": value for name, value in weights.items()})
    write_safetensors("both.safetensors", weights)
    write_npy("x.npy", *numbers(6, (9, 2, 3)))
    passes("run", "both.safetensors", "--in", "x.npy", "--out", "y.npy")
    fails(2, "run", "both.safetensors", "--in", "x.npy", "--out", "y.npy", "--stream", "4",
          says=["node 'rnn'", "backward direction"])


def test_run_batch_major():
    """Data [N,T,I] where time comes first, as far as the other arrays tell."""
    write_safetensors("m.safetensors", arrays.make_weights("lstm", 4, 6))
    write_safetensors("in.safetensors", {"x": numbers(5, (3, 50, 4)), "h0": numbers(6, (1, 3, 6)),
                                         "lengths": ((3,), [50, 0, 33], "I64")})
    run = ["run", "m.safetensors", "--in", "x=in.safetensors"]
    for name in ("lengths", "h0"):
        more = [*run, f"{name}=in.safetensors", "--out", "y.npy"]
        fails(2, *more, says=[name, "add --batch-first"])
        passes(*more, "--batch-first")
    write_npy("x.npy", *numbers(5, (1, 50, 4)))
    fails(2, "run", "m.safetensors", "--in", "x=in.safetensors", "lengths=x.npy", "--out", "y.npy",
          says="lengths")


def test_run_sound():
    if not has_sounds():
        return
    x = tone(500)
    write_wav("in.wav", [x])
    y = in_one_pass(NAM, x)
    for more in ([], ["--stream", "64"]):
        text = passes("run", NAM, "in.wav", "--out", "out.wav", *more)
        assert "500 frames of 1 channel, 48000 a second -> out.wav" in text, text
        passes("run", NAM, "--in", "x=in.wav", "--out", "y=y.npy", *more)
        got, rate, width = read_wav("out.wav")
        assert rate == 48000 and width == 2 and len(got) == 1
        assert max(abs(a - b) for a, b in zip(got[0], y)) <= 1 / 32768
        assert read("y.npy") == read("whole.npy")
    write_wav("in.wav", [x], width=3)
    passes("run", NAM, "in.wav", "--out", "out.wav")
    got, _, width = read_wav("out.wav")
    assert width == 3 and max(abs(a - b) for a, b in zip(got[0], y)) <= 2 / 2 ** 23


def test_run_sound_channels():
    """Channels are rows; a model of as many features takes them so; else it says what to do."""
    if not has_sounds():
        return
    left, right = tone(200), tone(200, 0.11, 0.3)
    write_wav("in.wav", [left, right])
    passes("run", NAM, "in.wav", "--out", "out.wav")
    got, _, _ = read_wav("out.wav")
    for channel, x in zip(got, (left, right)):
        assert max(abs(a - b) for a, b in zip(channel, in_one_pass(NAM, x))) <= 1 / 32768
    write_safetensors("two.safetensors", arrays.make_weights("lstm", 2, 3))
    passes("run", "two.safetensors", "in.wav", "--out", "y=wide.npy")
    assert tuple(read_npy("wide.npy")[0]) == (200, 1, 3)
    write_safetensors("three.safetensors", arrays.make_weights("lstm", 3, 3))
    fails(2, "run", "three.safetensors", "in.wav", "--out", "y=wide.npy",
          says=["2 channels", "[T,N,3]"])


def test_run_sound_layouts():
    """Time, rows and the one feature in whatever order a model has them, in blocks and in one."""
    if not has_sounds():
        return
    sides = [tone(90, 0.05, 0.2), tone(90, 0.09, 0.3)]
    write_wav("two.wav", sides)
    write_wav("one.wav", sides[:1])
    for shape in ([-1, -2, 1], [-2, -1, 1], [-2, 1, -1], [-2, -1], [-1, 1], [-1]):
        graph = {"graph": 1, "inputs": [{"name": "x", "shape": shape}],
                 "nodes": [{"kind": "add", "name": "twice", "inputs": ["x", "x"]}],
                 "outputs": [{"name": "y", "value": "twice"}]}
        write_safetensors("m.safetensors", {}, {"clrnn": json.dumps(graph)})
        for more in ([], ["--stream", "32"]):
            passes("run", "m.safetensors", "one.wav", "--out", "out.wav", *more)
            assert read_wav("out.wav")[0] == [[2 * a for a in sides[0]]], shape
            if -2 in shape:
                passes("run", "m.safetensors", "two.wav", "--out", "out.wav", *more)
                assert read_wav("out.wav")[0] == [[2 * a for a in side] for side in sides], shape
            else:
                fails(2, "run", "m.safetensors", "two.wav", "--out", "out.wav", *more,
                      says="2 channels (mix them, or take one)")


def amplifier(gain):
    """y = gain x, as a model of RTNeural."""
    shape = [None, None, 1]
    with open("gain.json", "w") as f:
        json.dump({"in_shape": shape, "samplerate": "48000",
                   "layers": [{"type": "dense", "activation": "", "shape": shape,
                               "weights": [[[gain]], [0]]}]}, f)
    return "gain.json"


def test_run_sound_clipped():
    if not has_sounds():
        return
    write_wav("in.wav", [[0.25, -0.25, 0.75, -0.75]])
    result = clrnn("run", amplifier(2), "in.wav", "--out", "out.wav")
    assert result.returncode == 0 and "2 of 4 samples are clipped" in result.stderr, result
    assert "3.5 dB" in result.stderr
    got = read_wav("out.wav")[0][0]
    assert got[:2] == [0.5, -0.5] and got[2] > 0.9999 and got[3] == -1, got


def test_run_sound_rates():
    """A file of another rate than the model's: changed, and back, which is said."""
    if not has_rates():
        return
    model = amplifier(0.5)
    x = tone(2000, 0.02)
    write_wav("in.wav", [x, x], 44100)
    result = clrnn("run", model, "in.wav", "--out", "out.wav", "--stream", "64")
    assert result.returncode == 0 and "44100" in result.stderr and "48000" in result.stderr
    assert len(result.stderr.splitlines()) == 1 and "at 48000 a second" in result.stdout
    got, rate, _ = read_wav("out.wav")
    assert rate == 44100 and len(got) == 2 and len(got[0]) == 2000
    inside = slice(200, 1800)
    assert max(abs(a - b / 2) for a, b in zip(got[1][inside], x[inside])) < 2e-3
    result = clrnn("run", model, "in.wav", "--out", "y.npy")
    assert abs(read_npy("y.npy")[0][0] - 2000 * 48000 / 44100) <= 2, read_npy("y.npy")[0]


def test_run_sound_rate_kept():
    """What a model says of its rate stays through other formats."""
    if not has_rates():
        return
    write_wav("in.wav", [tone(2000, 0.02)], 44100)
    before = amplifier(0.5)
    for step, file in enumerate(("a.safetensors", "a.npz", "b.onnx", "c.json", "d.safetensors")):
        made = clrnn("convert", before, file)
        if step and made.returncode and "this build" in made.stderr:
            continue  # made without the library of this format
        assert made.returncode == 0, made
        result = clrnn("run", file, "in.wav", "--out", "out.wav", "--stream", "64")
        assert result.returncode == 0 and "48000" in result.stderr, (file, result)
        assert "at 48000 a second" in result.stdout, (file, result)
        before = file


def test_run_sound_refused():
    if not has_sounds():
        return
    write_wav("in.wav", [tone(10)])
    write_npy("x.npy", (10, 1, 4), [0.0] * 40)
    write_safetensors("m.safetensors", arrays.make_weights("lstm", 4, 6))
    with open("no.wav", "wb") as f:
        f.write(b"RIFF")
    fails(2, "run", NAM, "no.wav", "--out", "y.npy", says="no.wav")
    fails(2, "run", NAM, "missing.wav", "--out", "y.npy", says="missing.wav")
    before = read("in.wav")
    for same in ("in.wav", "./in.wav"):
        fails(2, "run", NAM, "in.wav", "--out", same, says=same)
    fails(2, "run", NAM, "in.wav", "--out", "y.npy", "./y.npy", says="y.npy")
    fails(2, "run", NAM, "in.wav", "--out", "y.wav", "y=y.wav", says="one array")
    assert read("in.wav") == before
    fails(2, "run", "m.safetensors", "--in", "x.npy", "--out", "out.wav", says="out.wav")
    assert not pathlib.Path("out.wav").exists() and not list(pathlib.Path(".").glob("*.tmp"))


def test_other_models():
    """What looks at a model, and what times one, take those of other programs."""
    if "sndfile" in clrnn("info", NAM).stderr:
        return
    write_npy("a.npy", (20, 1), [i % 5 - 2 for i in range(20)])
    assert json.loads(passes("inspect", NAM, "--in", "a.npy", "--json"))
    passes("bench", "--model", NAM, "--problem", "T=8,N=1,mode=stream,block=4", "--json")
    fails(2, "inspect", "a.npy", "--in", "a.npy", says="of no format that is known")


def test_inspect_sound():
    """A sound is what its samples as an array are."""
    if not has_sounds():
        return
    x = tone(40)
    write_wav("in.wav", [x])
    write_npy("x.npy", (40, 1), x)
    write_safetensors("m.safetensors", arrays.make_weights("lstm", 1, 4))
    a = passes("inspect", "m.safetensors", "--in", "in.wav", "--steps", "30", "--json")
    b = passes("inspect", "m.safetensors", "--in", "x.npy", "--steps", "30", "--json")
    assert json.loads(a) == json.loads(b)
    write_wav("two.wav", [x, x])
    fails(2, "inspect", "m.safetensors", "--in", "two.wav", says="two.wav")
