"""Hosts that were rejected: an alert while it continues (rule P39), and an event once in a while for the history.

A refused registration tries again every minute, a broken handshake more often; the event log needs one line of it.
"""

from __future__ import annotations

import logging
import ssl
from collections import OrderedDict
from typing import TYPE_CHECKING

from edgewright.core import times
from edgewright.core.certificate_clock import clock_text
from edgewright.core.hosts.condition import Rejection
from edgewright.core.text import clean
from edgewright.hub.db.events import host_event, store_event
from edgewright.hub.http.bounds import network
from edgewright.hub.http.limiter import Bucket
from edgewright.hub.http.problems import Problem
from edgewright.hub.readmodel.alert_board import Alert
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.services import Services

log = logging.getLogger("edgewright.hub")
AGAIN = 600.0
"""Seconds before the same reason of the same host is stored as an event again."""
PER_ADDRESS = 30
"""Events, and alerts, that one address (a /64 of IPv6) may cause within that time: made-up names stop there."""
STRANGERS, STRANGERS_EVERY = 200, 30.0
"""Events about names that are no hosts here: at once, and seconds for each further one. Any number of addresses can
make up any number of names, and each would have its share of the events that are retained (`share.fair_share`)."""
QUIET = 300.0
"""Seconds without another attempt after which a box has stopped: agents try again every minute (rule P4)."""
HANDSHAKES = 3
"""Broken handshakes from which they are an alert: one is a browser, an agent comes back."""
_MAX_REPORTED = 5_000

ALERTS: dict[str, tuple[str, str]] = {
    "ALERT_UNKNOWN_CA": (
        "PlaneNotTrusted",
        "does not trust this hub's certificate: it has the certificate of another CA. Give it this hub's ca.crt.",
    ),
    "ALERT_CERTIFICATE_EXPIRED": (
        "ClockOrCertificate",
        "finds this hub's certificate expired: the clock of that machine is ahead, or the clock of this hub is wrong.",
    ),
    "ALERT_BAD_CERTIFICATE": (
        "ClockOrName",
        "finds this hub's certificate not valid yet, or not for this name: compare the clocks of both first.",
    ),
}
"""TLS alert of the peer (end of OpenSSL's reason) -> reason word of the event, second half of the sentence."""

_TEXTS: dict[str, tuple[str, str]] = {
    protocol.E_INVALID_TOKEN: (
        "rejected: unknown registration token",
        "Put the text of a valid token into its user-data or token file (edgewright token list).",
    ),
    protocol.E_TOKEN_EXPIRED: (
        "rejected: registration token expired",
        "Create a token (edgewright token create) and put it into its token file; no restart is needed.",
    ),
    protocol.E_TOKEN_REVOKED: (
        "rejected: registration token revoked",
        "Put another token into its token file, or activate that one again (edgewright token activate).",
    ),
    protocol.E_DUPLICATE_HOST: (
        "rejected: another machine is registered with this UID",
        "If it is the same machine, delete the old record (edgewright host delete {uid}); else set stylus.site.name.",
    ),
    protocol.E_PROJECT_REQUIRED: (
        "rejected: no project named, and the token has no default project",
        "Set stylus.site.projectName in its user-data, or give the token a default project.",
    ),
    protocol.E_NOT_FOUND: (
        "rejected: its project does not exist",
        "Correct stylus.site.projectName in its user-data, or create that project.",
    ),
    protocol.E_HOST_NOT_PREREGISTERED: (
        "waits for approval: its UID is not pre-registered",
        "Register it with `edgewright host register {uid}`; its agent continues by itself.",
    ),
    protocol.E_INVALID_PAIRING_KEY: (
        "rejected: wrong pairing key",
        "Compare the key in its user-data with the one given to `edgewright host register`.",
    ),
    protocol.E_TOO_MANY: (
        "rejected: too many wrong credentials from its address",
        "Correct its token or pairing key; its agent tries again by itself.",
    ),
    "PlaneNotTrusted": ("cannot connect: it trusts another CA", "Give it this hub's ca.crt."),
    "ClockOrCertificate": (
        "cannot connect: finds the hub's certificate expired",
        "Compare the clock of that machine with the hub's; a hub renews its certificate when it starts.",
    ),
    "ClockOrName": (
        "cannot connect: finds the hub's certificate not valid",
        "Compare the clock of that machine with the hub's, then the name by which it calls the hub (--advertise).",
    ),
}
"""Error code -> short text for the alert, next step."""


class Rejections:
    """Reports hosts that were rejected: each reason as an event once in `AGAIN` seconds, and as an alert meanwhile."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self._reported: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._by_address: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._names: OrderedDict[str, tuple[float, set[str]]] = OrderedDict()
        self._handshakes: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._strangers = Bucket(STRANGERS, STRANGERS_EVERY)

    def registration(self, uid: str, address: str, problem: Problem) -> None:
        """Report that the registration of `uid` was refused, and why."""
        name = clean(uid, 128)
        message = f"'{name}' was refused: {problem.message} It came from {address}."
        self._report(uid, name, address, "RegistrationRefused", message, str(problem.code))
        self._alert(f"rejected/{name}", uid, name, address, str(problem.code), problem.message)

    def of(self, uid: str) -> Rejection | None:
        """Return the rejections of the machine that registers with `uid`, `None` when there are none now."""
        alert = self._hub.alerts.get(f"rejected/{uid}")
        if alert is None:
            return None
        approval = alert.code == protocol.E_HOST_NOT_PREREGISTERED
        return Rejection(alert.message, alert.since, alert.last, alert.count, alert.addresses, approval)

    def registered(self, uid: str) -> None:
        """Note that `uid` was let in: whatever rejected it is over."""
        self._hub.alerts.drop(f"rejected/{clean(uid, 128)}")

    def handshake(self, address: str, error: ssl.SSLError) -> None:
        """Report that a peer broke off the TLS handshake, if its reason is one that an operator must fix."""
        reason = error.reason or ""
        for ending, (word, sentence) in ALERTS.items():
            if reason.endswith(ending):
                known = self._hub.state.by_address.get(address, set())
                uid = next(iter(known)) if len(known) == 1 else ""
                who = f"'{uid}' ({address})" if uid else address
                message = f"{who} {sentence}"
                if word != "PlaneNotTrusted":
                    message += f" The clock of this hub shows {clock_text(times.now())}."
                self._report(uid, uid or address, address, word, message, word)
                if self._comes_back(address):
                    self._alert(f"handshake/{address}", uid, uid or address, address, word, message)

    def _comes_back(self, address: str) -> bool:
        now = times.now()
        last, count = self._handshakes.pop(address, (now, 0))
        count = count + 1 if 0 <= now - last < QUIET else 1
        self._handshakes[address] = (now, count)
        while len(self._handshakes) > _MAX_REPORTED:
            self._handshakes.popitem(last=False)
        return count >= HANDSHAKES

    def _alert(self, key: str, uid: str, name: str, address: str, code: str, message: str) -> None:
        """Raise or count up the alert of a box, unless its address made up too many names."""
        now, alerts = times.now(), self._hub.alerts
        stored = alerts.get(key)
        if stored is not None and code == protocol.E_TOO_MANY:
            code, message = stored.code, stored.message  # the brake hides the reason, and does not replace it
        elif stored is None and not self._may_name(address, key, now):
            return
        text, hint = _TEXTS.get(code, (f"rejected: {message}", ""))
        entry, project = self._hub.state.hosts.get(uid), self._hub.state.default_project()
        where = entry.record.project_uid if entry else (project.uid if project else "")
        alerts.report(
            Alert(
                uid=key, kind="rejected", subject=name, text=text, message=message, hint=hint.replace("{uid}", name),
                code=code, project_uid=where, host_uids=(uid,) if entry else (), since=now, last=now, quiet=QUIET,
            ),
            address,
        )  # fmt: skip

    def _may_name(self, address: str, key: str, now: float) -> bool:
        address = network(address)
        began, names = self._names.pop(address, (now, set()))
        if not 0 <= now - began < AGAIN:
            began, names = now, set()
        self._names[address] = (began, names)
        while len(self._names) > _MAX_REPORTED:
            self._names.popitem(last=False)
        if key not in names and len(names) >= PER_ADDRESS:
            return False
        names.add(key)
        return True

    def _report(self, uid: str, name: str, address: str, reason: str, message: str, code: str) -> None:
        now = times.now()
        before = self._reported.pop((name, code), 0.0)
        if 0 <= now - before < AGAIN:  # a clock that was set back must not silence it for longer
            self._reported[(name, code)] = before
            return
        site = network(address)
        began, count = self._by_address.pop(site, (now, 0))
        began, count = (began, count) if 0 <= now - began < AGAIN else (now, 0)
        self._by_address[site] = (began, count + 1)
        if count >= PER_ADDRESS:
            return
        if uid not in self._hub.state.hosts and not self._strangers.take():
            log.warning("a rejection is not stored as an event: too many unknown names", extra={"peer": address})
            return
        self._reported[(name, code)] = now
        for memory in (self._reported, self._by_address):
            while len(memory) > _MAX_REPORTED:
                memory.popitem(last=False)
        hub = self._hub
        entry = hub.state.hosts.get(uid)
        project = hub.state.default_project()
        project_uid = entry.record.project_uid if entry else (project.uid if project else "")
        event = host_event(uid or name, name, "Warning", reason, message)
        hub.storage.deliver(lambda tx: store_event(hub.state, tx, event, project_uid))
