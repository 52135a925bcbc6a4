# SPDX-License-Identifier: MIT
"""clrnn train --data on tables whose sequences and classes have names, on sounds, and on data of which
much is missing."""
import json
import math
import random
import struct
import wave

import arrays
import harness
from data import GRU, npy, write_classes
from harness import fails, passes

NAMES = ["left", "middle", "right"]


def write_table(path="t.csv", labels=None, last_only=False):
    """The sequences of write_classes: a name, two inputs, a label; its lines of a sequence in a row."""
    rows, targets, lengths = write_classes(ragged=True)
    labels = labels or NAMES
    with open(path, "w", encoding="utf-8") as f:
        f.write("who,a,b,side\n")
        for n, (row, target, length) in enumerate(zip(rows, targets, lengths)):
            for t in range(length):
                label = labels[target] if t == length - 1 or not last_only else ""
                f.write(f"speaker {n % 2 * 100 + n},{row[t][0]:.6f},{row[t][1]:.6f},{label}\n")
    return targets


def column(path, name):
    with open(path, encoding="utf-8") as f:
        head, *lines = [line.split(",") for line in f.read().splitlines()]
    return [line[head.index(name)] for line in lines]


TABLE = ["--data", "t.csv", "--group", "who", "--target-columns", "side"]


def test_tables_words():
    """Names of sequences and of classes; predict knows both by the model."""
    targets = write_table()
    summary = json.loads(passes("train", *TABLE, "--target-at", "last", *GRU, "--test", "0.2", "--steps", "200",
                                "--json", "--save", "m.safetensors"))
    assert summary["test"]["counted"] == 12 and summary["test"]["accuracy"] > 0.9, summary
    passes("predict", "m.safetensors", "--data", "t.csv", "--out", "c.csv", "--probabilities", "p.csv")
    told = column("c.csv", "class")
    assert len(told) == 60 and sum(a == NAMES[b] for a, b in zip(told, targets)) > 50, told
    with open("p.csv", encoding="utf-8") as f:
        assert f.readline() == "sequence,left,middle,right\n"
    # at each step, where a label is missing as if its step had none
    passes("train", *TABLE, *GRU, "--steps", "5", "--save", "every.safetensors")
    passes("predict", "every.safetensors", "--data", "t.csv", "--out", "c.csv", "--force")
    assert len(column("c.csv", "step")) == len(column("t.csv", "who"))
    # a table without that column is one sequence
    with open("t.csv", encoding="utf-8") as f, open("one.csv", "w", encoding="utf-8") as g:
        g.write("".join(line.split(",", 1)[1] for line in f))
    passes("predict", "m.safetensors", "--data", "one.csv", "--out", "c.csv", "--force")
    assert len(column("c.csv", "class")) == 1


def test_tables_numbers_as_before():
    """Words or the numbers that they stand for: the same bits."""
    write_table("t.csv")
    passes("train", *TABLE, *GRU, "--steps", "5", "--save", "words.safetensors")
    write_table("t.csv", labels=["0", "1", "2"])
    passes("train", *TABLE, "--classes", "3", *GRU, "--steps", "5", "--save", "numbers.safetensors")
    words, numbers = (arrays.read_safetensors(p + ".safetensors") for p in ("words", "numbers"))
    assert words == numbers


def test_tables_words_of_a_model():
    """What a model is gone on with numbers its classes as it did, also where some do not occur."""
    write_table()
    passes("train", *TABLE, "--target-at", "last", *GRU, "--steps", "200", "--save", "m.safetensors")
    with open("t.csv", encoding="utf-8") as f:
        lines = [line for line in f if "left" not in line]
    with open("t.csv", "w", encoding="utf-8") as f:
        f.writelines(lines)
    summary = json.loads(passes("train", *TABLE, "--target-at", "last", "--model", "m.safetensors", "--steps", "1",
                                "--lr", "1e-9", "--json", "--save", "n.safetensors"))
    assert summary["validation"]["accuracy"] > 0.7, summary
    write_table(labels=["left", "middle", "wrong"])
    fails(2, "train", *TABLE, "--model", "m.safetensors", "--save", "n.safetensors", "--force",
          says=["class wrong", "m.safetensors", "left,middle,right"])


def test_tables_bad_words():
    save = ["--save", "b.safetensors"]
    write_table(labels=["1", "2", "three"])
    fails(2, "train", *TABLE, *save, says=["column side", "\"three\" is no number"])
    write_table(labels=["a", "b", "\"c,d\""])
    fails(2, "train", *TABLE, *save, says="a comma")
    write_table(labels=["a", "b" * 130, "c"])
    fails(2, "train", *TABLE, *save, says="column side")
    write_table()
    fails(2, "train", *TABLE, "--loss", "huber", *save, says=["--loss huber", "left,middle,right"])
    fails(2, "train", "--data", "t.csv", "--group", "a-b", "--columns", "a", "--target-columns", "side", *save,
          says="2 columns")


def test_tables_sequences_without_targets():
    """Batches of those that have none are not made; nothing is left where none has any."""
    source = random.Random(5)
    npy("x.npy", (4, 30, 2), [source.uniform(-1, 1) for _ in range(240)])
    npy("y.npy", (4, 30), [math.nan if i % 30 % 3 else source.uniform(-1, 1) for i in range(120)])
    npy("c.npy", (30,), [-1 if n % 3 else n % 2 for n in range(30)], "I32")
    common = ["--data", "x.npy", *GRU, "--steps", "30", "--batch", "1", "--save", "m.safetensors", "--force"]
    for targets in ["y.npy"], ["c.npy"], ["y.npy", "--loss", "gaussian"], ["y.npy", "--loss", "esr"]:
        out = passes("train", *common, "--validation", "0", "--targets", *targets)
        assert "10 to train" in out, out
    npy("p.npy", (30,), [1 if n % 3 else 0 for n in range(30)], "I32")
    fails(2, "train", *common, "--targets", "c.npy", "--parts", "p.npy", says="none with a target is left to validate")


def write_wav(path, rate, frames=6000):
    source = random.Random(1)
    with wave.open(path, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(rate)
        f.writeframes(b"".join(struct.pack("<h", source.randrange(-9000, 9000)) for _ in range(frames)))


def test_tables_rates_of_sounds():
    write_wav("a.wav", 48000)
    write_wav("b.wav", 44100)
    if "libsndfile" in harness.clrnn("train", "--data", "a.wav", "--targets", "a.wav", "--save", "m").stderr:
        return
    common = ["train", "--data", "a.wav", "--loss", "esr", "--window", "500", *GRU, "--steps", "3", "--save",
              "m.safetensors"]
    fails(2, *common, "--targets", "b.wav", says=["b.wav", "44100", "48000"])
    write_wav("b.wav", 48000)
    passes(*common, "--targets", "b.wav")
    fails(2, "predict", "m.safetensors", "--data", "a.wav", "--out", "c.wav", says="clrnn run m.safetensors")
    passes("run", "m.safetensors", "a.wav", "--out", "c.wav")
