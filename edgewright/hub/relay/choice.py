"""Which host of a cluster is asked for a stream, and when it will be asked."""

from __future__ import annotations

from typing import Any, NamedTuple

from edgewright.core import times
from edgewright.hub.clusters.form import is_control_plane
from edgewright.hub.clusters.index import Cluster
from edgewright.hub.db.records import HostEntry
from edgewright.hub.http.problems import Problem
from edgewright.hub.services import Services
from edgewright.wire.protocol import clusters as wire
from edgewright.wire.protocol import relay

WAKE, BEAT = "wake", "heartbeat"


class Chosen(NamedTuple):
    """A host, how it is asked, and when that is at the latest (epoch seconds)."""

    uid: str
    name: str
    by: str
    at: float

    @property
    def until(self) -> float:
        """Return until when the stream waits."""
        return self.at + (relay.WAKE_WITHIN if self.by == WAKE else relay.BEAT_WITHIN)

    def document(self) -> dict[str, Any]:
        """Return it for clients."""
        left = max(0.0, round(self.at - times.now(), 1))
        at = times.rfc3339(self.at)
        return {"host": self.uid, "hostName": self.name, "by": self.by, "expectedAt": at, "seconds": left}


def choose(hub: Services, cluster: Cluster, wanted: str = "", otherwise: str = "no stream can be opened") -> Chosen:
    """Return the host that is reached first; raises `Problem` 409 when the cluster has none that can be asked.

    The API and the local API are on control planes. `wanted` is the uid or the name of a host, `otherwise` what is not
    possible without one.
    """
    candidates: list[Chosen] = []
    silent = 0
    for pool, machine in cluster.machines():
        if machine["state"] != wire.PRESENT or (wanted and wanted not in (machine["hostUid"], machine["hostName"])):
            continue
        if not wanted and not is_control_plane(pool["config"]):
            continue
        entry = hub.state.hosts.get(machine["hostUid"])
        if entry is None or entry.live.at is None or _silent(hub, entry):
            silent += 1
            continue
        candidates.append(_asked(hub, entry, machine))
    if candidates:
        return min(candidates, key=lambda chosen: (chosen.at, chosen.uid))
    name = cluster.record.name
    if wanted and not silent:
        raise Problem(404, relay.E_NO_HOST, f"The cluster '{name}' has no host '{wanted[:64]}'.")
    what = f"The host '{wanted[:64]}'" if wanted else "No control plane"
    verb = "has sent no heartbeat lately" if wanted else "has sent a heartbeat lately"
    raise Problem(409, relay.E_NO_HOST, f"{what} of the cluster '{name}' {verb}, so {otherwise}.")


def _silent(hub: Services, entry: HostEntry) -> bool:
    limit = float(entry.live.vitals.get("silenceLimit") or hub.options.silence_limit)
    return times.now() - (entry.live.at or 0.0) > limit


def _asked(hub: Services, entry: HostEntry, machine: dict[str, Any]) -> Chosen:
    live, now = entry.live, times.now()
    if live.vitals.get("wake") == "on":
        return Chosen(machine["hostUid"], machine["hostName"], WAKE, now)
    interval = float(live.vitals.get("interval") or hub.options.heartbeat) * 1.05
    return Chosen(machine["hostUid"], machine["hostName"], BEAT, max(now, (live.at or now) + interval))
