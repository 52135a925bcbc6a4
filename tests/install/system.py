# SPDX-License-Identifier: MIT
"""What is installed for all users, on a system whose changes nobody else sees: as README.md says,
with nothing set."""
import os
import subprocess
import sys
import tempfile

from place import Place, Skip, needs

CHANGED = ["/usr/local", "/etc"]
CANNOT = 78


def enter(arguments):
    """Run this program again, as root in a mount namespace of its own; None if that cannot be."""
    unshare = ["unshare", "--mount"]
    try:
        if os.geteuid() != 0 or subprocess.run(
                [*unshare, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
            return None
    except FileNotFoundError:
        return None
    result = subprocess.run([*unshare, sys.executable, *arguments], check=False)
    return None if result.returncode == CANNOT else result.returncode


def lay_over():
    """Inside: let CHANGED be changed in memory only. Exits with CANNOT if that cannot be."""
    memory = tempfile.mkdtemp()
    commands = [["mount", "-t", "tmpfs", "tmpfs", memory]]
    for folder in CHANGED:
        upper, work = memory + folder + "/upper", memory + folder + "/work"
        commands += [["mkdir", "-p", upper, work],
                     ["mount", "-t", "overlay", "overlay", "-o",
                      f"lowerdir={folder},upperdir={upper},workdir={work}", folder]]
    for command in commands:
        if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode:
            sys.exit(CANNOT)


def test_system(build, source):
    place = Place(build, source)
    for option, usual in ("prefix", "/usr/local"), ("libdir", "lib"):
        if place.options[option] != usual:
            raise Skip(f"the {option} is {place.options[option]}")
    needs("ldconfig", "cc", "c++", "pkg-config")
    place.environment["PATH"] = "/usr/local/bin:" + place.environment["PATH"]
    said = place.install()
    assert not [line for line in said.splitlines() if line.startswith("clrnn: ")], said
    with tempfile.TemporaryDirectory() as folder:
        place.readme(folder)
        assert place.run("command -v clrnn").strip() == "/usr/local/bin/clrnn"
        needs("man")
        assert "clrnn.1" in place.run("man -w clrnn")
