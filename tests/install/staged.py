# SPDX-License-Identifier: MIT
"""What is installed, in a folder of its own: complete, and usable from there."""
import os
import re
import sys
import tempfile
from pathlib import Path

from place import Place, needs

CMAKE = """cmake_minimum_required(VERSION 3.13)
project(user C CXX)
find_package(clrnn @VERSION@ REQUIRED)
message(STATUS "found ${clrnn_VERSION}")
add_executable(in_c example.c)
add_executable(in_cpp example.cpp)
target_link_libraries(in_c PRIVATE clrnn::clrnn)
target_link_libraries(in_cpp PRIVATE clrnn::clrnn)
"""

# As on a machine of an author who has the headers alone, and whose linker keeps what is not used.
NO_OPENCL = ("set(CMAKE_DISABLE_FIND_PACKAGE_OpenCL TRUE)\n"
             'set(CMAKE_EXE_LINKER_FLAGS "-Wl,--no-as-needed")\n')


def needed_by(place, program):
    """The shared libraries that a program asks for."""
    needs("readelf")
    return re.findall(r"NEEDED.*\[(.*)\]", place.run(["readelf", "-d", program]))


def version_of(place):
    return place.run([place.prefix / place.options["bindir"] / "clrnn", "--version"]).split()[1]


def test_files(place):
    data = place.prefix / place.options["datadir"]
    for name in "LICENSE", "README.md", "CHANGELOG.md":
        assert (data / "doc/clrnn" / name).read_bytes() == (place.source / name).read_bytes(), name
    headers = place.prefix / place.options["includedir"] / "clrnn"
    assert {path.name for path in headers.iterdir()} == place.headers()
    version = version_of(place)
    library = (place.libdir / "libclrnn.so").resolve()
    assert library.name == f"libclrnn.so.{version}", library
    assert (place.libdir / f"libclrnn.so.{version.rpartition('.')[0]}").resolve() == library
    assert f"Version: {version}" in (place.libdir / "pkgconfig/clrnn.pc").read_text("utf-8")


def test_readme(place):
    with tempfile.TemporaryDirectory() as folder:
        place.readme(folder)


def test_version_of_the_header_and_of_the_library(place):
    needs("cc", "pkg-config")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "version.c").write_text(
            "#include <clrnn/version.h>\n#include <stdio.h>\n"
            "int main(void)\n{\n    puts(clrnn_version_text());\n"
            "    return clrnn_version() != CLRNN_VERSION;\n}\n", "utf-8")
        place.run("cc version.c $(pkg-config --cflags --libs clrnn)", folder)
        assert place.run("./a.out", folder).strip() == version_of(place)
        needs("readelf")
        soname = version_of(place).rpartition(".")[0]
        assert f"[libclrnn.so.{soname}]" in place.run("readelf -d a.out", folder)


def configure(place, folder, version):
    """Configure a project of CMake's that wants a version; what CMake prints."""
    opencl = NO_OPENCL if place.options["opencl"] != "link" else ""
    text = CMAKE.replace("@VERSION@", version).replace("find_package", opencl + "find_package", 1)
    (Path(folder) / "CMakeLists.txt").write_text(text, "utf-8")
    return place.run(["cmake", "-G", "Ninja", "-S", folder, "-B", f"{folder}/build{version}",
                      f"-DCMAKE_PREFIX_PATH={place.prefix}"])


def test_cmake(place):
    needs("cmake", "cc", "c++")
    version = version_of(place)
    with tempfile.TemporaryDirectory() as folder:
        place.example(folder)
        assert f"found {version}" in configure(place, folder, version)
        place.run(["cmake", "--build", f"{folder}/build{version}"])
        # By the path that CMake gives them, without the loader's variable.
        bare = {k: v for k, v in place.environment.items() if k != "LD_LIBRARY_PATH"}
        for program in "in_c", "in_cpp":
            place.run([f"{folder}/build{version}/{program}"], env=bare)
            assert not [name for name in needed_by(place, f"{folder}/build{version}/{program}")
                        if "OpenCL" in name] or place.options["opencl"] == "link"


def test_pkg_config_without_opencl(place):
    """Neither the library nor what pkg-config says of it: the program starts where there is none."""
    needs("cc", "pkg-config")
    for static in "", "--static ":
        libraries = place.run(f"pkg-config {static}--libs --cflags clrnn")
        assert "OpenCL" not in libraries or place.options["opencl"] == "link", libraries


def test_cmake_versions(place):
    needs("cmake", "cc", "c++")
    major, minor, patch = map(int, version_of(place).split("."))
    with tempfile.TemporaryDirectory() as folder:
        place.example(folder)
        configure(place, folder, f"{major}.{minor}")
        for other in (f"{major}.{minor}.{patch + 1}", f"{major}.{minor + 1}", f"{major + 1}.0"):
            try:
                configure(place, folder, other)
            except AssertionError as error:
                assert version_of(place) in str(error), error
            else:
                raise AssertionError(f"{other} was found")


def options_of(place, *command):
    """The options that a help text lists."""
    program = place.prefix / place.options["bindir"] / "clrnn"
    return re.findall(r"^  --([\w-]+)", place.run([program, *command, "--help"]), flags=re.M)


def commands_of(place):
    program = place.prefix / place.options["bindir"] / "clrnn"
    return re.findall(r"^  (\w[\w-]*)  ", place.run([program, "--help"]), flags=re.M)


def test_manual(place):
    page = place.prefix / place.options["mandir"] / "man1/clrnn.1"
    text = page.read_text("utf-8")
    assert version_of(place) in text.split("\n")[1], text[:200]
    commands = commands_of(place)
    assert len(commands) >= 7, commands
    for command in commands:
        part = text.split(f'.SH "CLRNN {command.upper()}"\n')[1].split("\n.SH ")[0]
        for option in options_of(place, command):
            assert f"\\fB\\-\\-{option.replace('-', chr(92) + '-')}\\fR" in part, (command, option)
    needs("groff")
    assert place.run(["groff", "-man", "-ww", "-z", page]) == ""


def test_what_finish_says(place):
    """In a folder where neither looks the last line of `meson install` says what to do; when that
    is done, it says nothing, and README.md holds."""
    needs("pkg-config", "cc", "c++")
    bare = {k: v for k, v in place.environment.items()
            if k not in ("LD_LIBRARY_PATH", "PKG_CONFIG_PATH")}
    bare["MESON_INSTALL_PREFIX"] = str(place.prefix)
    version = version_of(place)
    finish = (f"'{sys.executable}' '{place.source}/tools/install/finish.py' "
              f"libclrnn.so.{version.rpartition('.')[0]} {place.options['libdir']} "
              f"{place.options['bindir']} clrnn; true")
    said = place.run(finish, env=bare)
    assert said.count("\n") == 1 and said.startswith("clrnn: "), said
    advice = said.split("before use: ")[1].strip()
    assert place.run(f"{advice}; {finish}", env=bare) == ""
    with tempfile.TemporaryDirectory() as folder:
        place.example(folder)
        place.run(f"{advice}; {place.commands()[0]} && clrnn --version", folder, env=bare)


def make(build, source, root):
    """Install below `root`, and make that usable."""
    place = Place(build, source, root)
    said = place.install()
    assert [line for line in said.splitlines() if line.startswith("clrnn: ")] == [
        f"clrnn: staged; once {os.path.join(place.options['prefix'], place.options['libdir'])} is "
        "in place, run there: ldconfig"], said
    place.use_as_prefix()
    return place
