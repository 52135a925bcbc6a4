# SPDX-License-Identifier: MIT
"""Run by `meson install` at its end: see that the loader, pkg-config and the shell find what was
installed; as root tell the loader. What they do not find is said in one line, with what to do.

usage: finish.py LIBRARY LIBDIR BINDIR PROGRAM|-      (folders may be relative to the prefix)
"""
import glob
import os
import shlex
import shutil
import stat
import subprocess
import sys

LDCONFIG_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"  # a user's has no sbin

# The file that the loader maps for a name: argv[1].
ASK_LOADER = """
import ctypes, sys
ctypes.CDLL(sys.argv[1])
print(*{line.split()[-1] for line in open("/proc/self/maps") if sys.argv[1] in line}, sep="\\n")
"""


def output(*command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            stdin=subprocess.DEVNULL, encoding="utf-8", check=False)
    return result.stdout.strip() if result.returncode == 0 else ""


def same(a, b):
    return bool(a) and os.path.realpath(a) == os.path.realpath(b)


def loader_finds(library, libdir):
    mapped = output(sys.executable, "-c", ASK_LOADER, library)
    return same(mapped, os.path.join(libdir, library))


def loader_would_find(libdir):
    """Whether the loader looks in a folder once its cache is made anew."""
    for path in ["/etc/ld.so.conf", *glob.glob("/etc/ld.so.conf.d/*.conf")]:
        try:
            with open(path, encoding="utf-8") as f:
                if any(same(line.strip(), libdir) for line in f):
                    return True
        except OSError:
            pass
    return libdir in ("/lib", "/usr/lib", "/lib64", "/usr/lib64")


def before(variable, folder):
    """An assignment that puts a folder before what a variable has."""
    return f'{variable}={shlex.quote(folder)}"${{{variable}:+:${variable}}}"'


def advice(library, libdir, bindir, program):
    """What has to be done, as shell commands."""
    todo, exports = [], []
    if not loader_finds(library, libdir):
        if loader_would_find(libdir):
            todo.append("ldconfig (as root)")
        else:
            exports.append(before("LD_LIBRARY_PATH", libdir))
    if shutil.which("pkg-config") and not same(
            output("pkg-config", "--variable=libdir", "clrnn"), libdir):
        exports.append(before("PKG_CONFIG_PATH", os.path.join(libdir, "pkgconfig")))
    if program != "-" and not same(shutil.which("clrnn"), os.path.join(bindir, program)):
        exports.append(before("PATH", bindir))
    if exports:
        todo.append("export " + " ".join(exports))
    return "; ".join(todo)


def say(line):
    """Meson keeps what an install script prints to itself, so print where Meson does: on a terminal
    or into a pipe. (A file would be written over by what Meson prints next.)"""
    for number in 1, 2:
        try:
            fd = os.open(f"/proc/{os.getppid()}/fd/{number}", os.O_WRONLY | os.O_APPEND)
        except OSError:
            continue
        with open(fd, "w", encoding="utf-8") as stream:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                stream.write(f"clrnn: {line}\n")
                return
    print(f"clrnn: {line}")


def main():
    library, libdir, bindir, program = sys.argv[1:]
    prefix = os.environ["MESON_INSTALL_PREFIX"]
    libdir, bindir = os.path.join(prefix, libdir), os.path.join(prefix, bindir)
    if os.environ.get("DESTDIR"):
        say(f"staged; once {libdir} is in place, run there: ldconfig")
        return
    ldconfig = shutil.which("ldconfig", path=LDCONFIG_PATH)
    if ldconfig and os.geteuid() == 0:
        subprocess.run([ldconfig], check=False, stdin=subprocess.DEVNULL)
    todo = advice(library, libdir, bindir, program)
    if todo:
        say(f"installed where this system does not look; before use: {todo}")


main()
