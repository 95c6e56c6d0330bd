"""What is typed after `:`: a verb by name, id or alias, its targets and arguments; and what the text may become."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Command
from edgewright.commands.kernel.grammar import parse as parse_arguments
from edgewright.core.errors import UsageError
from edgewright.store.engine.model import Model
from edgewright.store.every import of_noun


class Typed(NamedTuple):
    """A verb that was typed, with the answer to it."""

    command: type[Command]
    targets: tuple[str, ...]
    args: dict[str, Any]
    rest: str
    """The words after the verb as they were typed: a view takes them as its filter."""


def verbs(scope: str = "") -> dict[str, type[Command]]:
    """Return the console's verbs by every word that names them, on a screen of `scope`."""
    matches: dict[str, type[Command]] = {}
    every = [command for command in registry.all_commands() if command.console]
    for command in every:
        for word, scopes in command.here:
            if scope in scopes:
                matches[word] = command
    for command in every:
        for word in (command.name, *command.aliases):
            matches.setdefault(word, command)
    return matches


def parse(text: str, model: Model, scope: str = "") -> Typed:
    """Return what was typed on a screen of `scope`.

    Raises `UsageError` naming the nearest verb, or what is wrong with the arguments.
    """
    text = text.strip().removeprefix(":").strip()
    named = verbs(scope)
    word = _verb_word(text, named)
    if word is None:
        near = nearest(text.split(" ", 1)[0], named)
        raise UsageError(f"There is no verb `{text}`.", f"Did you mean :{near}?" if near else "See: ? for all verbs.")
    command, rest = named[word], text[len(word) :].strip()
    if command.opens or command.action:
        if " --cluster" in f" {rest}" and (of_cluster := _of_cluster(word)) is not None:
            command = of_cluster
        rest = _without_kind(command, rest)
        _refuse_options(command, rest)
        return Typed(command, _uids(rest.split(), model, command), _view_args(command, rest), rest)
    try:
        parts = shlex.split(rest)
    except ValueError:
        raise UsageError("A quote is left open.", "Close it, or leave it off.") from None
    if not parts:
        return Typed(command, (), {}, "")
    targets, args = parse_arguments(command, parts)
    return Typed(command, _uids(targets, model, command), args, rest)


def _of_cluster(word: str) -> type[Command] | None:
    """Return the verb that a word means for one cluster: `events --cluster NAME` is not the feed of the plane."""
    return next((each for each in registry.all_commands() if word in dict(each.here)), None)


def _without_kind(command: type[Command], rest: str) -> str:
    """Return the words with a target alone in place of an option that names its kind: `--cluster NAME`."""
    if command.target is None:
        return rest
    option = f"--{command.target.kind}"
    return " ".join(word.removeprefix(f"{option}=") for word in rest.split() if word != option)


def _verb_word(text: str, named: Iterable[str]) -> str | None:
    fitting = [word for word in named if text == word or text.startswith(word + " ")]
    return max(fitting, key=len, default=None)


def _refuse_options(command: type[Command], rest: str) -> None:
    """Raise `UsageError` for an option of the command line: a view would open without it and not report that."""
    flags = {param.flag for param in command.params if param.flag.startswith("--")}
    given = next((word for word in rest.split() if word.partition("=")[0] in flags), "")
    if given and command.opens:
        option = given.partition("=")[0]
        hint = (
            f"Leave it off and see ? in the view for its keys, or run it in a shell: edgewright {command.name} {rest}"
        )
        raise UsageError(f"The view of `{command.name}` takes no {option}.", hint)


def _view_args(command: type[Command], rest: str) -> dict[str, Any]:
    positional = [param for param in command.params if not param.flag]
    return {positional[0].name: rest} if positional and rest else {}


def _uids(text: Sequence[str], model: Model, command: type[Command]) -> tuple[str, ...]:
    """Return uids for words that are names of what the verb works on; other words stay."""
    if command.target is None:
        return tuple(text)
    rows = rows_of(command.target.kind, model)
    often = Counter(row.name for row in rows.values())
    by_name = {row.name: uid for uid, row in rows.items() if often[row.name] == 1}
    return tuple(word if word in rows else by_name.get(word, word) for word in text)


def rows_of(kind: str, model: Model) -> Mapping[str, Any]:
    """Return the rows of the objects of a kind by uid; empty for those that have no name or are not in the store."""
    collection = of_noun(kind)
    named = collection is not None and "name" in collection.row.__struct_fields__
    return collection.of(model) if collection is not None and named else {}


def complete(text: str, model: Model, themes: Sequence[str] = ()) -> list[str]:
    """Return what the text may become, best first: verbs, then names of what the verb works on."""
    named = verbs()
    word = _verb_word(text, named)
    matches = [item for item in sorted(named) if item.startswith(text)]
    if word is None or text == word:
        return matches
    rest = text[len(word) :].lstrip()
    before, _, last = rest.rpartition(" ")
    lead = text[: len(text) - len(last)]
    command = named[word]
    names: Iterable[str] = ()
    if command.name == "theme":
        names = themes
    elif command.target is not None:
        rows = rows_of(command.target.kind, model)
        names = sorted(row.name for row in rows.values() if row.name.startswith(last))[:50]
    return matches + [lead + name for name in names if name.startswith(last) and name not in before.split()]


def nearest(word: str, named: Iterable[str]) -> str:
    """Return the verb that was most likely meant, `""` when none is near."""
    return next(iter(get_close_matches(word, list(named), 1, 0.6)), "")
