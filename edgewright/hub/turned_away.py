"""Hosts that were turned away, told once in a while as events, so that the console shows them and not only the host.

A refused registration tries again every minute, a broken handshake more often; the console needs one line of it.
"""

from __future__ import annotations

import ssl
from collections import OrderedDict
from typing import TYPE_CHECKING

from edgewright.core import times
from edgewright.core.certificate_clock import clock_text
from edgewright.core.text import clean
from edgewright.hub.component_events import host_event, store_event
from edgewright.hub.problems import Problem

if TYPE_CHECKING:
    from edgewright.hub.app import Hub

AGAIN = 600.0
"""Seconds before the same reason of the same host is told again."""
PER_ADDRESS = 30
"""Different tellings that one address may cause within that time; a flood of made-up names stops there."""
_MAX_TOLD = 5_000

ALERTS: dict[str, tuple[str, str]] = {
    "ALERT_UNKNOWN_CA": (
        "PlaneNotTrusted",
        "does not trust this hub's certificate: it holds another CA. Give it this hub's ca.crt.",
    ),
    "ALERT_CERTIFICATE_EXPIRED": (
        "ClockOrCertificate",
        "finds this hub's certificate expired: the clock of that host is ahead, or the clock of this hub is wrong.",
    ),
    "ALERT_BAD_CERTIFICATE": (
        "ClockOrName",
        "finds this hub's certificate not valid yet, or not for this name: compare the clocks of both first.",
    ),
}
"""TLS alert of the peer (end of OpenSSL's reason) -> reason word of the event, second half of the sentence."""


class TurnedAway:
    """Writes events about hosts that were not let in, each reason once in `AGAIN` seconds."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._told: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._by_address: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def registration(self, uid: str, address: str, problem: Problem) -> None:
        """Tell that the registration of `uid` was refused, and why."""
        name = clean(uid, 128)
        message = f"'{name}' was refused: {problem.message} It came from {address}."
        self._tell(uid, name, address, "RegistrationRefused", message, str(problem.code))

    def handshake(self, address: str, error: ssl.SSLError) -> None:
        """Tell that a peer broke off the TLS handshake, if its reason is one that a person must mend."""
        reason = error.reason or ""
        for ending, (word, sentence) in ALERTS.items():
            if reason.endswith(ending):
                known = [
                    entry.record.uid for entry in self._hub.state.hosts.values() if entry.record.address == address
                ]
                uid = known[0] if len(known) == 1 else ""
                who = f"'{uid}' ({address})" if uid else address
                message = f"{who} {sentence}"
                if word != "PlaneNotTrusted":
                    message += f" The clock of this hub shows {clock_text(times.now())}."
                self._tell(uid, uid or address, address, word, message, word)

    def _tell(self, uid: str, name: str, address: str, reason: str, message: str, code: str) -> None:
        now = times.now()
        before = self._told.pop((name, code), 0.0)
        if 0 <= now - before < AGAIN:  # a clock that was set back must not silence it for longer
            self._told[(name, code)] = before
            return
        began, count = self._by_address.pop(address, (now, 0))
        began, count = (began, count) if 0 <= now - began < AGAIN else (now, 0)
        self._by_address[address] = (began, count + 1)
        if count >= PER_ADDRESS:
            return
        self._told[(name, code)] = now
        for memory in (self._told, self._by_address):
            while len(memory) > _MAX_TOLD:
                memory.popitem(last=False)
        hub = self._hub
        entry = hub.state.hosts.get(uid)
        project = hub.state.default_project()
        project_uid = entry.record.project_uid if entry else (project.uid if project else "")
        event = host_event(uid or name, name, "Warning", reason, message)
        hub.write_later(lambda tx: store_event(hub, tx, event, project_uid))
