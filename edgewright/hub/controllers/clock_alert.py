"""The clock in doubt as an alert of the plane and as events (rule P41), so that it is set in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.core import times
from edgewright.core.certificate_clock import clock_text
from edgewright.hub.db.events import plane_event, store_event
from edgewright.hub.readmodel.alert_board import PLANE, Alert

if TYPE_CHECKING:
    from edgewright.hub.services import Services

ALERT = "plane/clock"
DOUBTED, BELIEVED = "ClockDoubted", "ClockBelieved"
"""Reasons of the two events."""
_HINT = "If it is right, nothing needs to be done: it is believed after a day of running."


def report(hub: Services) -> None:
    """Raise or end the alert after the doubt changed; a hub that may only have been off for long raises none."""
    clock, now = hub.clock, times.now()
    raised = hub.alerts.get(ALERT) is not None
    if not clock.doubt:
        hub.alerts.drop(ALERT)
        if raised:
            _event(hub, "Info", BELIEVED, f"The clock of this hub is believed again; it shows {clock_text(now)}.")
        return
    if clock.only_away:
        return
    message = f"{clock.doubt} Nothing is deleted for its age until it is believed again."
    hub.alerts.report(
        Alert(
            uid=ALERT, kind=PLANE, subject="management plane", text="clock in doubt", message=message,
            hint=f"{clock.step} {_HINT}", code=DOUBTED, project_uid="", host_uids=(), since=now, last=now, quiet=None,
        )
    )  # fmt: skip
    if not raised:
        _event(hub, "Warning", DOUBTED, message)


def _event(hub: Services, severity: str, reason: str, message: str) -> None:
    project = hub.state.default_project()
    event = plane_event(hub.state.tenant_uid, severity, reason, message)
    hub.storage.deliver(lambda tx: store_event(hub.state, tx, event, project.uid if project else ""))
