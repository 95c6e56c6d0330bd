"""A verb that was chosen: its words parsed, its settings and context made, then run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from edgewright.cli.global_options import settings_of
from edgewright.cli.perform import perform
from edgewright.commands.kernel.base import Command
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.grammar import parse
from edgewright.config import contexts
from edgewright.config.settings import Settings
from edgewright.core.errors import UsageError

Special = Callable[["CommandContext", "dict[str, Any]", str], int]
"""A verb that only the composition root can run: gets context, arguments and the form of the output."""


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
    ctx = make_context(command, settings, options)
    if special is not None:
        return special(ctx, args, form)
    return asyncio.run(perform(command, ctx, targets, args, options, form))


def make_context(command: type[Command], settings: Settings, options: dict[str, str]) -> CommandContext:
    """Return what the verb works with. Raises `NotFound` for a context that is not there."""
    context = None
    if command.online or "context" in options:
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
