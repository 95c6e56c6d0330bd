"""What this console did on a host before, from the user's journal, for its support bundle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from edgewright.clients.ssh.target import short_name
from edgewright.commands.kernel.journal import open_journal
from edgewright.core import times
from edgewright.core.redaction.stream import Redactor

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext

MOST = 500
"""Newest entries."""


def history(ctx: CommandContext, target: str, host: str) -> bytes:
    """Return the entries about a host as JSON lines without secrets, oldest first; b"" where there is none.

    `target` is what was typed, `host` the name that the host has of itself.
    """
    names = {target, short_name(target), short_name(target).partition(":")[0], host} - {""}
    try:
        entries = (ctx.journal or open_journal()).entries()
    except OSError:
        return b""
    lines = []
    for entry in [entry for entry in entries if names.intersection((*entry.targets, *_plan_names(entry.plan)))][-MOST:]:
        lines.append(
            {
                "command": entry.command,
                "targets": entry.targets,
                "began": times.rfc3339(entry.begun),
                "ended": times.rfc3339(entry.ended) if entry.ended else None,
                "title": str(entry.plan.get("title", "")),
                "cli": str(entry.plan.get("cli", "")),
                "outcome": entry.outcome,
            }
        )
    redactor = Redactor()
    text = "".join(json.dumps(line, ensure_ascii=False, default=str) + "\n" for line in lines).encode()
    return redactor.feed(text) + redactor.finish()


def _plan_names(plan: dict[str, object]) -> list[str]:
    """Return the names of hosts in a plan: targets may be uids, and the command line has names."""
    return str(plan.get("cli", "")).split()[:60]
