"""Both connections to the plane: that of the heartbeats and the idle one for work, and what they cost."""

from __future__ import annotations

import socket
from typing import Any, Callable, Dict, List, Optional, Tuple

from edgewright.agent.kernel.enrolment import Enrolment
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.settings import Flags, Settings
from edgewright.agent.kernel.state import StateFolder
from edgewright.agent.kernel.systemd_notify import Notifier
from edgewright.agent.plane import traffic
from edgewright.agent.plane.addresses import Addresses
from edgewright.agent.plane.client import TIMEOUT, Client, Endpoint, parse_endpoint
from edgewright.agent.plane.floor import Floor
from edgewright.agent.plane.plane import Plane
from edgewright.agent.plane.proxy import choose_proxy
from edgewright.agent.plane.tls import make_context
from edgewright.agent.plane.wake import WakeConnection
from edgewright.agent.relay.counted import path_of
from edgewright.agent.relay.counted import read as read_counted
from edgewright.core.hosts.link_spec import LinkSpec
from edgewright.wire import protocol
from edgewright.wire.protocol.generations import Position
from edgewright.wire.protocol.relay import Asked

WAKE_TIMEOUT = 10.0
"""Seconds that opening the idle connection may take: heartbeats wait meanwhile."""


def _spec(flags: Flags, site: LinkSpec) -> LinkSpec:
    """Return what applies to this link: flags, then user-data. Intervals below 1 s are not reported."""
    heartbeat = flags.interval if flags.interval >= 1 else 0.0
    return LinkSpec(
        flags.metered or site.metered,
        heartbeat or site.heartbeat,
        flags.silence or site.silence,
        flags.budget or site.budget_mb,
    )


class Connection:
    """What the agent talks to; set up again from flags and user-data after each failure."""

    def __init__(self, flags: Flags, folder: StateFolder, life: Notifier) -> None:
        self._flags = flags
        self._life = life
        self.traffic = traffic.Traffic(folder)
        self.floor = Floor(folder, Root(flags.root))
        self.spec = _spec(flags, LinkSpec())
        self._addresses = Addresses()
        self._endpoint: Optional[Endpoint] = None
        self._plane: Optional[Plane] = None
        self._wake: Optional[WakeConnection] = None
        self._further: Optional[Callable[[], Client]] = None
        self._uid = ""
        self._several = False
        """Whether the plane has several addresses."""

    @property
    def plane(self) -> Optional[Plane]:
        """Return the plane; `None` before `open`."""
        return self._plane

    def open(self, settings: Settings, enrolment: Enrolment) -> Plane:
        """Return the plane of the settings. Raises an `EdgewrightError` for a CA or an address that cannot be used."""
        flags, site = self._flags, settings.site
        self.spec = _spec(flags, site.link)
        endpoint = self._endpoint = parse_endpoint(self._addresses.name(settings.endpoints))
        floor = self.floor if self.floor.wrong else None
        context = make_context(flags.ca, settings.ca_pems(), floor is not None)
        proxy = choose_proxy(endpoint.host, site.https_proxy, site.no_proxy)

        def client(timeout: float) -> Client:
            guard = self._life.interruptible
            return Client(
                endpoint,
                context,
                flags.ca,
                proxy,
                timeout,
                guard=guard,
                traffic=self.traffic,
                addresses=self._addresses,
                floor=floor,
            )

        self._uid = enrolment.uid
        self._several = len(settings.endpoints) > 1
        self._further = lambda: Client(endpoint, context, flags.ca, proxy, TIMEOUT, traffic=self.traffic, floor=floor)
        self._plane = Plane(client(TIMEOUT), enrolment.uid)
        free = not traffic.costly(self.spec, self.traffic.month_bytes)
        self._wake = WakeConnection(client(WAKE_TIMEOUT), enrolment.uid, allowed=free)
        return self._plane

    def another(self) -> Plane:
        """Return the plane over a connection of its own, for another thread. After `open` only."""
        assert self._further is not None and self._plane is not None
        plane = Plane(self._further(), self._uid)
        plane.credential = self._plane.credential
        return plane

    def failed(self) -> None:
        """Close both connections, and begin at another address of the plane next time."""
        if self._endpoint is not None:
            self._addresses.avoid(self._endpoint.host)
        self.drop()

    def drop(self) -> None:
        """Close both connections."""
        if self._plane is not None:
            self._plane.client.close()
            self._plane = None
        if self._wake is not None:
            self._wake.close()
            self._wake = None

    def end(self) -> None:
        """Close both connections for good and store the bytes of this month: they are a budget (P78)."""
        self.drop()
        self.traffic.save(force=True)

    def wait_for_work(self, known: Position) -> Tuple[Optional[socket.socket], Optional[float]]:
        """Ask for work on the idle connection unless a request waits there.

        Returns what to wait for, and else after how many seconds to ask again.
        """
        if self._wake is None or self._plane is None or not self._plane.credential:
            return None, None
        self._wake.ask(known, self._plane.credential)
        return self._wake.socket, self._wake.pause

    def has_work(self) -> bool:
        """Return whether a heartbeat is to be sent now: there is work, or the hub in use is away and there is another.

        The heartbeat then fails at once, and goes to the next address of the plane.
        """
        return self._wake is not None and (self._wake.look() or (self._several and self._wake.unreachable))

    def streams(self) -> List[Asked]:
        """Return the streams of the relay that answers on the idle connection named since the last call (P30)."""
        if self._wake is None or not self._wake.streams:
            return []
        streams, self._wake.streams = self._wake.streams, []
        return streams

    def interval(self, asked: Optional[float]) -> Optional[float]:
        """Return the seconds to the next heartbeat, where the plane `asked` for some (P76); `None`: as before.

        The link's own interval goes first. Only on a link that costs nothing, work that waits shortens it.
        """
        own = traffic.own_interval(self.spec, self.traffic.month_bytes)
        if not own:
            return asked
        urgent = asked == protocol.URGENT_INTERVAL and not traffic.costly(self.spec, self.traffic.month_bytes)
        return min(own, protocol.URGENT_INTERVAL) if urgent else own

    def report(self) -> Dict[str, Any]:
        """Return what a heartbeat reports about the link (P78)."""
        counted = read_counted(path_of(self._flags.relay))
        if counted is not None:
            self.traffic.note_relay(counted.id, counted.bytes)
        self.traffic.save()
        wake = None if self._wake is None else self._wake.state
        state, reason = ("off", "") if wake is None else wake
        return traffic.link_report(self.spec, self.traffic.month_bytes, state, reason)
