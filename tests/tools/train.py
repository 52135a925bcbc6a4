# SPDX-License-Identifier: MIT
"""clrnn train and clrnn sample: files, options, and going on after a break of any kind."""
import json
import os
import random
import shlex
import signal
import subprocess

import arrays
import harness
from harness import (TIMEOUT, clrnn, fails, log_of, passes, read, tensors_of, without_time,
                     write_text)

# A small training; the options of most tests below.
SMALL = "--text text.txt --hidden 16 --batch 4 --seq 8 --log-every 5 --validate-every 10".split()


def test_train_files():
    write_text()
    out = passes("train", *SMALL, "--steps", "22", "--save", "m.safetensors", "--log", "log.csv")
    assert "unigram" in out.splitlines()[-1] and "validation" in out.splitlines()[-1], out
    rows = log_of("log.csv")
    assert [int(r["step"]) for r in rows] == [5, 10, 15, 20, 22]
    assert [bool(r["validation_bpc"]) for r in rows] == [False, True, False, True, True]
    for r in rows:
        assert int(r["characters"]) == int(r["step"]) * 4 * 8
        assert abs(float(r["train_bpc"]) * 0.6931471805599453 - float(r["loss_nats"])) < 1e-6
        assert float(r["learning_rate"]) == 0.002 and float(r["gradient_norm"]) > 0
    names = tensors_of("m.safetensors")
    assert {"rnn.weight_ih_l0", "rnn.weight_hh_l0", "head.weight", "head.bias"} <= set(names)
    assert names["rnn.weight_hh_l0"][1] == (64, 16)


def test_train_learns():
    write_text()
    for cell in ["lstm", "gru", "rnn"]:
        text = passes("train", *SMALL, "--cell", cell, "--lr", "0.01", "--steps", "150", "--json",
                      "--save", f"{cell}.safetensors")
        summary = json.loads(text)
        assert summary["cell"] == cell and summary["steps"] == 150 and not summary["interrupted"]
        assert summary["validation_bpc"] < 0.75 * summary["unigram_bpc"], summary


def test_train_options():
    write_text()
    write_text("more.txt", 500)
    for extra in [["--embedding", "5", "--layers", "2", "--dropout", "0.3"],
                  ["--optimizer", "sgd", "--momentum", "0.9", "--lr", "0.1"],
                  "--optimizer adamw --weight-decay 0.1 --schedule cosine --warmup 2".split(),
                  ["--optimizer", "rmsprop", "--clip", "0", "--validation", "0"],
                  ["--peepholes", "--layers", "2"],
                  "--input-dropout 0.2 --variational --drop-connect 0.5".split(),
                  "--weight-noise 0.1 --embedding 3".split(),
                  ["--layer-norm", "--layers", "2"],
                  ["--layer-norm", "--cell", "gru"],
                  "--zoneout 0.1,0.3 --recurrent-dropout 0.2 --layers 2".split(),
                  "--zoneout 0.2 --cell gru".split(),
                  ["--cell", "gru", "--reset", "after", "--update", "keeps", "--text", "more.txt"]]:
        summary = json.loads(passes("train", *SMALL, *extra, "--steps", "6", "--json", "--force",
                                    "--save", "m.safetensors"))
        assert summary["steps"] == 6 and summary["train_bpc"] > 0, summary
        assert (summary["validation_bpc"] is None) == ("--validation" in extra)
        assert len(passes("sample", "m.safetensors", "--length", "5")) == 6


def test_train_unused_options():
    """An option that does nothing is refused before anything is done, and the message says what
    it needs."""
    write_text()
    save = ["--steps", "1", "--save", "m.safetensors"]
    for options, says in [
            (["--momentum", "0.9"], ["--momentum 0.9", "adam", "--optimizer sgd"]),
            (["--momentum", "0.9", "--optimizer", "rmsprop"], ["--momentum", "rmsprop"]),
            (["--weight-decay", "0.1"], ["--weight-decay 0.1", "adam ", "--optimizer adamw"]),
            (["--weight-decay", "0.1", "--optimizer", "sgd"], ["--weight-decay", "sgd"]),
            (["--dropout", "0.3"], ["--dropout 0.3", "--layers 2"]),
            (["--variational", "--drop-connect", "0.3"],
             ["--variational", "--dropout", "--input-dropout"]),
            (["--zoneout", "1"], ["--zoneout 1", "below 1"]),
            (["--zoneout", "0.1,x"], ["--zoneout 0.1,x", "P or P,PC"]),
            (["--zoneout", "0.1,0.2", "--cell", "gru"], ["--zoneout 0.1,0.2", "LSTM"])]:
        result = fails(2, "train", *SMALL, *options, *save, says=says)
        assert result.stdout == "" and not os.path.exists("m.safetensors")
    passes("train", *SMALL, *save, *"--momentum 0 --weight-decay 0 --dropout 0".split())
    resume = ["--resume", "m.safetensors", "--save", "n.safetensors", "--steps", "2"]
    fails(2, "train", *SMALL, *resume, "--momentum", "0.9", says="--optimizer sgd")
    fails(2, "train", *SMALL, *resume, "--dropout", "0.3", says="--layers 2")
    assert not os.path.exists("n.safetensors")
    # A checkpoint of a time when such options did no harm.
    metadata = arrays.read_raw("m.safetensors")[1]
    for key in ["momentum", "weight_decay", "dropout"]:
        assert metadata["clrnn.train." + key] == "0", metadata
        metadata["clrnn.train." + key] = "0.25"
    arrays.write_safetensors("old.safetensors", arrays.read_safetensors("m.safetensors"), metadata)
    result = clrnn("train", *SMALL, "--resume", "old.safetensors", *resume[2:])
    assert result.returncode == 0 and result.stderr.count("goes on as") == 3, result


def test_train_schedule():
    write_text()
    passes("train", *SMALL, *"--lr 1 --optimizer sgd --schedule cosine --warmup 4".split(),
           *"--steps 8 --log-every 1 --save m.safetensors --log log.csv".split())
    rates = [float(r["learning_rate"]) for r in log_of("log.csv")]
    assert len(rates) == 8 and max(rates) <= 1, rates
    assert rates[0] < rates[2] and rates[4] > rates[7], rates


def test_train_short_text():
    train = ["train", "--text", "short.txt", "--save", "m.safetensors"]
    for size in [0, 1, 8]:
        write_text("short.txt", size)
        fails(2, *train, "--seq", "8", says="text")
    fails(2, "train", "--text", "missing.txt", "--save", "m.safetensors", says="missing.txt")
    fails(2, "train", "--text", ".", "--save", "m.safetensors", says=".")
    write_text("short.txt", 400)
    fails(2, *train, "--batch", "32", says="text")
    assert not os.path.exists("m.safetensors")
    passes(*train, "--seq", "16", "--steps", "2")


def test_train_bad_paths():
    write_text()
    for path in ["missing/m.safetensors", ".", "m.npy", ""]:
        result = fails(2, "train", *SMALL, "--steps", "1", "--save", path, says="--save " + path)
        assert result.stdout == "", result
    fails(2, "train", *SMALL, "--steps", "1", "--save", "m.safetensors", "--log", "missing/log.csv",
          says="missing/log.csv")


def test_train_not_finite():
    """Nothing is saved, whatever is looked at when; the file of the last good step stays."""
    write_text()
    wild = [*SMALL, *"--cell rnn --optimizer sgd --momentum 0.9 --clip 0 --steps 30".split()]
    for extra in ["--log-every 1", "--log-every 0 --validate-every 0", "--save-every 2 --log l.csv",
                  "--log-every 0 --validate-every 0 --save-every 3", "--clip 1e30 --json"]:
        result = fails(1, "train", *wild, "--lr", "1e38", *extra.split(), "--save", "m.safetensors",
                       says=["not finite", "step ", "--lr", "--clip", "m.safetensors"])
        assert "saved" not in result.stdout and "->" not in result.stdout, result
        assert not os.path.exists("m.safetensors")
    passes("train", *wild, "--lr", "1e-3", "--steps", "10", "--save", "m.safetensors")
    good = read("m.safetensors")
    resume = ["train", "--text", "text.txt", "--resume", "m.safetensors", "--save", "m.safetensors",
              "--seq", "8", "--lr", "1e38"]
    for extra in ["", "--log-every 1", "--log-every 0", "--save-every 1"]:
        result = clrnn(*resume, *extra.split(), "--steps", "40")
        last = result.stderr.splitlines()[-1]
        assert result.returncode == 1 and "not finite" in last and "--lr" in last, result
        assert read("m.safetensors") == good
    # the step that breaks it is the last one: its own loss and gradient are finite
    result = clrnn(*resume, "--validation", "0", "--steps", "11")
    assert result.returncode == 1 and "not finite" in result.stderr, result
    assert read("m.safetensors") == good
    assert sorted(os.listdir()) == ["l.csv", "m.safetensors", "text.txt"]


def test_train_names_the_step():
    """The step that was not finite, also where nobody looked then."""
    write_text()
    steps = set()
    for every in ["1", "7", "0"]:
        result = fails(1, "train", *SMALL, *"--cell rnn --optimizer sgd --lr 1e38 --clip 0".split(),
                       "--steps", "20", "--validate-every", "0", "--log-every", every,
                       "--save-every", "0", "--save", "m.safetensors")
        steps.add(result.stderr.split(" of step ")[1].split()[0])
    assert len(steps) == 1 and 1 < int(steps.pop()) < 7, steps


def test_resume_is_exact():
    write_text()
    base = SMALL + ("--layers 2 --dropout 0.2 --save-every 7 --lr 0.003 --clip 0.3 --warmup 20 "
                    "--seed 9").split()
    for extra in [[], ["--cell", "gru", "--optimizer", "sgd", "--momentum", "0.5"],
                  ["--embedding", "4", "--optimizer", "rmsprop"],
                  "--input-dropout 0.1 --variational --drop-connect 0.3 --weight-noise 0.05".split(),
                  "--zoneout 0.1,0.3 --recurrent-dropout 0.2".split()]:
        train = ["train", *base, *extra]
        passes(*train, "--steps", "40", "--save", "whole.safetensors", "--log", "whole.csv",
               "--force")
        passes(*train, "--steps", "15", "--save", "part.safetensors", "--log", "part.csv",
               "--force")
        passes(*train, "--steps", "30", "--save", "part.safetensors", "--log", "part.csv",
               "--resume", "part.safetensors")
        # the options, but those of the text and the log, are the checkpoint's
        passes("train", "--text", "text.txt", "--seq", "8", "--steps", "40", "--log-every", "5",
               "--validate-every", "10", "--log", "part.csv", "--resume", "part.safetensors",
               "--save", "end.safetensors")
        assert tensors_of("whole.safetensors") == tensors_of("end.safetensors")
        whole, part = log_of("whole.csv"), log_of("part.csv")
        extra_rows = [r for r in part if r["step"] == "15"]  # the end of the first run is validated
        part = [r if r["step"] != "15" else {**r, "validation_bpc": ""} for r in part]
        assert len(extra_rows) == 1 and without_time(whole) == without_time(part)
        seconds = [float(r["seconds"]) for r in part]
        assert seconds == sorted(seconds)


def test_resume_cuts_the_log():
    write_text()
    train = ["train", *SMALL, "--save", "m.safetensors", "--log", "log.csv"]
    passes(*train, "--steps", "10")
    with open("log.csv", "a", encoding="utf-8") as f:
        f.write("15,480,9.0,1,1,,0.002,1\n20,64")  # rows of a run that was killed
    passes(*train, "--steps", "20", "--resume", "m.safetensors")
    assert [int(r["step"]) for r in log_of("log.csv")] == [5, 10, 15, 20]
    with open("log.csv", "w", encoding="utf-8") as f:
        f.write("something else\n")
    fails(2, *train, "--steps", "30", "--resume", "m.safetensors", says="log.csv")


def test_resume_refuses():
    write_text()
    train = ["train", "--text", "text.txt", "--hidden", "16", "--seq", "8", "--steps", "20"]
    save = ["--save", "m.safetensors"]
    resume = ["--resume", "m.safetensors", "--save", "n.safetensors"]
    passes(*train, "--batch", "4", *save)
    done = json.loads(passes(*train, "--batch", "4", "--json", *resume))
    assert done["steps"] == 20
    assert tensors_of("m.safetensors") == tensors_of("n.safetensors")
    os.remove("n.safetensors")
    for extra in ["--batch 5", "--batch 4 --hidden 17", "--batch 4 --cell gru",
                  "--batch 4 --optimizer sgd", "--batch 4 --layers 2"]:
        fails(2, *train, *resume, *extra.split())
    arrays.write_safetensors("model.safetensors", arrays.make_weights("lstm", 4, 6, 4))
    fails(2, *train, *save, "--resume", "model.safetensors",
          says=["model.safetensors", "not a checkpoint", "clrnn info"])
    fails(2, *train, *save, "--resume", "missing.safetensors", says="missing.safetensors")
    with open("other.txt", "w", encoding="utf-8") as f:
        f.write("ÄÖÜ" * 500)
    fails(2, "train", "--text", "other.txt", "--batch", "4", "--seq", "8", *resume, says="0x")
    assert not os.path.exists("n.safetensors")


def test_resume_takes_options():
    write_text()
    go_on = ["train", "--text", "text.txt", "--seq", "8", "--save", "n.safetensors", "--resume"]
    for schedule in ["constant", "cosine", "one_cycle"]:  # it ends when it was to
        passes("train", *SMALL, "--schedule", schedule, *"--steps 12 --save m.safetensors --force".split())
        assert json.loads(passes(*go_on, "m.safetensors", "--json", "--force"))["steps"] == 12
        assert tensors_of("m.safetensors") == tensors_of("n.safetensors")
    held = [*SMALL, "--validation", "0.4", "--force"]  # what is held out is so again
    passes("train", *held, *"--steps 12 --save m.safetensors".split())
    passes("train", *held, *"--steps 6 --save part.safetensors".split())
    passes(*go_on, "part.safetensors", "--steps", "12", "--force")
    assert tensors_of("m.safetensors") == tensors_of("n.safetensors")
    step = [*SMALL, *"--schedule step --step-every 3 --step-factor 0.3 --force".split()]
    passes("train", *step, *"--steps 5 --save m.safetensors".split())
    passes("train", *step, *"--steps 12 --save w.safetensors".split())
    passes(*go_on, "m.safetensors", "--steps", "12")
    assert tensors_of("w.safetensors") == tensors_of("n.safetensors")
    assert clrnn(*go_on, "n.safetensors", *"--schedule constant --steps 14".split()).returncode == 0


def start_and_wait(args, rows, **options):
    """Start a training that logs, and wait until its log has `rows` rows."""
    path = args[args.index("--log") + 1]
    if "--force" in args and os.path.exists(path):
        os.remove(path)
    process = subprocess.Popen([harness.path_of_clrnn, *args], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, **options)
    while process.poll() is None:
        try:
            with open(path, encoding="utf-8") as f:
                if f.read().count("\n") > rows:
                    break
        except FileNotFoundError:
            pass
    return process


def test_interrupt_and_resume():
    write_text()
    for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
        args = ["train", *SMALL, "--steps", "1000000", "--log", "log.csv", "--force",
                "--save", "it's.safetensors"]
        process = start_and_wait(args, 2)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 128 + number, (process.returncode, stderr)
        assert stderr.count("\n") == 1 and "to continue: clrnn train " in stderr, stderr
        step = int(stderr.split("after step ")[1].split(",")[0])
        again = shlex.split(stderr.split("to continue: ")[1])[1:]
        again[again.index("--steps") + 1] = str(step + 7)
        passes(*again)
        passes("train", *SMALL, "--steps", str(step + 7), "--save", "whole.safetensors", "--force")
        assert tensors_of("it's.safetensors") == tensors_of("whole.safetensors")


def ignoring(number):
    """What a child does before it becomes the command: as nohup does."""
    return lambda: signal.signal(number, signal.SIG_IGN)


def test_ignored_signals_stay_ignored():
    write_text()
    for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
        args = ["train", *SMALL, "--steps", "300", "--log", "log.csv", "--force", "--log-every",
                "1", "--save", "m.safetensors"]
        process = start_and_wait(args, 5, preexec_fn=ignoring(number))
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0 and not stderr, (number, process.returncode, stderr)
        assert "300 steps" in stdout, stdout


def test_signals_that_come_twice():
    """As `timeout` and a shell that is going away send them; Ctrl-C twice ends at once."""
    write_text()
    for number in [signal.SIGTERM, signal.SIGHUP]:
        args = ["train", *SMALL, "--steps", "1000000", "--log", "log.csv", "--force",
                "--save", "m.safetensors", "--hidden", "200"]
        process = start_and_wait(args, 2)
        while process.poll() is None:
            process.send_signal(number)
        _, stderr = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 128 + number, (process.returncode, stderr)
        assert "to continue: " in stderr, stderr


def test_reader_goes_away():
    """The output ends in a pipe whose reader is gone, as `tee` after Ctrl-C."""
    write_text()
    process = start_and_wait(["train", *SMALL, "--steps", "1000000", "--log", "log.csv",
                              "--save", "m.safetensors"], 1)
    process.stdout.close()
    process.wait(timeout=TIMEOUT)
    assert process.returncode == 128 + signal.SIGPIPE, process.stderr.read()
    assert "to continue: " in process.stderr.read()
    process.stderr.close()
    passes("sample", "m.safetensors", "--length", "3")


def test_killed_at_any_moment():
    write_text()
    source = random.Random(3)
    args = ["train", *SMALL, "--steps", "1000000", "--save-every", "1", "--log-every", "1",
            "--save", "m.safetensors", "--log", "log.csv"]
    resume = []
    for _ in range(4):
        rows = len(log_of("log.csv")) if resume else 0
        process = start_and_wait(args + resume, rows + source.randrange(2, 20))
        process.kill()
        process.communicate(timeout=TIMEOUT)
        assert process.returncode == -signal.SIGKILL
        passes("sample", "m.safetensors", "--length", "3")
        resume = ["--resume", "m.safetensors"]
    steps = [int(r["step"]) for r in log_of("log.csv")]
    assert steps == list(range(1, len(steps) + 1)), steps


def test_time_limit():
    write_text()
    summary = json.loads(passes("train", *SMALL, "--steps", "1000000000", "--seconds", "1",
                                "--json", "--save", "m.safetensors"))
    assert 0 < summary["steps"] < 1000000000 and not summary["interrupted"]


def test_sample():
    write_text()
    passes("train", *SMALL, "--steps", "30", "--lr", "0.01", "--save", "m.safetensors")
    sample = ["sample", "m.safetensors", "--prompt", "the ", "--length", "40"]
    first = passes(*sample, "--seed", "5")
    assert first.startswith("the ") and len(first) == 45 and first.endswith("\n")
    assert passes(*sample, "--seed", "5") == first
    assert passes(*sample, "--seed", "6") != first
    cold = passes(*sample, "--temperature", "0", "--seed", "1")
    assert passes(*sample, "--temperature", "0", "--seed", "2") == cold
    assert passes(*sample, "--temperature", "1e-9", "--seed", "3") == cold
    assert len(passes("sample", "m.safetensors")) == 501
    assert passes("sample", "m.safetensors", "--prompt", "the ", "--length", "0") == "the \n"
    prompt = "walks through the gates,\n" * 10  # longer than what is fed in one call
    assert passes("sample", "m.safetensors", "--prompt", prompt, "--length", "1").startswith(prompt)
    fails(2, "sample", "m.safetensors", "--prompt", "the Q", says=["0x51 'Q'", "4"])
    fails(2, "sample", "m.safetensors", "--prompt", "é", says="0xc3")
    fails(2, "sample", "missing.safetensors", says="missing.safetensors")
    arrays.write_safetensors("dense.safetensors", arrays.make_weights("lstm", 4, 6, 4))
    fails(2, "sample", "dense.safetensors", says="vocabulary")


def test_sample_continues_the_prompt():
    """State is carried: one call over the prompt and single steps give the same next symbol."""
    write_text()
    passes("train", *SMALL, "--steps", "60", "--lr", "0.01", "--save", "m.safetensors")
    cold = ["sample", "m.safetensors", "--temperature", "0"]
    whole = passes(*cold, "--prompt", "the ", "--length", "12")[:-1]
    for cut in range(5, 16):
        rest = passes(*cold, "--prompt", whole[:cut], "--length", str(16 - cut))[:-1]
        assert rest == whole, (cut, rest, whole)
