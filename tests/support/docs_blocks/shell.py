"""What a shell block names, without running it: make targets, our commands and their options."""

import re
import shlex
from collections.abc import Iterator

import click

_OPERATORS = {";", "&&", "||", "|", "&", "(", ")", "{", "}"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_SUBSTITUTION = re.compile(r"\$\(([^()]*)\)")
_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
# Programs whose use needs no check beyond that the line is one.
PLAIN = {"cd", "export", "echo", "set", "source", "read"}
OURS = "media-gateway"


def commands_in(text: str) -> Iterator[list[str]]:
    """Yield the commands of a script as words, those inside ``$(...)`` too.

    Raises:
        ValueError: a quotation is not closed.
    """
    joined = re.sub(r"<<-?\s*'?(\w+)'?.*?^\s*\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    joined = joined.replace("\\\n", " ")
    for line in _lines(joined):
        yield from (words for inner in _SUBSTITUTION.findall(line) for words in commands_in(inner))
        yield from _split(_SUBSTITUTION.sub("SUBSTITUTED", line))


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of a script; a quotation may go over several."""
    begun = ""
    for line in text.splitlines():
        begun += ("\n" if begun else "") + line.removeprefix("$ ")
        try:
            shlex.split(begun, comments=True)
        except ValueError:
            continue
        yield begun
        begun = ""
    if begun:
        yield begun


def _split(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for token in lexer:
        if token in _OPERATORS:
            if words:
                yield words
            words = []
        elif words or not _ASSIGNMENT.match(token):
            words.append(token)
    if words:
        yield words


def shell_problems(text: str, makefile: str, root: click.Group, *, runs: bool) -> list[str]:
    """Return what is wrong with a script as far as it can be said without running it.

    Args:
        text: the script.
        makefile: text of the Makefile.
        root: our command tree.
        runs: it is also run; programs that cannot be checked here are no problem then.
    """
    problems = []
    try:
        commands = list(commands_in(text))
    except ValueError as error:
        return [str(error)]
    for words in commands:
        program = words[0].rpartition("/")[2]
        if program == "make":
            problems += make_problems(words[1:], makefile)
        elif program == OURS:
            problems += command_problems(words[1:], root)
        elif program not in PLAIN and not runs:
            problems.append(f"{program}: cannot be checked, so say how the block is run")
    return problems


def make_problems(words: list[str], makefile: str) -> list[str]:
    """Return targets that the Makefile lacks."""
    known = set(_TARGET.findall(makefile))
    wanted = [word for word in words if not word.startswith("-") and "=" not in word]
    return [f"make {word}: no such target" for word in wanted if word not in known]


def command_problems(words: list[str], root: click.Group) -> list[str]:
    """Return a command or options that do not exist."""
    command: click.Command = root
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        child = command.get_command(click.Context(command), name)
        if child is None:
            return [f"{OURS} {name}: no such command"]
        command = child
    known = {"--help"}
    for parameter in command.params:
        known |= {*parameter.opts, *parameter.secondary_opts}
    given = [word.partition("=")[0] for word in rest if word.startswith("--")]
    return [f"{OURS} ... {name}: no such option" for name in given if name not in known]
