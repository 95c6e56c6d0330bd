"""From marked hosts, or typed ones, to one command on all of them: the form, the plan, and the page of the results."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.grammar import parse
from edgewright.commands.site.fleet.fan_out import FanOut
from edgewright.commands.site.fleet.reaching import quiet_reach
from edgewright.commands.site.open_verbs import SiteRun
from edgewright.core.errors import EdgewrightError, UsageError
from edgewright.core.text import amount
from tui.frame.links import site_target
from tui.modals.confirm import ConfirmModal
from tui.modals.form import Field, FormModal

if TYPE_CHECKING:
    from edgewright.commands.kernel.base import Plan
    from edgewright.commands.kernel.context import CommandContext
    from tui.session import Session

MOST_RUNS = 5
"""Runs whose results stay; the ledger has more of them, without output."""


async def start(app: Any, typed: str = "") -> None:
    """Ask for the command and let the user agree to its plan; `typed` is what was typed after `:site run`."""
    session: Session = app.session
    if reason := session.refusal(SiteRun):
        app.refuse(reason)
        return
    if session.make_context is None:
        app.refuse("This only shows what was recorded: nothing can be run.")
        return
    context = session.make_context()
    context.read_only = context.read_only or session.read_only
    try:
        planned = await _typed(context, typed) if typed else await _asked(app, context)
    except EdgewrightError as error:
        app.announce(f"{error.message} {error.hint}".strip(), "bad")
        return
    if planned is None:
        return
    args, plan = planned
    if not await app.ask(ConfirmModal(plan, SiteRun.danger)):
        app.announce(f"{plan.title}: cancelled, nothing was run.")
        return
    run = FanOut(plan.payload)
    number = session.runs[-1][0] + 1 if session.runs else 1
    session.runs[:] = [*session.runs[1 - MOST_RUNS :], (number, run)]
    args = {**args, "run": run, "reach": quiet_reach(context, session.sites, session.make_site)}
    app.run_worker(_run(app, context, args, plan), group="site:run", exit_on_error=False)
    app.open_view("site-run", str(number))


async def _run(app: Any, context: CommandContext, args: dict[str, Any], plan: Plan) -> None:
    try:
        outcome = await registry.run(SiteRun, context, (), args, plan=plan)
        app.announce(f"{plan.title}. {outcome.message}", "warn" if outcome.failed else "ok")
    except EdgewrightError as error:
        args["run"].no_more("it was refused")
        args["run"].ended = app.session.now()
        app.announce(f"{error.message} {error.hint}".strip(), "bad")
    finally:
        await context.aclose()


async def _typed(context: CommandContext, typed: str) -> tuple[dict[str, Any], Plan]:
    try:
        _, args = parse(SiteRun, shlex.split(typed))
    except ValueError:
        raise UsageError("A quote is left open.", "Close it, or leave it off.") from None
    return args, await registry.acting(SiteRun)().plan(context, (), args)


async def _asked(app: Any, context: CommandContext) -> tuple[dict[str, Any], Plan] | None:
    """Return arguments and plan for the hosts that the screen points at, None where the user left."""
    session: Session = app.session
    hosts = session.store.model.hosts
    uids = [uid for uid in app.screen.targets() if uid in hosts]
    targets = [site_target(hosts, uid) for uid in uids if not hosts[uid].simulated]
    if not targets:
        app.refuse("Mark hosts first: a command runs on them by SSH, and simulated ones have none.")
        return None
    remember: dict[str, str] = {}
    problem = ""
    while True:
        form = FormModal(
            f"Run a command on {amount(len(targets), 'host')} over SSH", _fields(remember), go="Plan",
            problem=problem, remember=remember,
        )  # fmt: skip
        answers = await app.ask(form)
        if answers is None:
            return None
        remember = dict(answers)
        args: dict[str, Any] = {"hosts": targets, "command": answers["command"], "sudo": answers["sudo"] == "yes"}
        args |= {name: answers[name] for name in ("at_a_time", "stop_after", "time_limit") if answers[name]}
        try:
            return args, await registry.acting(SiteRun)().plan(context, (), args)
        except EdgewrightError as error:
            problem = f"{error.message} {error.hint}".strip()


def _fields(answers: dict[str, str]) -> list[Field]:
    def field(name: str, label: str, text: str, value: str = "", required: bool = False, check: Any = None) -> Field:
        return Field(name, label, help=text, value=answers.get(name, value), required=required, check=check)

    return [
        field("command", "command", "for the user's shell on each host, e.g. df -h /", required=True),
        field("sudo", "as root", "yes: by sudo -n", "no", check=_yes_or_no),
        field("at_a_time", "at a time", "hosts that work at the same time, 1 to 64", "8"),
        field("stop_after", "stop after", "failures after which no further host begins; empty: none"),
        field("time_limit", "time limit", "how long it may take on one host, e.g. 90s", "5m"),
    ]


def _yes_or_no(text: str) -> str:
    return "" if text in ("", "yes", "no") else "Enter yes or no."
