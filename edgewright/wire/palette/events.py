"""Component events: views over `v1Event`, and how one is made."""

from __future__ import annotations

from typing import Any, Dict

from edgewright.core import times
from edgewright.wire.document import Document, each, text, when
from edgewright.wire.palette.listmeta import ListMeta

KIND_HOST = "edgehost"
KIND_CLUSTER = "spectrocluster"


class ComponentEvent(Document):
    """Something that happened to a host or a cluster."""

    uid = text("metadata.uid")
    created = when("metadata.creationTimestamp")
    message = text("message")
    reason = text("reason")
    severity = text("severity")
    object_kind = text("involvedObject.kind")
    object_uid = text("involvedObject.uid")
    object_name = text("involvedObject.name")
    related_kind = text("relatedObject.kind")
    related_uid = text("relatedObject.uid")
    related_name = text("relatedObject.name")
    component = text("source.component")
    host = text("source.host")


class EventsPage(Document):
    """One page of events (`v1Events`)."""

    items = each("items", ComponentEvent)

    @property
    def listmeta(self) -> ListMeta:
        """Return the paging block; an empty one when the plane sent none."""
        return ListMeta.of(self)


WARNINGS = ("StepFailed", "StepNeedsOperator")


def event_body(
    *,
    uid: str,
    at: float,
    kind: str,
    object_uid: str,
    object_name: str,
    reason: str,
    message: str,
    severity: str = "",
    component: str = "agent",
) -> Dict[str, Any]:
    """Return a `v1Event`; `uid` is made by the sender so that a repeated POST is stored once (P21).

    Without a severity it is that of its reason: Info, but a warning for a step that failed (P70).
    """
    return {
        "metadata": {"uid": uid, "name": reason, "creationTimestamp": times.rfc3339(at)},
        "involvedObject": {"kind": kind, "uid": object_uid, "name": object_name},
        "relatedObject": {"kind": kind, "uid": object_uid, "name": object_name},
        "reason": reason,
        "message": message,
        "severity": severity or ("Warning" if reason in WARNINGS else "Info"),
        "source": {"component": component, "host": object_uid},
    }
