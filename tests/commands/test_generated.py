"""One set of tests for each verb of the registry: words, keys, help, read-only, plans."""

from __future__ import annotations

import shlex
from importlib import import_module
from typing import Any

import pytest

from edgewright.cli.command_line import take
from edgewright.cli.main import choose
from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Command, Param, Refusal
from edgewright.commands.kernel.bindings import bindings
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.grammar import parse, parser_for
from edgewright.commands.kernel.line import command_line
from edgewright.commands.kernel.usage import usage
from edgewright.config.keymap import canonical
from edgewright.config.settings import Settings

ALL = registry.all_commands()
CLI = [c for c in ALL if c.cli]
EVERY = pytest.mark.parametrize("command", ALL, ids=lambda c: c.id())
ON_CLI = pytest.mark.parametrize("command", CLI, ids=lambda c: c.id())


def sample(param: Param) -> Any:
    """Return a value for a parameter that is not its default."""
    if param.kind == "flag":
        return True
    values: dict[str, Any] = {"int": 7, "span": 7200.0, "time": 1700000000.0}
    value = values.get(param.kind) or (param.choices[-1] if param.choices else "it's-a value")
    if param.many and param.choices:
        return [*param.choices[-2:]]
    return [value, value + "2"] if param.many and isinstance(value, str) else value


def full_args(command: type[Command]) -> dict[str, Any]:
    tail = {command.after_dashes: 'df -h / | tail -1; echo "it\'s"'} if command.after_dashes else {}
    return {param.name: sample(param) for param in command.params} | tail


def test_names_ids_and_aliases_are_unique() -> None:
    words = [word for c in ALL for word in (c.name, *c.aliases)]
    assert len(words) == len(set(words))
    assert len({c.id() for c in ALL}) == len(ALL)


@EVERY
def test_it_says_what_it_does(command: type[Command]) -> None:
    assert command.help().endswith("."), command.help()
    assert len(command.help()) <= 120
    assert command.title == command.title.strip() != ""


@EVERY
def test_it_has_a_key_or_a_reason(command: type[Command]) -> None:
    if command.console:
        assert command.keys or command.no_key.endswith(".")
    else:
        assert not command.keys and command.cli


@EVERY
def test_it_is_on_the_command_line_or_says_why(command: type[Command]) -> None:
    assert command.cli or command.no_cli.endswith(".")


@EVERY
def test_each_name_finds_it(command: type[Command]) -> None:
    for word in (command.name, command.id(), *command.aliases):
        assert registry.by_name(word) is command


def test_the_console_leaves_out_the_modules_without_a_verb_of_its_own() -> None:
    without = {m for modules in registry.NOUNS.values() for m in modules if not _console_verbs(m)}
    assert without == registry.COMMAND_LINE_MODULES
    scopes = {scope for command in ALL for scope in (command.scope, *command.also)}
    assert len(scopes) > 5
    assert {c for scope in scopes for c in registry.for_scope(scope)} == {c for c in ALL if c.console}


def _console_verbs(module: str) -> list[type[Command]]:
    return [c for c in import_module(f"edgewright.commands.{module}").COMMANDS if c.console]


def test_keys_do_not_collide_in_any_scope() -> None:
    for scope in ("pulse", "hosts", "host", "tokens", "feed", "installers"):
        taken: dict[str, str] = {}
        for binding in bindings():
            if scope in binding.scopes or "global" in binding.scopes:
                for key in map(canonical, binding.keys):
                    assert taken.setdefault(key, binding.id) == binding.id, (scope, key)


@ON_CLI
def test_its_words_lead_to_it(command: type[Command]) -> None:
    found, rest = choose(take([*command.name.split(), "x"]))
    assert found is command
    assert rest == ("x",)


@ON_CLI
def test_its_line_parses_back(command: type[Command]) -> None:
    if command.delegate:
        return
    args = full_args(command)
    targets: tuple[str, ...] = ()
    if command.target is not None:
        targets = ("edge-1",) if command.target.most == 1 else ("edge-1", "-odd uid")
    words = shlex.split(command_line(command, targets, args))
    found, rest = choose(take(words[1:]))
    assert found is command
    again, parsed = parse(command, rest)
    assert again == targets
    assert parsed == args


@ON_CLI
def test_its_usage_names_every_parameter(command: type[Command]) -> None:
    text = usage(command)
    assert text.startswith(f"edgewright {command.name}")
    assert all(param.flag in text for param in command.params)
    parser_for(command)


@EVERY
def test_read_only_refuses_what_changes_something(command: type[Command]) -> None:
    ctx = CommandContext(Settings(), read_only=True)
    few = command.target.least if command.target else 0
    verdict = registry.check(command, ctx, ["x"] * few)
    assert isinstance(verdict, Refusal) == (command.danger != "none")
    if isinstance(verdict, Refusal):
        assert verdict.reason.endswith(".") and "read-only" in verdict.reason


@EVERY
def test_it_wants_its_targets(command: type[Command]) -> None:
    if command.target is not None and command.target.least:
        assert isinstance(registry.check(command, CommandContext(Settings()), []), Refusal)
    if command.target is not None and command.target.most == 1:
        assert isinstance(registry.check(command, CommandContext(Settings()), ["a", "b"]), Refusal)


@EVERY
def test_what_changes_something_has_a_plan_of_its_own(command: type[Command]) -> None:
    if command.danger != "none" and not command.action:  # a verb with an action runs one that has a plan
        assert registry.acting(command).plan is not Command.plan


def test_each_noun_of_the_design_is_there_or_told() -> None:
    design = "context hub token host profile cluster event audit forge site agent apply render record replay demo lab"
    for noun in [*design.split(), "config", "check"]:
        assert noun in registry.NOUNS or noun in registry.LATER


@pytest.mark.parametrize("command", [c for c in registry.all_commands() if c.implementation], ids=lambda c: c.id())
def test_a_declaration_and_its_action_are_one_verb(command: type[Command]) -> None:
    action = registry.acting(command)
    assert issubclass(action, command) and action.name == command.name and action.params == command.params
    assert registry.acting(action) is action
    assert not vars(command).keys() & {"plan", "apply"}, "what it does belongs to its implementation"


@pytest.mark.parametrize("command", [c for c in ALL if c.console and c.name.endswith(" list")], ids=lambda c: c.id())
def test_the_plural_of_a_noun_opens_its_list(command: type[Command]) -> None:
    """`:keys` opened the help, `:users` the users."""
    noun = command.name.rpartition(" ")[0].rpartition(" ")[2]
    words = [noun + "s", *([command.opens] if command.opens else [])]
    found = {word: verb for word in words if (verb := registry.by_name(word)) is not None}
    assert found, "none of them is a word of the console"
    assert {word: verb.opens for word, verb in found.items()} == dict.fromkeys(found, command.opens)
