# SPDX-License-Identifier: MIT
"""The library and the command built for another system, run under Wine or QEMU, and compared bit for
bit with those of this machine.

usage: cross.py windows|aarch64 CLRNN BUILD RUNNER... OTHER_CLRNN
       CLRNN: this machine's command; BUILD: the other system's build folder. The last line is
       "N passed, N failed, N skipped"; exit 1 if any failed or none passed.
"""
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
import arrays
import harness

PATIENCE = 1800
LEVELS = {"windows": ["x86-64-v4", "x86-64-v3", "x86-64-v2"], "aarch64": ["aarch64"]}
system, here, there, build = "", [], [], Path()


class Skipped(Exception):
    pass


def environment(level=None):
    env = {**os.environ, "CLRNN_DEVICE": "native", "CLRNN_LOG": "", "CLRNN_NATIVE_LEVEL": level or ""}
    if not level:
        del env["CLRNN_NATIVE_LEVEL"]
    return env


def run(command, *args, level=None, code=0):
    """Its standard output, as bytes."""
    result = subprocess.run([*command, *args], capture_output=True, timeout=PATIENCE, check=False,
                            stdin=subprocess.DEVNULL, env=environment(level))
    assert result.returncode == code, f"{args}: exit {result.returncode}\n{result.stderr.decode()}"
    return result.stdout


def refused(*args, says):
    """The other system's command exits with 2 and one line that says why."""
    result = subprocess.run([*there, *args], capture_output=True, timeout=PATIENCE, check=False,
                            stdin=subprocess.DEVNULL, env=environment())
    text = result.stderr.decode()
    assert result.returncode == 2 and text.count("\n") == 1 and says in text, (result.returncode, text)


def each_level():
    """The levels that can run here; at least one can."""
    found = []
    for level in LEVELS[system]:
        result = subprocess.run([*there, "devices"], capture_output=True, check=False,
                                env=environment(level), timeout=PATIENCE)
        if f"native {level}".encode() in result.stdout:
            found.append(level)
    assert found, "no level of native kernels runs"
    return found


def train(command, name, *args, level=None, steps=6):
    run(command, "train", "--text", "text.txt", "--steps", str(steps), "--batch", "3", "--seq", "9",
        "--seed", "5", "--force", "--save", name, *args, level=level)
    return harness.read(name)


# --- checks ---------------------------------------------------------------------------------------

def check_version():
    assert run(there, "--version") == run(here, "--version")


def check_devices():
    table = run(there, "devices").decode()
    assert re.search(r"\* +native ", table) and "\r" not in table, table
    listed = json.loads(run(there, "devices", "--json"))
    assert "native" in json.dumps(listed)


def check_verify():
    for level in each_level():
        text = run(there, "verify", "--quick", "--device", "native", level=level).decode()
        assert re.search(r"^[1-9]\d* passed, 0 failed\b", text, re.M), text
        print(f"  {level}: {text.splitlines()[-1]}")


def check_training():
    """Initial weights, forward and backward passes, losses and optimizers: every bit of a checkpoint
    is that of this machine."""
    kinds = ["--cell lstm --hidden 40", "--cell lstm --hidden 9 --layers 2 --dropout 0.3 --peepholes",
             "--cell gru --hidden 33 --schedule cosine --warmup 2", "--cell gru --hidden 17 --reset after",
             "--cell rnn --hidden 65 --optimizer rmsprop", "--cell lstm --hidden 24 --embedding 7",
             "--cell lstm --hidden 31 --strategy stepwise --optimizer adamw --weight-decay 0.1"]
    for kind in kinds:
        wanted = train(here, "here.safetensors", *kind.split())
        for level in each_level():
            got = train(there, "there.safetensors", *kind.split(), level=level)
            assert got == wanted, f"{kind} on {level}: other bits"


def check_running():
    """Outputs of every storage of weights and both strategies, and in double precision."""
    source = random.Random(3)
    for cell in "lstm", "gru", "rnn":
        train(here, "m.safetensors", "--cell", cell, "--hidden", "37", "--layers", "2")
        symbols = json.loads(run(here, "info", "m.safetensors", "--json"))
        count = max(2, min(8, len(symbols)))
        arrays.write_npy("x.npy", (11, 5), [source.randrange(count) for _ in range(55)], "I32")
        for options in ("--weights f32", "--weights f16", "--weights bf16", "--weights int8",
                        "--strategy stepwise", "--precision f64"):
            args = ["run", "m.safetensors", "--in", "x.npy", "--force", *options.split(), "--out"]
            run(here, *args, "logits=here.npy")
            for level in each_level():
                if "f64" in options and level == "x86-64-v2" and system == "windows":
                    continue  # no fused multiply-add in the processor, and mingw-w64's fma rounds twice
                run(there, *args, "logits=there.npy", level=level)
                assert harness.read("here.npy") == harness.read("there.npy"), \
                    f"{cell} {options} on {level}: other bits"


def check_text():
    train(here, "m.safetensors", "--cell", "gru", "--hidden", "20", steps=30)
    for args in (["sample", "m.safetensors", "--length", "80", "--seed", "2"], ["info", "m.safetensors"],
                 ["info", "m.safetensors", "--json"], ["train", "--help"]):
        assert run(there, *args) == run(here, *args), args


def check_resume_and_log():
    wanted = train(here, "whole.safetensors", steps=12)
    train(there, "half.safetensors", "--log", "log.csv", "--log-every", "1", steps=6)
    run(there, "train", "--text", "text.txt", "--resume", "half.safetensors", "--steps", "12", "--save",
        "half.safetensors", "--log", "log.csv", "--log-every", "1")
    assert harness.read("half.safetensors") == wanted
    assert b"\r" not in harness.read("log.csv")
    assert [row["step"] for row in harness.log_of("log.csv")] == [str(i) for i in range(1, 13)]


def check_names():
    """Any name, in folders with any name; a name that is no file's."""
    os.mkdir("Ordner äöü")
    name = "Ordner äöü/модель 模型.safetensors"
    wanted = train(here, "m.safetensors")
    assert train(there, name) == wanted
    assert run(there, "info", name).decode().startswith(name)
    refused("info", "nichts ä.safetensors", says="nichts ä.safetensors")
    refused("info", "Ordner äöü", says="not a regular file")


def check_protected_files():
    before = train(here, "m.safetensors")
    os.chmod("m.safetensors", 0o444)
    refused("train", "--text", "text.txt", "--steps", "1", "--save", "m.safetensors", "--force",
            says="read-only")
    assert harness.read("m.safetensors") == before
    os.chmod("m.safetensors", 0o644)
    refused("train", "--text", "text.txt", "--steps", "1", "--save", "text.txt", "--force",
            says="are the same file")
    refused("train", "--text", "text.txt", "--steps", "1", "--save", "./TEXT.txt/../text.txt" if
            system == "windows" else "./text.txt", "--force", says="are the same file")


def check_left_over():
    """What a killed process left behind is removed by the next write; what is not of that form
    stays."""
    names = ["m.safetensors.4194303-0.tmp", "m.safetensors.x-0.tmp", "n.safetensors.4194303-0.tmp"]
    for name in names:
        Path(name).write_bytes(b"rest")
    train(there, "m.safetensors")
    assert sorted(p.name for p in Path(".").glob("*.tmp")) == names[1:]


def but_for_its_end(checkpoint, steps):
    """A checkpoint that was to be trained so long, without that: its header, and its data."""
    begin = 8 + int.from_bytes(checkpoint[:8], "little")
    header = json.loads(checkpoint[8:begin])
    assert header["__metadata__"].pop("clrnn.option.steps") == str(steps)
    return header, checkpoint[begin:]


def check_interrupt():
    """Ctrl-C saves what resumes with the same bits, and the exit says so."""
    command = [*there, "train", "--text", "text.txt", "--steps", "1000000", "--batch", "3", "--seq", "9",
               "--seed", "5", "--log", "log.csv", "--log-every", "1", "--save", "m.safetensors"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=environment(), stdin=subprocess.DEVNULL)
    try:
        while not os.path.exists("log.csv") or harness.read("log.csv").count(b"\n") < 3:
            assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 130, (process.returncode, out, err)
    steps = int(json.loads(run(here, "info", "m.safetensors", "--json"))["training"]["step"])
    whole = train(here, "whole.safetensors", steps=steps)
    assert but_for_its_end(harness.read("m.safetensors"), 1000000) == but_for_its_end(whole, steps)


def check_linked():
    """A program linked to the shared library runs with what the system itself has."""
    compiler = {"windows": "x86_64-w64-mingw32-gcc", "aarch64": "aarch64-linux-gnu-gcc"}[system]
    root = Path(__file__).resolve().parents[2]
    pattern = "libclrnn*.dll" if system == "windows" else "libclrnn.so.*.*.*"
    library = next(p for p in (build / "host").glob(pattern) if p.is_file())
    name = library.name if system == "windows" else library.name.rpartition(".")[0]  # the soname
    program = "linked.exe" if system == "windows" else "./linked"
    Path(name).write_bytes(library.read_bytes())
    found = [] if system == "windows" else ["-Wl,-rpath,$ORIGIN"]
    subprocess.run([compiler, "-std=c11", "-Wall", "-Werror", "-o", program, root / "tests/tools/linked.c",
                    f"-I{root / 'include'}", f"-isystem{build / 'prefix/opencl'}", name, *found],
                   check=True)
    text = run([*there[:-1], program]).decode()
    assert text.split()[0] == run(here, "--version").decode().split()[1], text


def check_dependencies():
    """Nothing but what is part of Windows; nothing exported but what the headers declare."""
    if system != "windows":
        raise Skipped("of Windows")
    for name in *(build / "host").glob("libclrnn*.dll"), build / "tools/clrnn.exe":
        text = subprocess.run(["x86_64-w64-mingw32-objdump", "-p", name], capture_output=True, text=True,
                              check=True).stdout
        used = {dll.lower() for dll in re.findall(r"DLL Name: (\S+)", text)}
        assert used and used <= {"kernel32.dll", "msvcrt.dll", "shell32.dll"}, (name, used)
        if name.suffix == ".dll":
            exported = set(re.findall(r"^\t\[ *\d+\] (?:\+base\[ *\d+\] +\w+ )?(\w+)$", text, re.M))
            declared = set()
            for header in (Path(__file__).resolve().parents[2] / "include/clrnn").glob("*.h"):
                clean = re.sub(r"/\*.*?\*/", "", header.read_text("utf-8"), flags=re.S)
                declared |= {re.search(r"(\w+)\s*\(", d).group(1)
                             for d in re.findall(r"^CLRNN_API\b([^;]*);", clean, re.M)}
            assert exported == declared, exported ^ declared


def main():
    global system, here, there, build
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored behind a shell's &, and inherited
    system, here, build = sys.argv[1], [os.path.abspath(sys.argv[2])], Path(sys.argv[3]).resolve()
    there = [*sys.argv[4:-1], os.path.abspath(sys.argv[-1])]
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for name, check in list(globals().items()):
        if not name.startswith("check_"):
            continue
        with tempfile.TemporaryDirectory(prefix="clrnn-cross-") as folder:
            os.chdir(folder)
            harness.write_text()
            try:
                check()
                result = "passed"
            except Skipped:
                result = "skipped"
            except Exception:
                traceback.print_exc()
                result = "failed"
            os.chdir("/")
        counts[result] += 1
        print(f"{result}  {name[6:].replace('_', ' ')}", flush=True)
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


sys.exit(main())
