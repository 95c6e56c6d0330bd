"""Events and audit entries: the shapes of bodies in the API."""

from __future__ import annotations

from edgewright.hub.http.bodies import META, REFERENCE
from edgewright.hub.http.shapes import Shape, name, obj, text
from edgewright.wire import protocol

EVENT = obj(
    metadata=META,
    involvedObject=REFERENCE,
    relatedObject=obj(kind=text(64, *protocol.EVENT_KINDS), name=name(), uid=name()),
    message=text(),
    reason=text(256),
    severity=text(64),
    source=obj(component=text(256), host=text(256)),
)
EVENTS = Shape("list", item=EVENT, limit=100)
USER_MESSAGE = obj(userMsg=text(protocol.MAX_MESSAGE))
