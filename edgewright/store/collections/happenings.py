"""The feed as text: what happened to many hosts at once is one line, and what has no meaning is none.

Pure functions of events. The list of events has every one of them; only the short feeds fold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from edgewright.core.times import duration
from edgewright.store.collections.feed import EventRow
from edgewright.store.collections.hosts import HostRow
from edgewright.wire.protocol.clusters import KIND

QUIET: Final = frozenset({"HostHealthy", "StepStarted", "StepDone"})
"""Reasons that a short feed leaves out: the first heartbeat adds nothing to the registration before it, and each step
of a host is in the checklist of its cluster."""
FOLD_FROM: Final = 4
"""Hosts to which the same happened before it is one line."""
GAP: Final = 10.0
"""Seconds between two of the same that still are one happening."""
SPAN: Final = 300.0
"""Seconds that one happening lasts at the most; what continues longer is reported again."""

_SENTENCES: Final[Mapping[str, str]] = {
    "HostRegistered": "{count} registered",
    "HostRecovered": "{count} are back",
    "HostUnhealthy": "{count} became unhealthy",
    "HostDeleted": "{count} were deleted",
    "HostHealthy": "{count} report for the first time",
    "OperationFinished": "{count} ended what they were asked to do",
    "RegistrationRefused": "{count} were refused",
    "ClusterCreated": "{count} were created",
    "ClusterFormed": "{count} were formed",
    "ClusterState": "{count} changed their state",
    "ClusterHealthy": "{count} are healthy",
    "ClusterUnhealthy": "{count} became unhealthy",
    "ClusterUnknown": "{count} have an unknown health",
}


class Happening(msgspec.Struct, frozen=True):
    """One event, or several of one reason that came together.

    `at` is the time of the newest, `events` are all of them, the newest first; `text` is empty for a single event,
    which has its own sentence.
    """

    at: float
    events: tuple[EventRow, ...]
    text: str = ""

    @property
    def folded(self) -> bool:
        """Whether it represents several events."""
        return bool(self.text)


def happenings(
    events: Iterable[EventRow], hosts: Mapping[str, HostRow] | None = None, limit: int | None = None
) -> list[Happening]:
    """Return what happened, the newest first, at most `limit`; the order of `events` does not matter.

    Events of one reason and severity with at most `GAP` seconds between them are one happening when they are about
    `FOLD_FROM` hosts or more. A happening begins at its oldest event, so that a newer event never cuts it again.
    """
    clusters: list[list[EventRow]] = []
    latest: dict[tuple[str, str], list[EventRow]] = {}
    for event in sorted((item for item in events if item.reason not in QUIET), key=lambda item: (item.at, item.uid)):
        kind = (event.reason, event.severity)
        cluster = latest.get(kind) if event.reason else None
        if cluster is None or event.at - cluster[-1].at > GAP or event.at - cluster[0].at > SPAN:
            cluster = latest[kind] = []
            clusters.append(cluster)
        cluster.append(event)
    matches: list[Happening] = []
    for cluster in clusters:
        if len({event.object_uid or event.object_name for event in cluster}) >= FOLD_FROM:
            newest_first = tuple(reversed(cluster))
            matches.append(Happening(cluster[-1].at, newest_first, _sentence(newest_first, hosts or {})))
        else:
            matches += [Happening(event.at, (event,)) for event in cluster]
    matches.sort(key=lambda item: (item.at, item.events[0].uid), reverse=True)
    return matches if limit is None else matches[:limit]


def _sentence(events: tuple[EventRow, ...], hosts: Mapping[str, HostRow]) -> str:
    uids = {event.object_uid or event.object_name for event in events}
    sites = {hosts[uid].site if uid in hosts else "" for uid in uids}
    what = "clusters" if events[0].kind == KIND else "hosts"
    count = f"{len(uids):,} {what}" + (f" of {next(iter(sites))}" if len(sites) == 1 and "" not in sites else "")
    reason = events[0].reason
    reported = _SENTENCES.get(reason, "{count}: " + _spaced(reason)).format(count=count)
    lasted = events[0].at - events[-1].at
    return f"{reported} in {duration(lasted)}" if lasted >= 1 else f"{reported} at once"


def _spaced(reason: str) -> str:
    """Return a reason like `DiskPressure` as words: `disk pressure`."""
    out = "".join(f" {item.lower()}" if item.isupper() else item for item in reason)
    return " ".join(out.split())
