"""Problems that the plane itself reports: alerts, hosts that wait for approval, tokens and certificates that end."""

from __future__ import annotations

from typing import NamedTuple, Optional, Tuple

from edgewright.core.hosts.states import CREDENTIAL_REFUSED, STATES
from edgewright.core.problems.problem import ATTENTION, CERTIFICATE, PLANE, REST, WARNING, Problem, owner_of
from edgewright.core.times import DAY, duration

CERTIFICATE_SOON = 30 * DAY
"""Seconds before the end of a certificate from which it is a problem."""
RENEWAL_LATE = 25 * DAY
"""The same for one that the plane renews by itself, 30 days before its end and tried every hour."""


class AlertState(NamedTuple):
    """An alert as the plane lists it (rule P39). `uids` are the hosts that exist, `hint` its next step."""

    uid: str
    kind: str
    code: str
    subject: str
    text: str
    hint: str
    since: Optional[float]
    owner: str
    uids: Tuple[str, ...] = ()
    state: str = ""
    """Key of the state of a machine that is rejected (`core.hosts.states`), empty for other alerts."""


_STEPS = {
    "rejected": "Read why it was rejected; give it a valid token or pairing key, or ignore it if it is not yours.",
    "duplicate-identity": "Find the second machine by its address and install it again with a UID of its own.",
    "duplicate-hardware": "Delete the record that is no longer used.",
    "plane": "Read the events of the management plane.",
}
_EVENTS = {
    "rejected": "reason:RegistrationRefused",
    "duplicate-identity": "reason:DuplicateIdentity",
    "duplicate-hardware": "reason:DuplicateHardware",
    "plane": "kind:hub",
}
"""Kind of an alert -> filter of the events that show its history."""


_CERTIFICATES = {"ca": "hub CA", "server": "hub server"}
"""Names of the plane's own certificates for people."""


def alert_key(uid: str, code: str) -> str:
    """Return the key of an alert's problem; another reason is another key, so it is news again."""
    return f"alert/{uid}/{code}"


def alert_problem(alert: AlertState) -> Problem:
    """Return the problem of an alert; one of kind `plane` is the management plane's own."""
    plane = alert.kind == "plane"
    events = _EVENTS.get(alert.kind, "")
    single = len(alert.uids) == 1
    return Problem(
        key=alert_key(alert.uid, alert.code),
        kind=alert.kind,
        harm=PLANE if plane else REST,
        subject="plane" if plane else alert.subject,
        text=alert.text,
        since=alert.since,
        owner="plane" if plane else STATES[alert.state].owner if alert.state else owner_of(alert.owner),
        uids=alert.uids,
        next_step=alert.hint or _STEPS.get(alert.kind, "Read its events."),
        action="event list",
        argument=events,
        section=ATTENTION,
        target=("host", alert.uids[0]) if single else ("events", events),
    )


def approval_problem(uid: str, name: str, reason: str, since: Optional[float]) -> Problem:
    """Return the problem of a host that waits for an operator's approval."""
    return Problem(
        key=f"host/{uid}/approval",
        kind="approval",
        harm=REST,
        subject=name,
        text=reason or "waits for approval",
        since=since,
        owner=STATES[CREDENTIAL_REFUSED].owner,
        uids=(uid,),
        next_step="Compare its UID with the one on the host's console, then register it.",
        action="host show",
        argument=uid,
        section=ATTENTION,
        target=("host", uid),
    )


def token_problem(uid: str, name: str, expiry: float, now: float) -> Problem:
    """Return the problem of a registration token that ends soon or has ended."""
    left = expiry - now
    ended = left <= 0
    return Problem(
        key=f"token/{uid}/{'ended' if ended else 'ends'}",
        kind="token",
        harm=REST,
        subject=name or uid,
        text=f"token ended {duration(-left)} ago" if ended else f"token ends in {duration(left)}",
        since=expiry if ended else None,
        owner="operator",
        next_step="Extend the token, or create a new one and build new installers with it.",
        action="token show",
        argument=uid,
        section=WARNING if ended else ATTENTION,
        target=("token", uid),
    )


def certificate_name(name: str) -> str:
    """Return how people call a certificate: `hub CA` for `ca`, `hub server` for `server`, else its name."""
    return _CERTIFICATES.get(name, name)


def certificate_problem(name: str, ends: float, now: float, renews: bool) -> Optional[Problem]:
    """Return the problem of a certificate that ends soon or has ended, `None` for any other.

    `name` is `ca` or `server` for the plane's own ones.

    `renews`: the plane renews it by itself, so it is a problem only when that is late.
    """
    left = ends - now
    if left >= (RENEWAL_LATE if renews else CERTIFICATE_SOON):
        return None
    step = (
        "The hub renews it by itself: read hub.log for why it did not."
        if renews
        else "Plan a new CA: hosts must trust it before the old one ends."
    )
    return Problem(
        key=f"certificate/{name}/{'ended' if left <= 0 else 'ends'}",
        kind="certificate",
        harm=CERTIFICATE,
        subject=certificate_name(name),
        text=f"certificate ended {duration(-left)} ago" if left <= 0 else f"certificate ends in {duration(left)}",
        since=ends if left <= 0 else None,
        owner="plane" if renews else "operator",
        next_step=step,
        action="event list",
        argument="kind:hub",
        section=ATTENTION,
        target=("events", "kind:hub"),
    )
