"""Operations on hosts: the shapes of bodies and answers in the API."""

from __future__ import annotations

from edgewright.hub.http.shapes import ANY, INTEGER, WHEN, Shape, many, name, obj, optional, requiring, text
from edgewright.wire import protocol
from edgewright.wire.protocol import personal

OPERATION = obj(kind=name(64), params=Shape("map", item=ANY, limit=64))
PEM = text(personal.MAX_CERTIFICATE)
CHECKS = many(obj(id=text(64), state=text(16), text=text(), next=text()), 100)
RESULT = requiring(
    obj(
        state=text(32, *protocol.OPERATION_RESULTS),
        message=text(),
        finishedAt=WHEN,
        generation=INTEGER,
        checks=CHECKS,
        certificate=PEM,
        ca=PEM,
    ),
    "state",
)
OPERATION_SHOWN = obj(
    id=text(),
    hostUid=text(),
    kind=text(64, *protocol.OPERATION_KINDS, protocol.OP_KUBECONFIG),
    params=Shape("map", item=ANY),
    state=text(32, *protocol.OPERATION_STATES),
    generation=INTEGER,
    created=WHEN,
    deadline=WHEN,
    finished=optional(WHEN),
    actor=text(),
    result=optional(
        obj(
            state=text(),
            message=text(),
            finishedAt=WHEN,
            generation=INTEGER,
            checks=CHECKS,
            certificate=PEM,
            ca=PEM,
        )
    ),
)
