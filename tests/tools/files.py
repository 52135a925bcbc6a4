# SPDX-License-Identifier: MIT
"""No file of a user's is lost: what is refused, before any work begins, and what stays legal."""
import json
import os
import resource
import signal
import stat
import subprocess

import arrays
import harness
from arrays import numbers, write_npy, write_safetensors
from harness import fails, log_of, passes, read, tensors_of, write_text

SMALL = "--hidden 16 --batch 4 --seq 8 --steps 4".split()
TRAIN = ["train", "--text", "text.txt", *SMALL]


def has_cairo():
    return "pictures" not in harness.clrnn("inspect", "missing", "--text", "missing", "-o", "p.png").stderr


def without_device():
    """An environment in which nothing gets further than looking at files."""
    os.makedirs("no-driver", exist_ok=True)
    return {"OCL_ICD_VENDORS": os.path.abspath("no-driver"), "CLRNN_DEVICE": "", "CLRNN_NATIVE_LEVEL": "off"}


def refused(*args, says=""):
    """Exit 2, although there is no device, and every file is as it was."""
    environment = without_device()

    def files():
        return {os.path.join(folder, name): read(os.path.join(folder, name))
                for folder, _, names in os.walk(".") for name in names
                if os.path.exists(os.path.join(folder, name))}
    before = files()
    fails(2, *args, says=says, **environment)
    assert files() == before, args


def other_names(path):
    """Further ways to name a file that exists, made beside it; all end as its name does."""
    end = os.path.splitext(path)[1]
    os.makedirs("folder/below")
    os.symlink(path, "soft" + end)
    os.symlink("folder/soft" + end, "chain" + end)
    os.symlink("../" + path, "folder/soft" + end)
    os.link(path, "hard" + end)
    os.symlink("folder", "around")
    return [path, "./" + path, "folder/../" + path, ".//" + path, os.path.abspath(path),
            "soft" + end, "chain" + end, "hard" + end, "folder/soft" + end, "around/../" + path,
            "around/soft" + end, "folder/below/../../" + path]


def test_text_is_not_written():
    write_text()
    for name in other_names("text.txt"):
        refused(*TRAIN, "--save", name, says=["--save " + name, "--text text.txt", "same file"])
        refused(*TRAIN, "--save", name, "--force", says="same file")
        refused(*TRAIN, "--save", "m.safetensors", "--log", name, says=["--log " + name, "text.txt"])
        refused("train", "--text", name, *SMALL, "--save", "text.txt", "--force", says="same file")
    write_text("more.txt", 500)
    refused(*TRAIN, "--text", "more.txt", "--force", "--save", "more.txt", says="--text more.txt")
    refused("train", "--text", "text.txt", "more.txt", *SMALL, "--force", "--save", "m.safetensors",
            "--log", "./more.txt", says="--text more.txt")
    refused("train", "--text", "missing.txt", "--save", "./missing.txt", says="same file")


def test_log_is_no_model():
    write_text()
    os.makedirs("folder")
    os.symlink("folder", "around")
    os.symlink("folder/new", "dangling")
    os.symlink("dangling", "chain")
    os.symlink(os.path.abspath("folder") + "/new", "absolute")
    names = ["folder/new", "./folder/new", "folder//new", "around/new", "dangling", "chain",
             "absolute", "around/../folder/new", os.path.abspath("folder/new")]
    for save in names:
        for log in names:
            refused(*TRAIN, "--save", save, "--log", log, says=["--save", "--log", "same file"])
    passes(*TRAIN, "--save", "folder/new", "--log", "folder/log")
    for name in ["folder/new", "chain"]:
        refused(*TRAIN, "--resume", "folder/new", "--save", "n.safetensors", "--log", name,
                says=["--log " + name, "--resume folder/new"])
        refused(*TRAIN, "--resume", name, "--save", "folder/new", "--log", "absolute",
                says=["--log absolute", "same file"])


def test_run_outputs():
    write_safetensors("m.safetensors", arrays.make_weights("lstm", 4, 6, 2))
    write_npy("x.npy", *numbers(50, (5, 3, 4)))
    write_safetensors("in.safetensors", {"h0": numbers(51, (1, 3, 6)), "x": numbers(5, (5, 3, 4))})
    run = ["run", "m.safetensors", "--in"]
    for out in other_names("x.npy"):
        refused(*run, "x.npy", "--out", out, says=["--out " + out, "--in x.npy", "same file"])
        refused(*run, "x.npy", "--out", "y.npy", "hn=" + out, says=["--out " + out, "--in x.npy"])
        refused(*run, out, "--out", "x.npy", says="same file")
    os.symlink("m.safetensors", "link.safetensors")
    for name in ["m.safetensors", "./m.safetensors", "link.safetensors"]:
        refused(*run, "x.npy", "--out", name, says=["--out " + name, "MODEL m.safetensors"])
        refused(*run, "x.npy", "h0=in.safetensors", "--out", "y.npy", "cn=" + name, says="MODEL")
    refused(*run, "x.npy", "h0=in.safetensors", "--out", "./in.safetensors", says="--in")
    for first, second in [("y.npy", "./y.npy"), ("y.safetensors", "./y.safetensors")]:
        refused(*run, "x.npy", "--out", first, "hn=" + second, says=[first, second, "same file"])
    os.symlink("y.npy", "dangling.npy")
    refused(*run, "x.npy", "--out", "dangling.npy", "hn=y.npy", says="same file")
    # several arrays in one file by one name; one file for several inputs; a result made anew
    for _ in range(2):
        passes(*run, "x=in.safetensors", "h0=in.safetensors", "--out", "y=o.safetensors",
               "hn=o.safetensors", "cn=cn.npy")
    assert set(tensors_of("o.safetensors")) == {"y", "hn"}


def test_run_keeps_models():
    write_safetensors("m.safetensors", arrays.make_weights("lstm", 4, 6, 2))
    write_safetensors("other.safetensors", arrays.make_weights("gru", 4, 6))
    write_safetensors("mixed.safetensors", {"y": numbers(5, (2, 2)), "z": numbers(5, (2, 2))})
    write_text("notes.safetensors", 50)
    write_npy("x.npy", *numbers(50, (5, 3, 4)))
    for name in ["other.safetensors", "mixed.safetensors", "notes.safetensors"]:
        run = ["run", "m.safetensors", "--in", "x.npy", "--out", "hn=hn.npy", "y=" + name]
        refused(*run, says=["--out " + name, "--force"])
        passes(*run, "--force")
        passes(*run)
        assert set(tensors_of(name)) == {"y"}


def test_printed_files():
    """What the shell sends the output to, or has closed."""
    write_text()
    train = [harness.path_of_clrnn, *TRAIN, "--force"]
    for option in ["--save", "--log"]:
        for stream in ["stdout", "stderr"]:
            with open("out", "w", encoding="utf-8") as out:
                result = subprocess.run([*train, "--save", "m.safetensors", option, "./out"],
                                        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                                           stream: out}, check=False, timeout=harness.TIMEOUT)
            text = read("out") if stream == "stderr" else result.stderr
            assert result.returncode == 2 and b"printed" in text, (option, stream, result)
    closed = " ".join(train) + " --save m.safetensors --log log.csv --log-every 1 "
    for streams, code in [(">&-", 2), ("2>&-", 0), ("<&-", 0), ("<&- >&- 2>&-", 2)]:
        result = subprocess.run(["sh", "-c", closed + streams], capture_output=True, check=False,
                                timeout=harness.TIMEOUT)
        assert result.returncode == code, (streams, result)
        assert len(log_of("log.csv")) == 4 and tensors_of("m.safetensors")


def test_log_that_breaks():
    """What the log cannot take is no reason to lose the training."""
    write_text()
    write_npy("x.npy", *numbers(60, (5, 8, 2)))
    write_npy("y.npy", *numbers(61, (8,)))
    data = ["train", "--data", "x.npy", "--targets", "y.npy", *"--hidden 4 --validation 0".split()]
    for train, files in [(TRAIN, ["--text", "text.txt", "--seq", "8"]), (data, data[1:5])]:
        save = ["--save", "m.safetensors"]
        fails(2, *train, *save, "--log", "/dev/full", says=["/dev/full", "No space"])
        assert not os.path.exists("m.safetensors")
        os.mkfifo("log")
        process = subprocess.Popen([harness.path_of_clrnn, *train, "--steps", "1000000", *save,
                                    "--log", "log", "--log-every", "1"], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN))
        with open("log", encoding="utf-8") as log:
            for _ in range(3):
                last = log.readline()
        _, stderr = process.communicate(timeout=harness.TIMEOUT)
        assert process.returncode == 2 and stderr.count("\n") == 1, (process.returncode, stderr)
        assert "--log log: cannot write it" in stderr, stderr
        passes("train", *files, "--resume", "m.safetensors", *save, "--steps", "1", "--json")
        steps = int(arrays.read_raw("m.safetensors")[1]["clrnn.train.step"])
        assert steps >= int(last.split(",")[0]) == 2, (steps, last)
        os.remove("log")
        os.remove("m.safetensors")


def test_existing_model():
    write_text()
    passes(*TRAIN, "--save", "m.safetensors")
    os.symlink("m.safetensors", "link")
    for name in ["m.safetensors", "./m.safetensors", "link"]:
        refused(*TRAIN, "--save", name, says=["--save " + name, "--force", "--resume " + name])
    passes(*TRAIN, "--save", "m.safetensors", "--force", "--seed", "5")
    passes(*TRAIN, "--save", "link", "--resume", "m.safetensors", "--steps", "6")
    passes(*TRAIN, "--save", "n.safetensors", "--resume", "link", "--steps", "8")
    passes(*TRAIN, "--save", "n.safetensors", "--resume", "m.safetensors", "--steps", "7")
    assert os.path.islink("link")
    # what is no checkpoint is not replaced by one that goes on from another
    for name in ["notes.txt", "model.safetensors"]:
        if name == "notes.txt":
            write_text(name, 100)
        else:
            write_safetensors(name, arrays.make_weights("lstm", 4, 6, 4))
        resume = [*TRAIN, "--save", name, "--resume", "m.safetensors", "--steps", "9"]
        refused(*resume, says=["--save " + name, "no checkpoint", "--force"])
        refused(*TRAIN, "--save", name, says="--force")
        passes(*resume, "--force")
    with open("empty", "wb"):
        pass  # as mktemp makes one: nothing is lost
    passes(*TRAIN, "--save", "empty")


def test_whole_or_not_at_all():
    """A disk that is full while a picture or a table is written: what was there stays."""
    write_text()
    passes(*TRAIN, "--save", "m.safetensors")
    series = [f"{i % 7},{i % 5}\n" for i in range(200)]
    with open("s.csv", "w", encoding="utf-8") as f:
        f.write("a,b\n" + "".join(series))
    passes("train", "--data", "s.csv", "--columns", "a", "--forecast", "1", "--window", "5",
           "--hidden", "4", "--steps", "4", "--save", "f.safetensors")

    def with_room_for(bytes_):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))
    inspect = ["inspect", "m.safetensors", "--text", "text.txt", "--force", "-o"]
    predict = ["predict", "f.safetensors", "--data", "s.csv", "--force", "--out"]
    outputs = [(predict, "t.csv")] + [(inspect, name) for name in ("p.png", "p.svg") if has_cairo()]
    for command, name in outputs:
        for old in [None, b"precious"]:
            if old:
                with open(name, "wb") as f:
                    f.write(old)
            files = sorted(os.listdir("."))
            result = subprocess.run([harness.path_of_clrnn, *command, name], capture_output=True,
                                    preexec_fn=lambda: with_room_for(100), check=False,
                                    timeout=harness.TIMEOUT)
            assert result.returncode == 2 and name.encode() in result.stderr, (name, result)
            assert b"File too large" in result.stderr, result
            assert sorted(os.listdir(".")) == files, (name, os.listdir("."))
            assert not old or read(name) == old, name
        os.chmod(name, 0o640)
        os.symlink(name, "link" + os.path.splitext(name)[1])
        passes(*command, "link" + os.path.splitext(name)[1])
        assert read(name) != b"precious" and stat.S_IMODE(os.stat(name).st_mode) == 0o640


def test_existing_log():
    write_text()
    passes(*TRAIN, "--save", "m.safetensors", "--log", "log.csv")
    write_text("table.csv", 100)
    for name in ["log.csv", "table.csv"]:
        refused(*TRAIN, "--save", "n.safetensors", "--log", name, says=["--log " + name, "--force"])
    table = read("table.csv")
    fails(2, *TRAIN, "--resume", "m.safetensors", "--save", "m.safetensors", "--log", "table.csv",
          says=["table.csv", "not a log"])
    assert read("table.csv") == table
    passes(*TRAIN, "--save", "n.safetensors", "--log", "log.csv", "--force", "--log-every", "2")
    assert [int(r["step"]) for r in log_of("log.csv")] == [2, 4]
    passes(*TRAIN, "--save", "o.safetensors", "--log", "/dev/null")
    passes(*TRAIN, "--save", "o.safetensors", "--log", "/dev/null", "--resume", "o.safetensors")


def test_read_only():
    write_text()
    passes(*TRAIN, "--save", "m.safetensors", "--log", "log.csv")
    write_safetensors("model.safetensors", arrays.make_weights("lstm", 4, 6))
    write_npy("x.npy", *numbers(50, (5, 3, 4)))
    write_npy("y.npy", *numbers(51, (2, 2)))
    for name in ["m.safetensors", "log.csv", "y.npy"]:
        os.chmod(name, 0o444)
    os.symlink("m.safetensors", "link")
    for name in ["m.safetensors", "link"]:
        refused(*TRAIN, "--save", name, "--force", says=["--save " + name, "read-only", "0444"])
        refused(*TRAIN, "--save", name, "--resume", "m.safetensors", says="read-only")
    refused(*TRAIN, "--save", "n.safetensors", "--log", "log.csv", "--force",
            says=["--log log.csv", "read-only"])
    refused("run", "model.safetensors", "--in", "x.npy", "--out", "y.npy",
            says=["--out y.npy", "read-only"])
    os.chmod("m.safetensors", 0o640)
    passes(*TRAIN, "--save", "m.safetensors", "--force", "--seed", "1")
    assert stat.S_IMODE(os.stat("m.safetensors").st_mode) == 0o640


def test_dangling_links():
    write_text()
    os.makedirs("folder")
    os.symlink("folder/m.safetensors", "link")
    os.symlink("folder/log.csv", "log")
    os.symlink("missing/m.safetensors", "nowhere")
    passes(*TRAIN, "--save", "link", "--log", "log")
    assert os.path.islink("link") and os.path.islink("log") and os.path.isfile("folder/log.csv")
    passes("sample", "folder/m.safetensors", "--length", "3")
    refused(*TRAIN, "--save", "nowhere", says=["--save nowhere", "missing"])
    refused(*TRAIN, "--save", "n", "--log", "missing/log.csv", says=["--log missing/log.csv"])
    write_safetensors("m.safetensors", arrays.make_weights("lstm", 4, 6))
    write_npy("x.npy", *numbers(50, (5, 3, 4)))
    os.symlink("folder/y.npy", "y.npy")
    passes("run", "m.safetensors", "--in", "x.npy", "--out", "y.npy")
    assert os.path.islink("y.npy") and os.path.isfile("folder/y.npy")
    refused("run", "m.safetensors", "--in", "x.npy", "--out", "missing/y.npy", says="missing/y.npy")


def test_left_over():
    write_text()
    rest = "m.safetensors.99999999-0.tmp"
    write_text(rest, 3000)
    for name in [rest, "./" + rest]:
        refused("train", "--text", name, *SMALL, "--save", "m.safetensors", says=[name, "rename"])
    passes(*TRAIN, "--save", "m.safetensors")
    assert not os.path.exists(rest)
    os.rename("m.safetensors", rest)
    refused(*TRAIN, "--resume", rest, "--save", "m.safetensors", says=["--resume " + rest, "rename"])
    refused(*TRAIN, "--log", rest, "--save", "m.safetensors", says=["--log " + rest, "rename"])
    passes(*TRAIN, "--save", "m.safetensors")
    write_text(rest, 3000)
    write_text("m.safetensors.1x-0.tmp", 3000)
    passes(*TRAIN, "--save", "other.safetensors")
    assert os.path.exists(rest)
    passes("train", "--text", "m.safetensors.1x-0.tmp", *SMALL, "--save", "m.safetensors", "--force")
    assert not os.path.exists(rest) and os.path.exists("m.safetensors.1x-0.tmp")


def test_what_is_no_text():
    write_text()
    write_npy("x.npy", *numbers(50, (50, 20)))
    write_safetensors("model.safetensors", arrays.make_weights("lstm", 4, 6))
    text = read("text.txt")
    for name, data in {"zero": text + b"\0" + text, "last": text + b"\0", "first": b"\0" + text,
                       "wide": text.decode().encode("utf-16"), "one": b"\0"}.items():
        with open(name, "wb") as f:
            f.write(data)
    for name, says in [("x.npy", ".npy"), ("model.safetensors", ".safetensors"),
                       ("zero", "byte 3000"), ("last", "byte 3000"), ("first", "byte 0"),
                       ("one", "byte 0"), ("wide", "UTF-16")]:
        train = ["train", "--text", name, *SMALL, "--save", "m.safetensors"]
        refused(*train, says=["--text " + name, says, "--binary"])
        refused(*train, "--text", "text.txt", says="--text " + name)
        refused(*TRAIN, "--text", name, "--save", "m.safetensors", says="--text " + name)
        if name != "one":
            passes(*train, "--binary")
            os.remove("m.safetensors")
    for name, data in {"bytes": bytes(range(1, 256)) * 9, "brace": b"01234567{" + text,
                       "umlauts": "Äöü ß \x1b\x07".encode() * 99}.items():
        with open(name, "wb") as f:
            f.write(data)
        passes("train", "--text", name, *SMALL, "--save", "m.safetensors", "--force")
