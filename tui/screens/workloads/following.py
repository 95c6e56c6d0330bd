"""What all screens of a cluster's workloads share: the cluster, its API while it is shown, and how old the rows are."""

from __future__ import annotations

from typing import Any

from edgewright.commands.kube.local_api import open_api
from edgewright.commands.kube.opened import Opened, Report
from edgewright.core.errors import Refused
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from tui.frame.ages import age
from tui.frame.base import BaseScreen
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

    made = session.opened[uid] = Opened(row.name if row is not None else uid, open_it, session.now)
    return made


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
    def cluster_name(self) -> str:
        """Its name."""
        row = self.cluster
        return row.name if row is not None else self.cluster_uid

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
