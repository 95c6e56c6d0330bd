"""What all screens of a cluster's workloads share: the cluster, its API while it is shown, and how old the rows are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from edgewright.commands.kernel import registry
from edgewright.commands.kube.local_api import open_api
from edgewright.commands.kube.opened import Opened, Report
from edgewright.commands.kube.route import SITE
from edgewright.core.errors import Refused
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.collections.selectors import way_to
from tui.frame.ages import age
from tui.frame.base import BaseScreen
from tui.screens.doctor.title import site_title
from tui.session import Session
from tui.widgets.lines import Line, line, wrap

SIMULATED = (
    "This cluster is simulated: its hosts are a program. It has no API, so there are no pods, no nodes and no logs."
)
_NO_PLANE = "There is no plane here: this shows what was recorded, and an API is not recorded."


def opened_of(session: Session, uid: str) -> Opened:
    """Return the API of a cluster, one for all screens; nothing is opened yet."""
    known = session.opened.get(uid)
    if isinstance(known, Opened):
        return known
    row = session.store.model.rows(CLUSTERS).get(uid)

    async def open_it(report: Report) -> Any:
        if session.open_cluster is not None:
            return await session.open_cluster(uid, report)
        if session.make_context is None:
            raise Refused(_NO_PLANE)
        return await open_api(session.make_context(), uid, report)

    site = _site_of(session, uid) if uid.startswith(SITE) else None
    made = session.opened[uid] = Opened(row.name if row is not None else uid, open_it, session.now)
    if site is not None:
        site.at_end.append(lambda: _end(session, uid))
    return made


def _site_of(session: Session, uid: str) -> Any:
    """Return the site that `ssh:TARGET` names, while its connection is away another one of the same cluster."""
    return session.sites.get(way_to(session.store.model.site_clusters, uid).removeprefix(SITE))


async def _end(session: Session, uid: str) -> None:
    """End the API of a site with its connection; nothing of its kubeconfig stays."""
    opened = session.opened.pop(uid, None)
    if opened is not None:
        await opened.aclose()


class ShowsCluster(BaseScreen):
    """A screen whose target begins with the uid of a cluster; it opens the API, and leaves it."""

    _opened: Opened | None = None

    @property
    def cluster_uid(self) -> str:
        """The cluster: the target up to its first slash, which no uid contains."""
        return self.target.partition("/")[0]

    @property
    def rest(self) -> str:
        """What is behind the first slash of the target."""
        return self.target.partition("/")[2]

    @property
    def cluster(self) -> ClusterRow | None:
        """The row of the cluster; None for one that the console does not know."""
        return self.session.store.model.rows(CLUSTERS).get(self.cluster_uid)

    @property
    def site(self) -> Any:
        """The site through which the API is reached; None for a cluster of the plane, and when it was closed."""
        return _site_of(self.session, self.reached) if self.reached else None

    @property
    def reached(self) -> str:
        """The cluster, where a host that is open leads to it and no plane is needed."""
        return self.cluster_uid if self.cluster_uid.startswith(SITE) else ""

    def head_line(self, width: int) -> Line:
        """Return the title: of the plane, or of the site."""
        site = self.site
        return super().head_line(width) if site is None else site_title(site, self.now, width, self.session.read_only)

    @property
    def cluster_name(self) -> str:
        """Its name."""
        if self.reached:
            return str(self.site.name) if self.site is not None else self.cluster_uid.removeprefix(SITE)
        row = self.cluster
        return row.name if row is not None else self.cluster_uid

    def limits(self, kind: str) -> str:
        """Return that rows of a kind are of one node, where the credential is that of its kubelet."""
        node = getattr(self._opened.api, "node", "") if self._opened is not None else ""
        return f" · of node {node}" if node and kind in ("pods", "nodes") else ""

    def refused(self, entries: Iterable[str]) -> frozenset[str]:
        """Return what is refused; through a host nothing of the plane is needed."""
        entries = tuple(entries)
        if not self.reached:
            return super().refused(entries)
        verbs = {name: registry.console_verb(name) for name in (entry.partition("=")[0] for entry in entries)}
        return frozenset(name for name, verb in verbs.items() if verb and self.session.refusal(verb, self.reached))

    @property
    def simulated(self) -> bool:
        """Whether there is no API behind it."""
        row = self.cluster
        return row is not None and row.simulated

    def enter_cluster(self) -> Opened | None:
        """Open the API; None for a simulated cluster. Call it once."""
        rows = self.session.store.model.rows(CLUSTERS)
        if self.cluster_uid not in rows:  # a name that was typed before the list was there
            named = [uid for uid, row in rows.items() if row.name == self.cluster_uid]
            if len(named) == 1:
                self.target = "/".join(part for part in (named[0], self.rest) if part)
        if self.simulated:
            return None
        self._opened = opened_of(self.session, self.cluster_uid)
        self._opened.enter()
        return self._opened

    def leave_cluster(self) -> None:
        """Leave the API; it ends when no screen uses it."""
        if self._opened is not None:
            self._opened.leave()
            self._opened = None

    def on_unmount(self) -> None:
        """Leave the API with the screen."""
        self.leave_cluster()

    def targets(self) -> tuple[str, ...]:
        """Return the cluster: verbs get the objects as arguments."""
        return (self.cluster_uid,)

    async def action_retry(self) -> None:
        """Open the API again, with a new kubeconfig and over the way that works now."""
        if self._opened is not None:
            self.app.announce(f"The API of {self.cluster_name} is opened again.")  # type: ignore[attr-defined]
            await self._opened.reopen()


def trouble_lines(opened: Opened | None, error: str, retry_at: float | None, now: float, width: int) -> list[Line]:
    """Return what is waited for, or why the API is not reached and when it is asked again; empty when all is right."""
    if opened is None:
        return wrap(SIMULATED, width, "○ ", "  ", role="muted")
    problem, again = (opened.error, opened.retry_at) if opened.error else (error, retry_at)
    if problem:
        wait = 0.0 if again is None else again - now
        left = f"Asked again in {wait:.0f} s; ctrl+r asks now." if wait >= 1 else "It is asked again now."
        return [*wrap(problem, width, "▲ ", "  ", role="bad"), *wrap(left, width, "  ", "  ", role="muted")]
    return [line(("► ", "work"), opened.progress)] if opened.progress and opened.api is None else []


def age_text(as_of: float | None, live: bool, now: float) -> str:
    """Return how old rows are: `watched`, or `stale 4m` when the API does not answer."""
    if as_of is None:
        return "not read yet"
    old = max(now - as_of, 0.0)
    if live:
        return "watched" if old < 30 else f"watched, {age(old)} ago"
    return f"stale {age(old)}"
