"""What every page of an open site does: the way to the other pages, a log, a shell; refusals in the message line."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from edgewright.commands.kernel.base import BY_HOST
from edgewright.commands.site.open_verbs import SiteBundle, SiteShell
from edgewright.commands.site.opened import LOGS, Site
from edgewright.core.text import clean
from tui.frame.links import open_key
from tui.modals.choose import ChooseModal
from tui.screens.site.bundling import make_bundle
from tui.widgets.lines import line

MOST_MESSAGE = 2000
"""Characters of a message that a host may have a part in."""


class SitePages(Screen[None]):
    """The last base of a screen of one site (styles come from the first). `site` is None while there is none."""

    site: Site | None = None

    def action_site_page(self, view: str) -> None:
        """Open another page of the same site; its target is that of the site."""
        if self.site is None:
            self.refuse_here("No site is open here.")
            return
        open_key(self.app, f"{view}/{self.site.target}")

    def action_site_host(self) -> None:
        """Show the host as one of the plane is shown."""
        if self.site is None or self.site.report is None:
            self.refuse_here("Nothing was read from this host yet.")
            return
        open_key(self.app, f"host/{BY_HOST}{self.site.target}")

    def action_site_workloads(self) -> None:
        """Show what runs in the cluster of the host, by its kubeconfig."""
        if self.site is None or not self.site.is_open:
            self.refuse_here("There is no connection: workloads need one.")
            return
        open_key(self.app, f"pods/{BY_HOST}{self.site.target}")

    async def action_site_logs(self) -> None:
        """Choose a unit and show its log; those that findings are about come first."""
        if self.site is None:
            return
        findings = (self.site.report or {}).get("findings", ())
        wrong = [each["object"] for each in findings if each["object"] in LOGS]
        units = dict.fromkeys((*wrong, *LOGS))
        options = [line((unit, "strong" if unit in wrong else ""), key=unit) for unit in units]
        app: Any = self.app
        unit = await app.ask(ChooseModal(f"Log on {self.site.target}", options))
        if unit:
            open_key(self.app, f"site-log/{self.site.target}/{unit}")

    def action_site_shell(self) -> None:
        """Open a shell on the host, on a page of its own."""
        site, session = self.site, self._session()
        if site is None or session.make_context is None or not site.is_open:
            self.refuse_here("There is no connection: a shell needs one.")
        elif reason := session.refusal(SiteShell):
            self.refuse_here(reason)
        else:
            open_key(self.app, f"site-shell/{site.target}")

    async def action_site_bundle(self) -> None:
        """Make a support bundle of the host."""
        site, session = self.site, self._session()
        if site is None or session.make_context is None or not site.is_open:
            self.refuse_here("There is no connection: a bundle needs one.")
            return
        if reason := session.refusal(SiteBundle):
            self.refuse_here(reason)
            return
        await make_bundle(self, site)

    def announce_here(self, text: str, level: str) -> None:
        """Add a message; what a host put in it is cleaned and bounded."""
        self._session().store.message(clean(text, MOST_MESSAGE), level)

    def refuse_here(self, text: str) -> None:
        """Show why a key did nothing."""
        self._session().store.message(clean(text, MOST_MESSAGE), "warn", reply=True)

    def _session(self) -> Any:
        return self.session  # type: ignore[attr-defined]
