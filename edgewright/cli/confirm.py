"""The plan of a verb on the command line: shown, and confirmed by the user or by --yes."""

from __future__ import annotations

import sys
from typing import Any

from edgewright.commands.kernel.base import Command, Plan
from edgewright.core.errors import Failed, UsageError
from edgewright.core.text import clean


def plan_text(plan: Plan) -> str:
    """Return a plan as text for the terminal."""
    lines = [clean(plan.title)]
    lines += [f"  {clean(line, 4096)}" for line in plan.lines]
    if plan.cannot_undo:
        lines.append(f"  Cannot be undone: {clean('; '.join(plan.cannot_undo), 4096)}.")
    lines.append(f"  Same as: {clean(plan.cli, 65536)}")
    return "\n".join(lines)


def document_of(plan: Plan) -> dict[str, Any]:
    """Return a plan as a program reads it."""
    return {
        "title": plan.title,
        "lines": list(plan.lines),
        "touches": list(plan.touches),
        "cannotUndo": list(plan.cannot_undo),
        "command": plan.cli,
    }


def ask(command: type[Command], plan: Plan, form: str = "table") -> None:
    """Show the plan and wait for the answer; no is the default. With `-o json` stderr stays JSON when there is none.

    Raises `Failed` when the user declines, `UsageError` when there is no terminal.
    """
    answers = sys.stdin is not None and sys.stdin.isatty()
    if answers or form != "json":
        print(plan_text(plan), file=sys.stderr)
    if not answers:
        raise UsageError(
            f"`{command.name}` needs confirmation, and there is no terminal to confirm it.",
            "Look at the plan with --plan, then add --yes.",
        )
    if plan.confirm_text:
        question = f"Type {clean(plan.confirm_text)} to continue, anything else to cancel: "
    else:
        question = "Continue? [y/N] "
    print(question, end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline().strip()
    wanted = [plan.confirm_text] if plan.confirm_text else ["y", "Y", "yes"]
    if answer not in wanted:
        raise Failed("Nothing was done.", code="Cancelled")
