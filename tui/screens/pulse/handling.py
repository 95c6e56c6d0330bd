"""Handling a problem from the start screen: acknowledge, assign, note and silence, stored on the plane.

A plane without handling records (a Palette, an older hub) leaves acknowledging to this console alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Command
from edgewright.core import times
from edgewright.core.errors import EdgewrightError
from tui.verbs.verbs import refusal
from tui.verbs.waiting import waiting

if TYPE_CHECKING:
    from tui.app import EdgewrightApp
    from tui.screens.pulse.content import Item

NOTHING = "Select a problem first."
ALONE = "this plane does not store who handles a problem"
LONGEST = 30 * times.DAY


def stored(app: EdgewrightApp) -> bool:
    """Return whether the plane stores who handles a problem."""
    return app.session.store.model.source.handling and app.session.make_context is not None


async def acknowledge(app: EdgewrightApp, item: Item) -> None:
    """Acknowledge `item`, or take that back."""
    on = not item.handling.acknowledged
    if not stored(app) or item.section == "working":
        app.session.store.acknowledge(item.problem, on)
        done = f"{item.name} acknowledged" if on else f"{item.name} is open again"
        why = "its operation ends by itself" if item.section == "working" else ALONE
        app.announce(f"{done} in this console only; {why}.")
        return
    message = f"{item.name} acknowledged for all consoles." if on else f"{item.name} is open again."
    await change(app, item, "alert acknowledge", {} if on else {"off": True}, message)


async def assign(app: EdgewrightApp, item: Item) -> None:
    """Ask who works on `item`, and assign it."""
    text = await _ask(app, item, "Assign", "assignee", item.handling.assignee, "a name; empty removes it")
    if text is not None:
        message = f"{item.name} assigned to {text}." if text else f"{item.name} is no longer assigned."
        await change(app, item, "alert assign", {"assignee": text}, message)


async def note(app: EdgewrightApp, item: Item) -> None:
    """Ask for a note on `item`."""
    text = await _ask(app, item, "Note on", "note", item.handling.note, "for everybody; empty removes it")
    if text is not None:
        message = f"Note on {item.name} saved." if text else f"Note on {item.name} removed."
        await change(app, item, "alert note", {"text": text}, message)


async def silence(app: EdgewrightApp, item: Item) -> None:
    """Ask how long `item` is silenced; a problem that is silenced already can be reopened."""
    silenced = item.handling.silenced(app.session.now())
    hint = "30m, 4h, 2d, at most 30d" + ("; empty ends it" if silenced else "")
    text = await _ask(app, item, "Silence", "for", "" if silenced else "4h", hint, check_span)
    if text:
        await change(app, item, "alert silence", {"span": times.parse_span(text)}, f"{item.name} silenced for {text}.")
    elif text is not None and silenced:
        await change(app, item, "alert silence", {"off": True}, f"{item.name} is no longer silenced.")
    elif text is not None:
        app.announce(f"Silence {item.name}: no duration was given, nothing changed.")


def check_span(text: str) -> str:
    """Return what is wrong with a duration of a silence, `""` when nothing is."""
    try:
        seconds = times.parse_span(text)
    except ValueError:
        return "Write a duration such as 30m, 4h or 2d."
    return "" if 60 <= seconds <= LONGEST else "A silence lasts from 1m to 30d."


async def change(app: EdgewrightApp, item: Item, name: str, args: Mapping[str, Any], message: str) -> None:
    """Run a verb of the command line on the problem, without a plan: the plane audits it, and it can be undone."""
    command = registry.by_name(name)
    if command is None or not _may(app, command, item):
        return
    assert app.session.make_context is not None
    context = app.session.make_context()
    context.read_only = context.read_only or app.session.read_only
    try:
        with waiting(app, command.name):
            plan = await registry.acting(command)().plan(context, (item.problem,), args)
            outcome = await registry.acting(command)().apply(context, plan, args, lambda text: None)
    except EdgewrightError as error:
        app.announce(f"{error.message} {error.hint}".strip(), "bad")
        return
    if outcome.failed:
        failure = outcome.failed[0][1]
        app.announce(f"{failure.message} {failure.hint}".strip(), "bad")
    else:
        app.announce(message, "ok")


def _may(app: EdgewrightApp, command: type[Command], item: Item) -> bool:
    """Return whether a verb may run on the problem; the message line shows why not."""
    refused = refusal(app, command, (item.problem,))
    if refused is not None:
        app.session.store.message(f"{refused.reason} {refused.hint}".strip(), "warn", reply=True)
    return refused is None


async def _ask(
    app: EdgewrightApp, item: Item, verb: str, field: str, value: str, hint: str, check: Any = None
) -> str | None:
    if item.section == "working":
        message = "An operation ends by itself: acknowledge it with a, or open its host."
        app.session.store.message(message, "warn", reply=True)
        return None
    if not stored(app):
        message = f"Not possible: {ALONE}. a acknowledges a problem in this console."
        app.session.store.message(message, "warn", reply=True)
        return None
    from tui.modals.form import Field, FormModal

    command = registry.by_name(f"alert {verb.split()[0].lower()}")
    if command is not None and not _may(app, command, item):
        return None
    form = FormModal(f"{verb} {item.name}", [Field(field, field, hint, value, check=check)], "Save", item.sentence)
    answers = cast("dict[str, str] | None", await app.ask(form))
    return None if answers is None else answers[field]
