"""The journal's two lines for a verb that changes something: what was about to be done, and what came of it."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import Command, Plan
from edgewright.config.locations import ensure, folder
from edgewright.core.errors import EdgewrightError, Failed
from edgewright.store.engine.journal import Journal

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.store.engine.journal import Journal


def open_journal() -> Journal:
    """Return the user's journal (`journal.jsonl` in the state folder)."""
    return Journal(ensure(folder("state")) / "journal.jsonl")


def user_here() -> str:
    """Return the name of the user who runs this, or the number of one without a name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def start(ctx: CommandContext, command: type[Command], plan: Plan) -> str:
    """Write the first line. Raises `Failed` when it cannot be written: nothing is done then."""
    assert ctx.journal is not None
    entry = {
        "title": plan.title,
        "lines": list(plan.lines),
        "cli": plan.cli,
        "context": ctx.context_name,
        "url": ctx.context.url if ctx.context else "",
        "actor": ctx.actor,
        "who": user_here(),
    }
    try:
        return ctx.journal.begin(command.name, plan.touches, entry)
    except OSError as error:
        raise Failed(
            f"The journal {ctx.journal.path} cannot be written ({error.strerror}), so nothing was done.",
            "Free space on the disk, or correct its permissions.",
        ) from None


def finish(
    ctx: CommandContext,
    entry: str,
    command: type[Command],
    *,
    done: Sequence[str],
    failed: Sequence[tuple[str, EdgewrightError]],
    note: str = "",
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write the second line; a disk that got full meanwhile leaves the entry open, which the next start reports."""
    assert ctx.journal is not None
    outcome: dict[str, Any] = {
        "done": list(done),
        "failed": [{"target": target, **error.as_dict()} for target, error in failed],
    }
    if facts:
        outcome["facts"] = dict(facts)
    if note:
        outcome["note"] = note
    try:
        ctx.journal.end(entry, outcome)
    except OSError:
        return
