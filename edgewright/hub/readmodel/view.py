"""The values that a search finds hosts by, as their documents contain them at one moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from edgewright.core.hosts.health import GRACE
from edgewright.core.hosts.link_spec import own_limit

if TYPE_CHECKING:
    from edgewright.hub.db.records import HostEntry
    from edgewright.hub.readmodel.render import Renderer


def _rounded(moment: float) -> float:
    """Return a time as documents contain it, to the millisecond."""
    return round(moment * 1000) / 1000


class View:
    """Reads search properties of the host in `entry`; made once for a search and moved from host to host."""

    def __init__(self, renderer: Renderer, now: float) -> None:
        self.entry: HostEntry
        self._renderer = renderer
        self.now = now
        """The moment, epoch seconds."""
        self._started = renderer.started
        self._limit = renderer.silence_limit
        self._quiet = GRACE * renderer.interval
        self.getters: Mapping[str, Callable[[], Any]] = {
            "name": lambda: self.entry.facts.name,
            "tags": lambda: self.entry.facts.tags,
            "uid": lambda: self.entry.record.uid,
            "site": lambda: self.entry.facts.site,
            "clusterName": lambda: self.entry.facts.cluster,
            "architecture": lambda: self.entry.facts.architecture,
            "hostType": lambda: self.entry.facts.host_type,
            "cpu": lambda: self.entry.facts.cpu,
            "memory": lambda: self.entry.facts.memory,
            "simulated": lambda: self.entry.facts.simulated,
            "observed": lambda: self.entry.facts.observed,
            "state": lambda: self.entry.record.state,
            "agentVersion": lambda: self.entry.live.agent_version or None,
            "healthState": self.health,
            "creationTimestamp": lambda: _rounded(self.entry.record.created),
            "lastModifiedTimestamp": self._modified,
            "lastHeartbeat": lambda: None if self.entry.live.at is None else _rounded(self.entry.live.at),
        }

    def __call__(self, name: str) -> object:
        """Return one property of the host; `None` when it is unknown."""
        getter = self.getters.get(name)
        return None if getter is None else getter()

    def _counted_from(self) -> float | None:
        """Return from when silence counts (rule P18)."""
        live, record = self.entry.live, self.entry.record
        if record.registered_at is None:
            return None
        word = live.at if live.at is not None else record.registered_at
        return max(word, self._started)

    def health(self) -> str:
        """Return the host's health now: as it was last settled, unless its time has run out since."""
        health: str = self.entry.live.health
        counted = self._counted_from()
        # most hosts have no limit of their own, and this is asked for each host of a fleet
        own = own_limit(self.entry.live.vitals)
        limit = self._renderer.host_limit(self.entry) if own else self._limit
        if counted is None or (health == "unhealthy") is (self.now >= counted + limit):
            return health
        return self._renderer.verdict(self.entry, self.now).health.value

    def _modified(self) -> float:
        """Return when the record or its judgement last changed; the latter as `core.hosts.health.judge` finds it."""
        record, live = self.entry.record, self.entry.live
        if record.registered_at is None:
            return _rounded(max(record.modified, record.created))
        if live.at is None:
            return _rounded(max(record.modified, record.registered_at))
        since, counted = live.at, max(live.at, self._started)
        reported = live.since if live.state else None
        limit, quiet = self._limit, self._quiet
        if own_limit(live.vitals):
            limit, quiet = self._renderer.host_limit(self.entry), GRACE * self._renderer.host_interval(self.entry)
        late = self.now - counted > (quiet if live.state == "healthy" or not live.state else limit)
        if reported is not None and not late and self.now < counted + limit:
            since = reported
        return _rounded(max(since, record.modified))
