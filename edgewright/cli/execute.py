"""A verb that was chosen: its words parsed, its settings made, then its quick way, or all that it needs, and run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from edgewright.cli.global_options import settings_of
from edgewright.cli.output import print_text
from edgewright.commands.kernel.base import Command
from edgewright.commands.kernel.grammar import parse
from edgewright.config import contexts
from edgewright.core.errors import UsageError

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.commands.kernel.results import Quick
    from edgewright.config.settings import Settings

Special = Callable[["CommandContext", "dict[str, Any]", str], int]
"""A verb that only the composition root can run: gets context, arguments and the form of the output."""
Perform = Callable[..., int]
_PLAIN = frozenset({"context", "project", "timeout", "read-only", "ascii"})
"""Global options that a quick way knows."""


def execute(command: type[Command], rest: Sequence[str], options: dict[str, str], special: Special | None) -> int:
    """Run one verb with the words after it; return its exit code. Raises `EdgewrightError`."""
    targets, args = parse(command, rest)
    settings = settings_of(options, strict=command.name != "config validate")
    given = options.get("output", "")
    form = given or (settings.output if command.outputs[0] == "table" else command.outputs[0])
    if form not in command.outputs:
        raise UsageError(
            f"`{command.name}` cannot print {form!r}.", f"Take -o {'|'.join(command.outputs)}", code="UnknownOutput"
        )
    if command.quick and form == "table" and options.keys() <= _PLAIN:
        answer = _quick(command, targets[0], args, settings, options)
        if answer is not None:
            return _show(answer, ascii_only=settings.ascii is True)
    perform: Perform = import_module("edgewright.cli.perform").perform_in_loop  # loads what a quick way does without
    return perform(command, settings, targets, args, options, form, special)


def _quick(
    command: type[Command], target: str, args: dict[str, Any], settings: Settings, options: dict[str, str]
) -> Quick | None:
    """Return what the quick way of a verb prints, None where it goes the ordinary one."""
    context = contexts.load().choose(options.get("context", ""))
    module = import_module(f"edgewright.commands.{command.quick}")
    answer: Quick | None = module.run(context, options.get("project", ""), target, args, settings.timeout)
    return answer


def _show(answer: Quick, *, ascii_only: bool) -> int:
    if answer.text:
        print_text(answer.text.removesuffix("\n"), ascii_only=ascii_only)
    if answer.note:
        print_text(answer.note, ascii_only=ascii_only, error=True)
    return 0
