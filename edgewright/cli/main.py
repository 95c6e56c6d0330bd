"""The command line: words to a verb, its result to text. It knows verbs by the registry only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from edgewright import __version__
from edgewright.cli.command_line import CommandLine, take
from edgewright.commands.kernel.base import Command
from edgewright.commands.kernel.registry import LATER, LATER_VERBS, NOUNS, for_noun
from edgewright.core import program_files
from edgewright.core.errors import Refused, UsageError

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext

Special = Callable[["CommandContext", "dict[str, Any]", str], int]
"""A verb that only the composition root can run: gets context, arguments and the form of the output."""


def run(
    argv: Sequence[str],
    special: Callable[[str], Special | None] = lambda name: None,
    delegate: Callable[[str, list[str]], int] | None = None,
) -> int:
    """Run one command line and return its exit code; nothing is raised.

    `special` gives what runs the verbs of the console (`render`, `demo` ...); `delegate` runs the module that a verb
    names.
    """
    form = "table"
    try:
        arguments = take(argv)
        form = arguments.options.get("output", form)
        return _run(arguments, special, delegate)
    except BaseException as error:
        if program_files.was_updated(error):  # what reports other errors may not be there either
            print(program_files.UPDATED, file=sys.stderr)
            return 1
        from edgewright.cli.errors import end

        return end(error, argv, form)


def _run(
    arguments: CommandLine,
    special: Callable[[str], Special | None],
    delegate: Callable[[str, list[str]], int] | None,
) -> int:
    if arguments.version:
        print(f"edgewright {__version__}")
        return 0
    if not arguments.noun:
        if arguments.stray:
            raise UsageError(f"There is no option {arguments.stray}.", "See: edgewright --help")
        print(_help().overview())
        return 0
    command, rest = choose(arguments)
    if command is None:
        print(_help().of_noun(arguments.noun, " ".join(arguments.rest)))
        return 0
    if arguments.stray and not arguments.help:
        raise UsageError(f"There is no option {arguments.stray}.", f"See: edgewright {command.name} --help")
    arguments, rest = _out(command, arguments, rest)
    if command.delegate and delegate is not None:
        return delegate(command.delegate, _delegated(command, arguments))
    if arguments.help:
        print(_help().of_verb(command))
        return 0
    from edgewright.cli.execute import execute

    return execute(command, rest, arguments.options, special(command.name))


def _help() -> Any:
    """Return the module of the help pages: a verb that runs does not load it."""
    from edgewright.cli import help as pages

    return pages


def _out(command: type[Command], arguments: CommandLine, rest: tuple[str, ...]) -> tuple[CommandLine, tuple[str, ...]]:
    """Give `-o FILE` to a verb that writes a file; to any other it is a form of output that it cannot print."""
    options = dict(arguments.options)
    if "out" not in options:
        return arguments, rest
    value = options.pop("out")
    if any(param.flag == "--out" for param in command.params):
        rest = (f"--out={value}", *rest)
    else:
        options["output"] = value
    return arguments._replace(options=options), rest


def _renamed(parts: CommandLine) -> CommandLine:
    """Take a noun of 0.1.0 by its present name, with a note on stderr; the old one is removed in the next release."""
    if parts.noun == "forge" and parts.rest[:1] == ("builds",):
        print("Note: `forge builds` is `build` now; the old name works in this release only.", file=sys.stderr)
        return parts._replace(noun="build", rest=parts.rest[1:])
    return parts


def choose(arguments: CommandLine) -> tuple[type[Command] | None, tuple[str, ...]]:
    """Return the verb and the words after it; None for the help of a noun or a word below it. Raises `UsageError`."""
    from edgewright.config.nearest import suggestion

    arguments = _renamed(arguments)
    noun = arguments.noun
    if noun in LATER:
        raise UsageError(f"{LATER[noun]} not in this version yet.", "See what is: edgewright --help", "NotYet")
    if noun not in NOUNS:
        raise UsageError(f"There is no `{noun}`{suggestion(noun, NOUNS)}.", "See: edgewright --help")
    commands = {c.name: c for c in for_noun(noun) if c.cli}
    if noun in commands:
        return commands[noun], arguments.rest
    if not arguments.rest:
        if arguments.help:
            return None, ()
        names = ", ".join(name.split(" ", 1)[1] for name in commands)
        raise UsageError(f"`{noun}` needs a verb: {names}.", f"See: edgewright {noun} --help")
    longer = " ".join((noun, *arguments.rest[:2]))
    if longer in commands:
        return commands[longer], arguments.rest[2:] if len(arguments.rest) > 1 else arguments.rest[1:]
    name = f"{noun} {arguments.rest[0]}"
    if name in LATER_VERBS:
        raise UsageError(f"{LATER_VERBS[name]} not in this version yet.", f"See: edgewright {noun} --help", "NotYet")
    if name not in commands:
        below = [known.removeprefix(f"{name} ") for known in commands if known.startswith(f"{name} ")]
        if below:
            given = arguments.rest[1] if len(arguments.rest) > 1 else ""
            if arguments.help and not given:
                return None, ()
            near = suggestion(given, below) if given else ""
            reported = (
                f"There is no `{name} {given}`{near}." if given else f"`{name}` needs a verb: {', '.join(below)}."
            )
            raise UsageError(reported, f"See: edgewright {noun} --help")
        verbs = [known.split(" ", 1)[1] for known in commands]
        near = suggestion(arguments.rest[0], verbs)
        raise UsageError(f"There is no `{name}`{near}.", f"See: edgewright {noun} --help")
    return commands[name], arguments.rest[1:]


def _delegated(command: type[Command], arguments: CommandLine) -> list[str]:
    """Return the words for a program of its own; no global option is ignored silently.

    `--yes` is met as it is, since none of these verbs asks. Raises `UsageError`, and `Refused` for `--read-only`.
    """
    if "read-only" in arguments.options and command.writes and not arguments.help:
        raise Refused(f"This session is read-only, so `{command.name}` is refused.", "Run it without --read-only.")
    extra = [] if "output" not in arguments.options else ["-o", arguments.options["output"]]
    for name in arguments.options:
        if name in command.takes:
            extra.append(f"--{name}")
        elif name not in ("output", "yes", "read-only", "ascii", "lines", "last-frame"):
            raise UsageError(f"`{command.name}` has no option --{name}.", f"See: edgewright {command.name} --help")
    extra += ["--help"] if arguments.help else []
    return [*arguments.rest, *extra, *_own_hub(command, arguments)]


def _own_hub(command: type[Command], arguments: CommandLine) -> list[str]:
    """Return the words for the data directory of the hub that the guide started, where the command names none."""
    if not command.own_hub or arguments.help or any(word.partition("=")[0] == "--data" for word in arguments.rest):
        return []
    from edgewright.config import locations

    data = locations.folder("data") / "hub"
    return ["--data", str(data)] if (data / "hub.lock").exists() else []


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
