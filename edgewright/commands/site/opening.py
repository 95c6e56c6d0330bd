"""From a target to a site for the console, over the same way as the other verbs of `site`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from edgewright.commands.site.connecting import Connecting, check
from edgewright.commands.site.fleet.noted import note_opened
from edgewright.commands.site.opened import HostConnection, Site
from edgewright.commands.site.recent import recent, remember
from edgewright.core.errors import EdgewrightError, InvalidInput, UsageError
from edgewright.core.text import clean

if TYPE_CHECKING:
    from edgewright.clients.ssh.auth.asking import Asker
    from edgewright.commands.kernel.context import CommandContext

HINT = "Name one: edgewright site open user@host"


def site_of(target: str, make_context: Callable[[], CommandContext]) -> Site:
    """Return a site that is not connected yet. Raises `InvalidInput` for a target that is none."""
    check(target)

    async def reach(asker: Asker) -> HostConnection:
        ctx = make_context()
        try:
            connection = await Connecting(ctx).reach(target, asker, site.place)
        except EdgewrightError:
            site.not_there()
            raise
        finally:
            await ctx.aclose()
        await asyncio.to_thread(remember, target)
        await asyncio.to_thread(note_opened, ctx.journal, target, connection.facts)
        return connection

    site = Site(target, reach)
    return site


def problem_of(target: str) -> str:
    """Return why a text is not a target, "" for one."""
    try:
        check(target)
    except InvalidInput as error:
        return f"{error.message} {error.hint}"
    return ""


def choose() -> str:
    """Return one of the targets that were opened last, chosen at the terminal.

    Raises `UsageError` where there is none or no terminal, `InvalidInput` for what is not a number of the list.
    """
    targets = recent()
    if not targets or sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("`site open` needs a target.", HINT, "NoTarget")
    for number, target in enumerate(targets, 1):
        print(f"{number:>3}  {clean(target)}", file=sys.stderr)  # noqa: T201
    print("Open which one? [none] ", end="", file=sys.stderr, flush=True)  # noqa: T201
    answer = sys.stdin.readline(16).strip()
    if not answer:
        raise UsageError("No site was chosen.", HINT, "NoTarget")
    if not (answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(targets)):
        raise InvalidInput(f"{clean(answer, 20)} is not one of 1 to {len(targets)}.", HINT)
    return targets[int(answer) - 1]
