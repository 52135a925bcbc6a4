# SPDX-License-Identifier: MIT
"""Where the tests of `meson install` install, and what README.md tells a user to type then."""
import glob
import json
import os
import re
import subprocess
from pathlib import Path

TIMEOUT = 3600  # of one command that hangs


class Skip(Exception):
    """A program that the test needs is not there."""


class Place:
    """build: the build folder; source: the source tree; root: what stands before the prefix;
    library, environment: of programs that use what is installed there."""

    def __init__(self, build, source, root=""):
        self.build, self.source, self.root = Path(build), Path(source), str(root)
        with open(self.build / "meson-info/intro-buildoptions.json", encoding="utf-8") as f:
            self.options = {option["name"]: option["value"] for option in json.load(f)}
        self.prefix = Path(self.root + self.options["prefix"])
        self.libdir = self.prefix / self.options["libdir"]
        self.environment = {name: value for name, value in os.environ.items() if name not in
                            ("DESTDIR", "LD_LIBRARY_PATH", "PKG_CONFIG_PATH", "CMAKE_PREFIX_PATH")}

    def install(self):
        """`meson install`: what it prints. Its log, which `ninja uninstall` reads, stays."""
        log = self.build / "meson-logs/install-log.txt"
        before = log.read_bytes() if log.exists() else None
        environment = {**self.environment, **({"DESTDIR": self.root} if self.root else {})}
        try:
            return self.run(["meson", "install", "-C", str(self.build), "--no-rebuild"],
                            env=environment)
        finally:
            if before is None:
                log.unlink(missing_ok=True)
            else:
                log.write_bytes(before)

    def run(self, command, folder=None, env=None):
        """Run a command, or a line for sh; its output, once it has exited with 0."""
        result = subprocess.run(command, shell=isinstance(command, str), cwd=folder,
                                env=env or self.environment, encoding="utf-8", timeout=TIMEOUT,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
        assert result.returncode == 0, f"{command}: exit {result.returncode}\n{result.stdout}"
        return result.stdout

    def use_as_prefix(self):
        """Let a staged tree be used where it lies: the line of clrnn.pc that says where it is, and
        the loader's variable."""
        pc = self.libdir / "pkgconfig/clrnn.pc"
        text, count = re.subn(r"^prefix=.*$", f"prefix={self.prefix}", pc.read_text("utf-8"),
                              flags=re.M)
        assert count == 1, text
        pc.write_text(text, "utf-8")
        self.environment["PKG_CONFIG_PATH"] = str(self.libdir / "pkgconfig")
        self.environment["LD_LIBRARY_PATH"] = str(self.libdir)

    def example(self, folder):
        """The example of README.md, as C and as C++."""
        text = (self.source / "README.md").read_text("utf-8")
        example = re.search(r"```c\n(.*?)```", text, re.S).group(1)
        for name in "example.c", "example.cpp":
            (Path(folder) / name).write_text(example, "utf-8")

    def commands(self):
        """The lines of README.md that compile and run it."""
        text = (self.source / "README.md").read_text("utf-8")
        return re.findall(r"^    ((?:cc|c\+\+) example\..*)$", text, flags=re.M)

    def readme(self, folder):
        """What README.md says, word for word."""
        commands = self.commands()
        assert [c.split()[:2] for c in commands] == [["cc", "example.c"], ["c++", "example.cpp"]], \
            commands
        needs("cc", "c++", "pkg-config")
        self.example(folder)
        for command in commands:
            self.run(command, folder)

    def headers(self):
        return {Path(path).name for path in glob.glob(str(self.source / "include/clrnn/*.h"))}


def needs(*programs):
    for program in programs:
        if subprocess.run(["sh", "-c", f"command -v {program}"], stdout=subprocess.DEVNULL,
                          check=False).returncode:
            raise Skip(f"no {program}")
