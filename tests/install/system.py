# SPDX-License-Identifier: MIT
"""What is installed for all users, on a system whose changes nobody else sees: as README.md says,
with nothing set."""
import os
import subprocess
import sys
import tempfile

from place import Place, Skip, needs

CHANGED = ["/usr/local", "/etc"]


def enter(arguments):
    """Run this program again, as root in a mount namespace of its own; None if that cannot be."""
    if os.geteuid() != 0:
        return None
    try:
        result = subprocess.run(["unshare", "--mount", sys.executable, *arguments], check=False)
    except FileNotFoundError:
        return None
    return None if result.returncode == 78 else result.returncode


def lay_over():
    """Inside: let CHANGED be changed in memory only. Exits with 78 if that cannot be."""
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
            sys.exit(78)


def test_system(build, source):
    place = Place(build, source)
    if place.options["prefix"] != "/usr/local":
        raise Skip(f"the prefix is {place.options['prefix']}")
    needs("ldconfig", "cc", "c++", "pkg-config")
    place.environment["PATH"] = "/usr/local/bin:" + place.environment["PATH"]
    said = place.install()
    assert not [line for line in said.splitlines() if line.startswith("clrnn: ")], said
    with tempfile.TemporaryDirectory() as folder:
        place.readme(folder)
        assert place.run("command -v clrnn").strip() == "/usr/local/bin/clrnn"
        needs("man")
        assert "clrnn.1" in place.run("man -w clrnn")
