"""A support bundle of an open site: where and to whom it goes is asked, its progress is shown, and it can continue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Outcome
from edgewright.commands.site.fleet.unfinished import unfinished
from edgewright.commands.site.open_verbs import SiteBundle
from edgewright.commands.site.opened import Site
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean
from tui.modals.confirm import ConfirmModal
from tui.modals.form import Field, FormModal
from tui.modals.run import RunModal


async def make_bundle(screen: Any, site: Site) -> None:
    """Ask, show the plan, read the host; `screen` announces what came of it."""
    app, session = screen.app, screen.session
    context = session.make_context()
    context.read_only = context.read_only or session.read_only
    try:
        planned = await _planned(app, context, site)
        if planned is None:
            return
        args, plan = planned
        if not await app.ask(ConfirmModal(plan, "write")):
            screen.announce_here(f"{plan.title}: cancelled, nothing was read.", "info")
            return

        async def apply(report: Callable[[str], None]) -> Outcome:
            return await registry.run(SiteBundle, context, (), {**args, "site": site}, plan=plan, report=report)

        outcome = await app.ask(RunModal(plan.title, apply, stay=True))
        wanted = plan.payload[0][0]
        if outcome is not None:
            screen.announce_here(f"The bundle of {site.target} is {wanted.out}", "ok")
        elif await asyncio.to_thread(wanted.folder.exists):
            screen.announce_here(f"What was read is in {wanted.folder}; the same key continues it.", "warn")
    finally:
        await context.aclose()


async def _planned(app: Any, context: Any, site: Site) -> tuple[dict[str, Any], Any] | None:
    """Return arguments and plan, None where the user left the form."""
    answers: dict[str, str] = {"out": str(Path.cwd())}
    problem = ""
    answers["resume"] = await unfinished(Path.cwd(), site.target)
    while True:
        fields = _fields(answers)
        given = await app.ask(
            FormModal(f"Support bundle of {clean(site.target, 80)}", fields, go="Plan", problem=problem)
        )
        if given is None:
            return None
        answers = dict(given)
        args: dict[str, Any] = {
            "hosts": [site.target], "recipients": answers["recipients"].split("  ") if answers["recipients"] else [],
            **{name: answers[name] for name in ("since", "rate", "resume") if answers[name]},
        }  # fmt: skip
        if answers["out"] and not answers["resume"]:
            args["out"] = answers["out"].rstrip("/") + "/"
        try:
            return args, await registry.acting(SiteBundle)().plan(context, (), args)
        except EdgewrightError as error:
            problem = f"{error.message} {error.hint}".strip()


def _fields(answers: dict[str, str]) -> list[Field]:
    return [
        Field("recipients", "recipient", help="age1... or an SSH public key; empty: not encrypted, for you alone",
              value=answers.get("recipients", "")),
        Field("out", "folder", help="where the file is written", value=answers.get("out", "")),
        Field("since", "since", help="how far back journals are read, e.g. 2h, 7d", value=answers.get("since", "24h")),
        Field("rate", "rate", help="bytes in a second at most, e.g. 16K", value=answers.get("rate", "")),
        Field("resume", "continue", help="folder of a bundle that was not finished; empty: a new one",
              value=answers.get("resume", "")),
    ]  # fmt: skip
