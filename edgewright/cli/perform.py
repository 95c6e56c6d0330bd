"""One verb on the command line from check to exit code."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from edgewright.cli import confirm, errors
from edgewright.cli.output import as_json, as_yaml, print_text, render, stream_line
from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Command, Outcome, Plan, Refusal
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Listing, Printed, Stream
from edgewright.config import contexts
from edgewright.config.settings import Settings
from edgewright.core.errors import ExitCode, Refused

Special = Callable[["CommandContext", "dict[str, Any]", str], int]
"""A verb that only the composition root can run: gets context, arguments and the form of the output."""


def perform_in_loop(
    command: type[Command],
    settings: Settings,
    targets: Sequence[str],
    args: dict[str, Any],
    options: dict[str, str],
    form: str,
    special: Special | None,
) -> int:
    """Make what the verb works with, and run it; return its exit code. Raises `EdgewrightError`."""
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
    if command.danger != "none" or command.journalled:
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


async def perform(
    command: type[Command],
    ctx: CommandContext,
    targets: Sequence[str],
    args: Mapping[str, Any],
    options: Mapping[str, str],
    form: str,
) -> int:
    """Check, plan, ask if it is dangerous, do it, print. Raises `EdgewrightError`."""
    try:
        only_plan = "plan" in options
        verdict = registry.check(command, ctx, targets)
        if isinstance(verdict, Refusal) and not (only_plan and ctx.read_only):
            raise Refused(verdict.reason, verdict.hint)
        plan = await registry.acting(command)().plan(ctx, targets, args)
        if only_plan:
            _show_plan(plan, form, ascii_only=ctx.settings.ascii is True)
            return 0
        if command.danger == "destructive" and "yes" not in options and not plan.nothing:
            confirm.ask(command, plan, form)
        report = _reporter(command, plan, form)
        with _stoppable(command):
            outcome = await registry.run(command, ctx, targets, args, plan=plan, report=report)
        return await _print(command, outcome, form, ascii_only=ctx.settings.ascii is True)
    finally:
        await ctx.aclose()


def _stoppable(command: type[Command]) -> contextlib.AbstractContextManager[None]:
    """Let SIGTERM end long work as Ctrl-C does; a short verb is ended by it at once."""
    if not command.shows_progress:
        return contextlib.nullcontext()
    from edgewright.commands.forge.background import terminated_is_cancelled

    return terminated_is_cancelled()


def _show_plan(plan: Plan, form: str, *, ascii_only: bool) -> None:
    document = confirm.document_of(plan)
    if form == "json":
        text = as_json(document)
    elif form == "yaml":
        text = as_yaml(document)
    else:
        text = confirm.plan_text(plan)
    print_text(text, ascii_only=ascii_only)


def _reporter(command: type[Command], plan: Plan, form: str) -> Any:
    """Return what takes progress lines: stderr, where they add to the result."""
    many = len(plan.touches) > 1 and command.danger != "none"
    waits = command.name in ("host logs", "config validate")
    if form in ("table", "wide") and (many or waits or command.shows_progress):
        return _report
    return lambda line: None


def _report(line: str) -> None:
    print_text(line, error=not isinstance(line, Printed))
    if isinstance(line, Printed):
        sys.stdout.flush()


async def _print(command: type[Command], outcome: Outcome, form: str, *, ascii_only: bool) -> int:
    if isinstance(outcome.result, Stream):
        return await _print_stream(outcome.result, form, ascii_only=ascii_only)
    if outcome.result is not None:
        text = render(outcome.result, form)
        if text:
            print_text(text, ascii_only=ascii_only)
        if isinstance(outcome.result, Listing) and form in ("table", "wide"):
            for line in (outcome.result.note, "" if outcome.result.items else outcome.result.empty):
                if line:
                    print_text(line, ascii_only=ascii_only, error=True)
        if outcome.message and form in ("table", "wide"):
            print_text(outcome.message, ascii_only=ascii_only, error=True)
    elif form in ("json", "yaml"):
        reported = {
            "done": list(outcome.done),
            "failed": [{"target": target, **error.as_dict()} for target, error in outcome.failed],
            "message": outcome.message,
        }
        print_text(as_json(reported) if form == "json" else as_yaml(reported))
    elif form == "name":
        if outcome.done:
            print_text("\n".join(outcome.done))
    elif outcome.message:
        print_text(outcome.message, ascii_only=ascii_only)
    return _code(outcome, form)


async def _print_stream(stream: Stream, form: str, *, ascii_only: bool) -> int:
    async with aclosing(stream.items) as items:  # type: ignore[type-var]
        async for item in items:
            print_text(stream_line(item, stream.widths, form), ascii_only=ascii_only)
            sys.stdout.flush()
    return 0


def _code(outcome: Outcome, form: str) -> int:
    """Return the exit code: 130 where the user stopped it, that of the failures when they agree, else 1."""
    if not outcome.failed:
        return 0
    codes = {int(error.exit_code) for _, error in outcome.failed}
    for _, error in outcome.failed[:20]:
        errors.report_error(error, form)
    if ExitCode.INTERRUPTED in codes:
        return int(ExitCode.INTERRUPTED)
    return codes.pop() if len(codes) == 1 else 1
