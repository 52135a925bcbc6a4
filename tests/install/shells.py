# SPDX-License-Identifier: MIT
"""Completion, as someone who types would have it."""
import os
import pty
import tempfile
from pathlib import Path

from place import needs
from staged import commands_of, options_of

# What is typed, <TAB> as \t, and the arguments that come of it.
TYPED = [
    ("clrnn verif\t", "verify"),
    ("clrnn train --ce\t gr\t", "train --cell gru"),
    ("clrnn train --cell=ls\t", "train --cell=lstm"),
    ("clrnn train --text boo\t --save-e\t 5", "train --text book.txt --save-every 5"),
    ("clrnn train --text book.txt boo\t --jso\t", "train --text book.txt book.txt --json"),
    ("clrnn run boo\t --weights bf\t", "run book.txt --weights bf16"),
    ("clrnn train --hidden boo\t", "train --hidden boo"),
    ("clrnn verify --device al\t --qui\t", "verify --device all --quick"),
]


def file_of(place, shell):
    return place.prefix / place.options["datadir"] / {
        "bash": "bash-completion/completions/clrnn", "zsh": "zsh/site-functions/_clrnn",
        "fish": "fish/vendor_completions.d/clrnn.fish"}[shell]


class Terminal:
    """A program on a terminal of its own: what is typed, what it shows."""

    def __init__(self, command, folder):
        self.shown = ""
        self.child, self.fd = pty.fork()
        if self.child == 0:
            os.chdir(folder)
            os.environ.update(TERM="dumb", INPUTRC="/dev/null", HISTFILE="")
            os.execvp(command[0], command)

    def type(self, text):
        os.write(self.fd, text.encode())

    def until(self, end):
        """What it has shown up to `end`, which has to come."""
        while end not in self.shown:
            try:
                self.shown += os.read(self.fd, 65536).decode(errors="replace")
            except OSError as error:  # it has ended
                raise AssertionError(f"no {end!r} in {self.shown!r}") from error
        before, _, self.shown = self.shown.partition(end)
        return before

    def close(self):
        os.close(self.fd)
        os.waitpid(self.child, 0)


def type_into(command, setup, folder):
    """Start a shell, set it up, and type all lines; what `clrnn` was called with."""
    calls, terminal = [], Terminal(command, folder)
    try:
        # In two parts, so that the echo of this line is not taken for its effect.
        terminal.type(f"PS1='REA''DY'; clrnn() {{ echo \"CALL\"ED $* \"EN\"D; }}; {setup}\n")
        for line, _ in TYPED:
            terminal.until("READY")
            terminal.type(line + "\n")
            terminal.until("CALLED ")
            calls.append(terminal.until(" END"))
        terminal.until("READY")
        terminal.type("exit\n")
    finally:
        terminal.close()
    return calls


def check(command, setup):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "book.txt").write_text("It was", "utf-8")
        for (line, wanted), call in zip(TYPED, type_into(command, setup, folder)):
            assert call == wanted, (line, call)


def test_bash(place):
    needs("bash")
    check(["bash", "--norc", "--noprofile", "-i"], f". '{file_of(place, 'bash')}'")


def test_zsh(place):
    needs("zsh")
    folder = file_of(place, "zsh").parent
    check(["zsh", "-f", "-i"], f"fpath=('{folder}' $fpath); autoload -U compinit; compinit -u -D")


def test_fish(place):
    needs("fish")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "book.txt").write_text("It was", "utf-8")
        environment = {**place.environment, "HOME": folder, "XDG_CONFIG_HOME": folder}

        def complete(line):
            text = place.run(["fish", "-c", f". '{file_of(place, 'fish')}'; complete -C '{line}'"],
                             folder, environment)
            return {word.split("\t")[0] for word in text.splitlines()}

        assert complete("clrnn verif") == {"verify"}
        assert complete("clrnn train --cel") == {"--cell"}
        assert complete("clrnn train --cell gr") == {"gru"}
        assert complete("clrnn train --save-e") == {"--save-every"}
        assert complete("clrnn train --text boo") == {"book.txt"}
        assert complete("clrnn run boo") == {"book.txt"}
        assert complete("clrnn train --hidden boo") == set()
        assert complete("clrnn verify --device al") == {"all"}


def test_all_options(place):
    """No option is left out, whatever the shell."""
    text = {shell: file_of(place, shell).read_text("utf-8") for shell in ("bash", "zsh", "fish")}
    for command in commands_of(place):
        bash = text["bash"].split(f"\n        {command}) words=\"")[1].split('"')[0].split()
        zsh = text["zsh"].split(f"\n    {command})\n")[1].split(";;")[0]
        for option in options_of(place, command):
            assert f"--{option}" in bash, (command, option)
            assert f"'--{option}" in zsh or f"'*--{option}" in zsh, (command, option)
            assert f"seen_subcommand_from {command}' -l {option} " in text["fish"], option
