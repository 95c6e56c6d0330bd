"""The command line: words to a verb, its result to text. It knows verbs by the registry only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from edgewright.cli.words import Words, take
from edgewright.commands.kernel.base import Command
from edgewright.commands.kernel.registry import LATER, LATER_VERBS, NOUNS, for_noun
from edgewright.core.errors import UsageError

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.config.settings import Settings

Special = Callable[["CommandContext", "dict[str, Any]", str], int]
"""A verb that only the composition root can run: gets context, arguments and the form of the output."""


def run(
    argv: Sequence[str],
    special: Callable[[str], Special | None] = lambda name: None,
    delegate: Callable[[str, list[str]], int] | None = None,
) -> int:
    """Run one command line and return its exit code; nothing is raised.

    `special` gives what runs `render`, `record`, `replay` and `demo`; `delegate` runs the module that a verb names.
    """
    form = "table"
    try:
        words = take(argv)
        form = words.options.get("output", form)
        return _run(words, special, delegate)
    except BaseException as error:
        from edgewright.cli.errors import end

        return end(error, argv, form)


def _run(
    words: Words,
    special: Callable[[str], Special | None],
    delegate: Callable[[str, list[str]], int] | None,
) -> int:
    if words.version:
        from edgewright import __version__

        print(f"edgewright {__version__}")
        return 0
    if not words.noun:
        if words.stray:
            raise UsageError(f"There is no option {words.stray}.", "See: edgewright --help")
        from edgewright.cli import help as words_of

        print(words_of.overview())
        return 0
    command, rest = choose(words)
    if command is None:
        from edgewright.cli import help as words_of

        print(words_of.of_noun(words.noun, " ".join(words.rest)))
        return 0
    if words.stray and not words.help:
        raise UsageError(f"There is no option {words.stray}.", f"See: edgewright {command.name} --help")
    words, rest = _out(command, words, rest)
    if command.delegate and delegate is not None:
        return delegate(command.delegate, _delegated(command, words))
    if words.help:
        from edgewright.cli import help as words_of

        print(words_of.of_verb(command))
        return 0
    return _perform(command, rest, words.options, special(command.name))


def _out(command: type[Command], words: Words, rest: tuple[str, ...]) -> tuple[Words, tuple[str, ...]]:
    """Give `-o FILE` to a verb that writes a file; to any other it is a form of output that it cannot print."""
    options = dict(words.options)
    if "out" not in options:
        return words, rest
    value = options.pop("out")
    if any(param.flag == "--out" for param in command.params):
        rest = (f"--out={value}", *rest)
    else:
        options["output"] = value
    return words._replace(options=options), rest


def _renamed(words: Words) -> Words:
    """Take a noun of 0.1.0 by its present name, with a note on stderr; the old one is removed in the next release."""
    if words.noun == "forge" and words.rest[:1] == ("builds",):
        print("Note: `forge builds` is `build` now; the old name works in this release only.", file=sys.stderr)
        return words._replace(noun="build", rest=words.rest[1:])
    return words


def choose(words: Words) -> tuple[type[Command] | None, tuple[str, ...]]:
    """Return the verb and the words after it; None for the help of a noun or a word below it. Raises `UsageError`."""
    from edgewright.config.nearest import suggestion

    words = _renamed(words)
    noun = words.noun
    if noun in LATER:
        raise UsageError(f"{LATER[noun]} not in this version yet.", "See what is: edgewright --help", "NotYet")
    if noun not in NOUNS:
        raise UsageError(f"There is no `{noun}`{suggestion(noun, NOUNS)}.", "See: edgewright --help")
    commands = {c.name: c for c in for_noun(noun) if c.cli}
    if noun in commands:
        return commands[noun], words.rest
    if not words.rest:
        if words.help:
            return None, ()
        names = ", ".join(name.split(" ", 1)[1] for name in commands)
        raise UsageError(f"`{noun}` needs a verb: {names}.", f"See: edgewright {noun} --help")
    longer = " ".join((noun, *words.rest[:2]))
    if longer in commands:
        return commands[longer], words.rest[2:] if len(words.rest) > 1 else words.rest[1:]
    name = f"{noun} {words.rest[0]}"
    if name in LATER_VERBS:
        raise UsageError(f"{LATER_VERBS[name]} not in this version yet.", f"See: edgewright {noun} --help", "NotYet")
    if name not in commands:
        below = [known.removeprefix(f"{name} ") for known in commands if known.startswith(f"{name} ")]
        if below:
            given = words.rest[1] if len(words.rest) > 1 else ""
            if words.help and not given:
                return None, ()
            near = suggestion(given, below) if given else ""
            told = f"There is no `{name} {given}`{near}." if given else f"`{name}` needs a verb: {', '.join(below)}."
            raise UsageError(told, f"See: edgewright {noun} --help")
        verbs = [known.split(" ", 1)[1] for known in commands]
        near = suggestion(words.rest[0], verbs)
        raise UsageError(f"There is no `{name}`{near}.", f"See: edgewright {noun} --help")
    return commands[name], words.rest[1:]


def _delegated(command: type[Command], words: Words) -> list[str]:
    """Return the words for a program of its own; no global option is ignored silently.

    `--yes` is met as it is, since none of these verbs asks. Raises `UsageError`, and `Refused` for `--read-only`.
    """
    if "read-only" in words.options and command.writes and not words.help:
        from edgewright.core.errors import Refused

        raise Refused(f"This session is read-only, so `{command.name}` is refused.", "Run it without --read-only.")
    extra = [] if "output" not in words.options else ["-o", words.options["output"]]
    for name in words.options:
        if name in command.takes:
            extra.append(f"--{name}")
        elif name not in ("output", "yes", "read-only", "ascii", "lines", "last-frame"):
            raise UsageError(f"`{command.name}` has no option --{name}.", f"See: edgewright {command.name} --help")
    extra += ["--help"] if words.help else []
    return [*words.rest, *extra, *_own_hub(command, words)]


def _own_hub(command: type[Command], words: Words) -> list[str]:
    """Return the words for the data directory of the hub that the guide started, where the command names none."""
    if not command.own_hub or words.help or any(word.partition("=")[0] == "--data" for word in words.rest):
        return []
    from edgewright.config import locations

    data = locations.folder("data") / "hub"
    return ["--data", str(data)] if (data / "hub.lock").exists() else []


def _perform(command: type[Command], rest: Sequence[str], options: dict[str, str], special: Special | None) -> int:
    from edgewright.commands.kernel.grammar import parse

    targets, args = parse(command, rest)
    settings = settings_of(options, strict=command.name != "config validate")
    given = options.get("output", "")
    form = given or (settings.output if command.outputs[0] == "table" else command.outputs[0])
    if form not in command.outputs:
        raise UsageError(
            f"`{command.name}` cannot print {form!r}.", f"Take -o {'|'.join(command.outputs)}", code="UnknownOutput"
        )
    ctx = make_context(command, settings, options)
    if special is not None:
        return special(ctx, args, form)
    import asyncio

    from edgewright.cli.perform import perform

    return asyncio.run(perform(command, ctx, targets, args, options, form))


def settings_of(options: dict[str, str], *, strict: bool) -> Settings:
    """Return the settings with the global options over them. Raises `UsageError`, `InvalidInput`."""
    from edgewright.config import settings

    found = settings.load() if strict else settings.examine()[0]
    timeout = None
    if "timeout" in options:
        try:
            timeout = settings.convert("timeout", options["timeout"].removesuffix("s"))
        except ValueError as error:
            raise UsageError(f"--timeout: {error}.", "Give seconds, e.g. --timeout 30") from None
    return found.changed(
        "option",
        timeout=timeout,
        read_only=True if "read-only" in options else None,
        ascii=True if "ascii" in options else None,
        lines=True if "lines" in options else None,
        last_frame=True if "last-frame" in options else None,
    )


def make_context(command: type[Command], settings: Settings, options: dict[str, str]) -> CommandContext:
    """Return what the verb works with. Raises `NotFound` for a context that is not there."""
    from edgewright.commands.kernel.context import CommandContext

    context = None
    if command.online or "context" in options:
        from edgewright.config import contexts

        context = contexts.load().choose(options.get("context", ""))
    journal = None
    if command.danger != "none":
        from edgewright.commands.kernel.journal import open_journal

        journal = open_journal()
    return CommandContext(
        settings,
        context=context,
        project=options.get("project", ""),
        read_only=settings.read_only or (context is not None and context.read_only),
        timeout=settings.timeout,
        journal=journal,
        actor="cli",
    )


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
