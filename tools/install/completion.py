# SPDX-License-Identifier: MIT
"""Completion for a shell, from what the command says of itself.

usage: completion.py bash|zsh|fish CLRNN OUTPUT
"""
import sys

sys.dont_write_bytecode = True
import helptext  # noqa: E402

MADE = "# SPDX-License-Identifier: MIT\n# made by tools/install/completion.py from clrnn --help\n"

# Options whose value is not a file complete nothing; where a file may stand COMPREPLY stays empty,
# and readline's own completion of names comes in.
BASH = """
_clrnn()
{
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} option= words= at
    COMPREPLY=()
    [ "$word" != = ] || word=
    if [ "$COMP_CWORD" = 1 ]; then
        words="@COMMANDS@ --help --version"
    elif [[ $word == -* ]]; then
        case $command in
@OPTIONS@
        esac
    else
        # What the word belongs to: the nearest option before it; "more" if it is not its first.
        for ((at = COMP_CWORD - 1; at > 1; at--)); do
            [[ ${COMP_WORDS[at]} != --* ]] || break
        done
        if [ "$at" -gt 1 ]; then
            option=${COMP_WORDS[at]}
            [ "${COMP_WORDS[at + 1]}" != = ] || ((at++))
            [ "$((COMP_CWORD - at))" -le 1 ] || option+=" more"
        fi
        case "$command $option" in
@VALUES@
        *) return ;;
        esac
    fi
    compopt +o default 2>/dev/null
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _clrnn clrnn
"""


def bash(whole):
    options, values = [], []
    for c in whole.commands:
        options.append(f'        {c.name}) words="' + " ".join(f"--{o.name}" for o in c.options)
                       + '" ;;')
        for o in c.options:
            if o.argument and not o.is_file:
                more = f' | "{c.name} --{o.name} more"' if o.many else ""
                values.append(f'        "{c.name} --{o.name}"{more}) words="{" ".join(o.words)}" ;;')
        if not c.takes_files:
            values.append(f'        "{c.name} ") ;;')
    return (BASH.replace("@COMMANDS@", " ".join(c.name for c in whole.commands))
            .replace("@OPTIONS@", "\n".join(options)).replace("@VALUES@", "\n".join(values)))


def zsh_text(text, special="[]:"):
    text = text.replace("\\", "\\\\")
    for letter in special:
        text = text.replace(letter, "\\" + letter)
    return text.replace("'", "'\\''")


def zsh_option(option):
    """A specification for _arguments. (Further values of a list are files like any others.)"""
    spec = f"{'*' if option.many else ''}--{option.name}{'=' if option.argument else ''}"
    spec += f"[{zsh_text(option.text)}]"
    if option.argument:
        action = "_files" if option.is_file else f"({' '.join(option.words)})"
        spec += f":{zsh_text(option.argument)}:{action if option.is_file or option.words else ' '}"
    return f"'{spec}'"


def zsh(whole):
    lines = ["_clrnn() {", "    local -a commands=("]
    lines += [f"        '{c.name}:{zsh_text(c.summary, '')}'" for c in whole.commands]
    lines += ["    )", "    if ((CURRENT == 2)); then",
              "        _describe -t commands command commands",
              "        _arguments : --help --version", "        return", "    fi",
              "    local command=$words[2]", "    shift words", "    ((CURRENT--))",
              "    case $command in"]
    for c in whole.commands:
        specs = [zsh_option(o) for o in c.options] + (["'*:file:_files'"] if c.takes_files else [])
        lines += [f"    {c.name})", "        _arguments : \\"]
        lines += [f"            {spec} \\" for spec in specs[:-1]]
        lines += [f"            {specs[-1]}", "        ;;"]
    lines += ["    esac", "}", '_clrnn "$@"']
    return "\n".join(lines) + "\n"


def fish_text(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish(whole):
    lines = ["complete -c clrnn -f"]
    for name, text in ("help", "what there is"), ("version", "the version"):
        lines.append(f"complete -c clrnn -n __fish_use_subcommand -l {name} -d {fish_text(text)}")
    for c in whole.commands:
        lines.append(f"complete -c clrnn -n __fish_use_subcommand -a {c.name} "
                     f"-d {fish_text(c.summary)}")
        own = f"complete -c clrnn -n '__fish_seen_subcommand_from {c.name}'"
        for o in c.options:
            value = " -r -F" if o.is_file else " -x" if o.argument else ""
            words = f" -a {fish_text(' '.join(o.words))}" if o.words else ""
            lines.append(f"{own} -l {o.name}{value}{words} -d {fish_text(o.text)}")
        if c.takes_files:
            lines.append(f"{own} -F")
    return "\n".join(lines) + "\n"


def main():
    shell, program, output = sys.argv[1:]
    whole = helptext.Help(program)
    first = "#compdef clrnn\n" if shell == "zsh" else ""
    text = {"bash": bash, "zsh": zsh, "fish": fish}[shell](whole)
    with open(output, "w", encoding="utf-8") as f:
        f.write(first + MADE + text)


main()
