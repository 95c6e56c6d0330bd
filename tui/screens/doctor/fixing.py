"""Applying a fix on Doctor: which ones there are now, and the way through the plan to what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from edgewright.commands.site.doctor_text import key_of
from edgewright.commands.site.open_verbs import SiteFix
from edgewright.commands.site.opened import Site
from edgewright.core.doctor.repairs import repair
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean
from tui.modals.choose import ChooseModal
from tui.verbs.verbs import run_plan
from tui.widgets.lines import line


class Offer(NamedTuple):
    """A fix, or an undo of one, with the arguments of the verb."""

    title: str
    args: Mapping[str, str]


def offers(site: Site, finding: Mapping[str, Any] | None) -> dict[str, Offer]:
    """Return what can be applied for a finding, then what can be taken back, the last one first."""
    known: dict[str, Offer] = {}
    for fix in finding["fixes"] if finding is not None else ():
        if fix["repair"]:
            known[fix["repair"]] = Offer(fix["title"], {"finding": key_of(finding or {}), "fix": fix["repair"]})
    for name, symptom in reversed(site.applied.items()):
        if (entry := repair(name)).undo:
            known[f"undo {name}"] = Offer(f"undo: {entry.title}", {"finding": symptom, "undo": name})
    return known


async def apply_fix(screen: Any, finding: Mapping[str, Any] | None) -> None:
    """Choose where there are several, show the plan with Cancel first, apply it; a failure is in the message line.

    `screen`: a page of a site.
    """
    site, app = screen.site, screen.app
    if site is None or not site.is_open or screen.session.make_context is None:
        screen.refuse_here("There is no connection: a fix needs one.")
        return
    if reason := screen.session.refusal(SiteFix):
        screen.refuse_here(reason)
        return
    known = offers(site, finding)
    if not known:
        screen.refuse_here("There is no fix to apply here: the next step is the operator's.")
        return
    key = next(iter(known))
    if len(known) > 1:
        options = [line(clean(offer.title, 200), key=name) for name, offer in known.items()]
        key = await app.ask(ChooseModal(f"Fix {site.target}", options))
    if not key:
        return
    try:
        await run_plan(app, SiteFix, (site.target,), {"site": site, **known[key].args}, asked=False)
    except EdgewrightError as error:
        screen.announce_here(f"{error.message} {error.hint}".strip(), "bad")
    if site.unsettled:
        text = f"`{site.unsettled}` is not waited for: whether it was done is not known. The host is read again."
        site.unsettled = ""
        screen.announce_here(text, "warn")
        screen.action_site_again()
