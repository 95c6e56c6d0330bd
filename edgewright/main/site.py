"""`site open`: connect in the plain terminal, then the console on that site, in one event loop."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from edgewright.commands.site.opening import choose, site_of
from edgewright.commands.site.terminal import asker
from edgewright.config import contexts
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean
from edgewright.main.console import check_terminal, open_console

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext


def site_open(ctx: CommandContext, args: dict[str, Any], form: str) -> int:
    """Open a site and then the console on it. Raises `EdgewrightError` with the exit codes of `site check`."""
    check_terminal()
    if ctx.context is None:
        ctx.context = _context()
    target = str(args.get("target") or "") or choose()
    site = site_of(target, lambda: ctx)
    if sys.stderr.isatty():
        print(f"Connecting to {clean(target)}. Ctrl-C ends this.", file=sys.stderr, flush=True)  # noqa: T201
    with asyncio.Runner() as runner:
        runner.run(site.connect(asker()))
        try:
            return open_console(ctx.settings, ctx.context, ctx.project, site=site, loop=runner.get_loop())
        finally:
            runner.run(site.aclose())


def _context() -> Any:
    """Return the context in use, None where there is none: a site needs no plane, nor a file of contexts in order."""
    try:
        return contexts.load().choose()
    except EdgewrightError:
        return None
