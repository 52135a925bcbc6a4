# SPDX-License-Identifier: MIT
"""What the command says of itself: its --help and that of each of its commands, taken apart."""
import re
import subprocess

OPTION = re.compile(r"^  --([\w-]+)(?: (\S+(?: \S+)*))?(?: {2,}(\S.*)?)?$")


class Option:
    """--name argument  text. words: what a choice or a device may be; many: takes several values."""

    def __init__(self, name, argument, text, selectors):
        self.name, self.argument, self.text = name, argument, text
        self.many = argument.endswith("...")
        self.is_file = bool(re.search(r"FILE|CSV|DIR|PICTURE", argument))
        self.words = argument.split("|") if "|" in argument else []
        if argument == "SEL":
            self.words = selectors


class Command:
    """One of the commands. usage: what follows `clrnn`; details: the text after the options."""

    def __init__(self, name, text, selectors):
        self.name = name
        before, table, self.details = around(text, "  --")
        self.usage = before[0].removeprefix("usage: clrnn ")
        self.summary = "\n\n".join(before[1:])
        also = re.findall(r"--device SEL\|(\w+)", self.usage)
        self.options = [Option(*fields, selectors + also) for fields in options(table)]
        self.takes_files = bool(re.match(r"[A-Z]", self.usage.removeprefix(name + " "))
                                or any(o.is_file and o.many for o in self.options))


class Help:
    """The whole. about: what it is; commands; notes: the paragraphs after their list."""

    def __init__(self, program):
        def run(*arguments):
            return subprocess.run([program, *arguments], check=True, encoding="utf-8",
                                  stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout

        text = run("--help")
        before, table, self.notes = around(text, "  ")
        self.usage = before[0].removeprefix("usage: clrnn ")
        self.about = "\n\n".join(before[1:])
        self.version = run("--version").split()[1]
        listed = re.search(r"--device SEL: ((?:\w+, )+)", text)
        selectors = listed.group(1).strip(", ").split(", ") if listed else []
        names = re.findall(r"^  (\w[\w-]*) ", table, flags=re.M)
        self.commands = [Command(name, run(name, "--help"), selectors) for name in names]


def around(text, start):
    """The paragraphs before the first that begins with `start`, this one, those after it."""
    parts = text.rstrip("\n").split("\n\n")
    at = next(i for i, part in enumerate(parts) if part.startswith(start))
    return parts[:at], parts[at], parts[at + 1:]


def options(table):
    """(name, argument, text) of each option; the text may stand on the line below."""
    found = []
    for line in table.split("\n"):
        match = OPTION.match(line)
        if match:
            found.append([field or "" for field in match.groups()])
        elif found and line.startswith(" " * 20):
            found[-1][2] = f"{found[-1][2]} {line.strip()}".strip()
        else:
            raise ValueError(f"not the line of an option: {line!r}")
    return found
