"""The shapes of what the hub's own API (`/edgewright/v1`) answers, for its description.

Nothing is checked by them at run time; tests compare each with what a running hub sends.
"""

from __future__ import annotations

from edgewright.hub.http.shapes import ANY, FLAG, INTEGER, NUMBER, TEXTS, WHEN, Shape, many, obj, optional, text
from edgewright.wire import protocol

_COUNTS = obj(count=INTEGER, healthy=INTEGER, unhealthy=INTEGER, unknown=INTEGER)
MADE = obj(uid=text())


def items(shape: Shape) -> Shape:
    """Return the shape of a list that is not paged."""
    return obj(items=many(shape))


FEATURES = obj(
    product=text(),
    version=text(),
    apiVersion=INTEGER,
    stream=text(),
    beats=NUMBER,
    pageLimit=INTEGER,
    started=WHEN,
    now=WHEN,
    heartbeat=NUMBER,
    silenceLimit=NUMBER,
    listen=text(),
    advertise=TEXTS,
    certificates=many(obj(name=text(), ends=WHEN, renewed=FLAG)),
)
STATUS = obj(
    version=text(),
    started=WHEN,
    uptimeSeconds=INTEGER,
    hosts=_COUNTS,
    heartbeatsPerSecond=NUMBER,
    streams=INTEGER,
    lineage=text(),
    lineageSince=WHEN,
    databaseBytes=INTEGER,
    freeBytes=INTEGER,
    caEnds=WHEN,
    clockDoubted=optional(text()),
    storage=text(),
    storageNext=optional(text()),
    storageWaiting=INTEGER,
)
OPERATION = obj(
    id=text(),
    hostUid=text(),
    kind=text(64, *protocol.OPERATION_KINDS),
    params=Shape("map", item=ANY),
    state=text(32, *protocol.OPERATION_STATES),
    generation=INTEGER,
    created=WHEN,
    deadline=WHEN,
    finished=optional(WHEN),
    actor=text(),
    result=optional(obj(state=text(), message=text(), finishedAt=WHEN, generation=INTEGER)),
)
INTENT = obj(
    id=text(),
    hostUid=text(),
    field=text(),
    base=obj(generation=INTEGER, value=ANY),
    value=ANY,
    actor=text(),
    at=WHEN,
    note=text(),
    state=text(32, *protocol.INTENT_STATES),
    received=WHEN,
)
LOG = obj(operationId=text(), lines=TEXTS, complete=FLAG)
TOKEN_HOST = obj(uid=text(), name=text(), registeredAt=WHEN, healthState=text(), projectUid=text())
ALERT = obj(
    uid=text(),
    kind=text(),
    subject=text(),
    text=text(),
    message=text(),
    hint=text(),
    code=text(),
    hostUids=TEXTS,
    addresses=TEXTS,
    since=WHEN,
    last=WHEN,
    count=INTEGER,
    owner=text(),
)
TESTED = obj(deliveryId=text(), delivered=FLAG, error=text())
HANDLING = obj(
    key=text(),
    acknowledgedBy=text(),
    acknowledgedAt=optional(WHEN),
    assignee=text(),
    note=text(),
    silencedUntil=optional(WHEN),
    updatedBy=text(),
    updatedAt=WHEN,
)
RECEIVER = obj(
    uid=text(),
    name=text(),
    kind=text(16, "webhook", "email"),
    projectUid=text(),
    active=FLAG,
    repeat=NUMBER,
    target=text(),
    ca=text(),
    headers=TEXTS,
    ownBody=FLAG,
    to=TEXTS,
    from_=text(),
    host=text(),
    port=INTEGER,
    tls=text(),
    user=text(),
    created=WHEN,
    status=obj(
        waiting=INTEGER,
        dropped=INTEGER,
        lastSuccess=optional(WHEN),
        lastFailure=optional(WHEN),
        lastError=text(),
    ),
)
"""`headers` and `ownBody` are of a webhook, `to` to `user` of e-mail."""
ACTIVATED = obj(uid=text(), emailId=text(), apiKey=text())
RECEIVER_MADE = obj(uid=text(), key=text())
STREAM = text()
"""Server-sent events; what they carry is in docs/protocol.md, rule P33."""
OPENAPI = ANY
