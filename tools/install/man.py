# SPDX-License-Identifier: MIT
"""The manual page clrnn(1), from what the command says of itself.

usage: man.py CLRNN OUTPUT
"""
import re
import sys

sys.dont_write_bytecode = True
import helptext  # noqa: E402


def escape(text):
    """Text that no line of it can be a request, with hyphens and quotes as they are typed."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq")
    return re.sub(r"^\.", r"\\&.", text, flags=re.M)


def as_it_is(paragraphs):
    """Paragraphs whose lines and columns are kept."""
    if not paragraphs:
        return []
    return [".PP", ".nf", *escape("\n\n".join(paragraphs)).split("\n"), ".fi"]


def tagged(tag, text):
    """An entry of a list; a text that is missing leaves none."""
    return [".TP", tag, escape(text) or "\\ "]


def option_tag(option):
    argument = f" \\fI{escape(option.argument)}\\fR" if option.argument else ""
    return f"\\fB\\-\\-{escape(option.name)}\\fR{argument}"


def section(command):
    lines = [f".SH \"CLRNN {escape(command.name).upper()}\"", ".PP",
             f"\\fBclrnn\\fR {escape(command.usage)}", ".PP", escape(command.summary)]
    for option in command.options:
        lines += tagged(option_tag(option), option.text)
    return lines + as_it_is(command.details)


def page(whole):
    about = whole.about[0].lower() + whole.about[1:].rstrip(".")
    lines = ['.\\" made by tools/install/man.py from clrnn --help',
             f'.TH CLRNN 1 "" "clrnn {whole.version}" "User Commands"', ".SH NAME",
             f"clrnn \\- {escape(about)}",
             ".SH SYNOPSIS", f"\\fBclrnn\\fR {escape(whole.usage)}",
             ".SH DESCRIPTION", escape(whole.about)]
    for command in whole.commands:
        lines += tagged(f"\\fB{escape(command.name)}\\fR", command.summary)
    lines += as_it_is(whole.notes)
    for command in whole.commands:
        lines += section(command)
    return "\n".join(lines) + "\n"


def main():
    program, output = sys.argv[1:]
    text = page(helptext.Help(program))
    with open(output, "w", encoding="utf-8") as f:
        f.write(text)


main()
