# SPDX-License-Identifier: MIT
"""As a subproject of Meson's: a small parent builds the library alone, unless it asks for more.

usage: subproject.py SOURCE
"""
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PARENT = """project('parent', 'c', version: '7.0')
clrnn = dependency('clrnn', version: '>= @VERSION@', fallback: 'clrnn')
executable('example', 'example.c', dependencies: clrnn)
"""
TIMEOUT = 3600
# The device of this test's build need not be one of the parent's.
ENV = {k: v for k, v in os.environ.items() if k != "CLRNN_DEVICE"}


def run(*command, folder):
    result = subprocess.run(command, cwd=folder, encoding="utf-8", stdin=subprocess.DEVNULL, env=ENV,
                            timeout=TIMEOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert result.returncode == 0, f"{command}: exit {result.returncode}\n{result.stdout}"
    return result.stdout


def version_of(source):
    text = (source / "include/clrnn/version.h").read_text("utf-8")
    return ".".join(re.findall(r"define CLRNN_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", text))


def lay_parent(folder, source):
    (folder / "subprojects").mkdir()
    shutil.copytree(source, folder / "subprojects/clrnn", ignore=shutil.ignore_patterns(
        ".git", "build", "build-*", "demo-out", "__pycache__", "data", "results"))
    (folder / "meson.build").write_text(PARENT.replace("@VERSION@", version_of(source)), "utf-8")
    readme = (source / "README.md").read_text("utf-8")
    example = re.search(r"```c\n(.*?)```", readme, re.S).group(1)
    (folder / "example.c").write_text(example, "utf-8")


def setup(folder, build, *options):
    # Without native kernels, which take minutes and are those of any other build.
    run("meson", "setup", build, "--force-fallback-for=clrnn", "-Dbuildtype=plain",
        "-Dclrnn:native=disabled", *options, folder=folder)


def introspect(folder, build, what):
    return json.loads(run("meson", "introspect", f"--{what}", build, folder=folder))


def programs(folder, build):
    return {t["name"] for t in introspect(folder, build, "targets") if t["type"] == "executable"}


def levels_are_in_order(folder):
    # The best first, since the first that a processor can run is taken; what is none is no level.
    options = ["meson", "setup", "--force-fallback-for=clrnn", "-Dclrnn:native=enabled"]
    run(*options, "levels", "-Dclrnn:native_levels=x86-64-v2,x86-64-v4", folder=folder)
    native = next(t for t in introspect(folder, "levels", "targets") if t["name"] == "native")
    assert [Path(f).stem for f in native["filename"]] == [
        "native_table", "native_x86-64-v4", "native_x86-64-v2"], native["filename"]
    unknown = subprocess.run([*options, "none", "-Dclrnn:native_levels=x86-64-v5"], cwd=folder,
                             env=ENV, encoding="utf-8", stdout=subprocess.PIPE, check=False)
    assert unknown.returncode and '"x86-64-v5" is none of' in unknown.stdout, unknown.stdout


def main():
    source = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="clrnn-parent-") as folder:
        folder = Path(folder)
        lay_parent(folder, source)
        setup(folder, "build")
        assert programs(folder, "build") == {"example"}, programs(folder, "build")
        assert introspect(folder, "build", "tests") == []
        libraries = [t for t in introspect(folder, "build", "targets")
                     if t["type"] == "shared library"]
        assert [t["name"] for t in libraries] == ["clrnn"], libraries
        run("ninja", "-C", "build", folder=folder)
        assert not list(folder.glob("build/subprojects/clrnn/tests/*"))
        assert not list(folder.glob("build/subprojects/clrnn/tools/clrnn*"))
        run("build/example", folder=folder)
        # What a parent asks for it gets.
        setup(folder, "more", "-Dclrnn:tools=enabled", "-Dclrnn:tests=enabled")
        assert {"example", "clrnn", "test_base"} <= programs(folder, "more")
        assert introspect(folder, "more", "tests") != []
        if platform.machine() == "x86_64" and shutil.which("clang"):
            levels_are_in_order(folder)
    print("a parent builds the library, links and runs")


main()
