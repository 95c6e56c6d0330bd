"""Alerts, who handles problems, and receivers: the shapes of bodies and answers in the API."""

from __future__ import annotations

from edgewright.hub.http.shapes import (
    ANY,
    FLAG,
    INTEGER,
    NUMBER,
    TEXTS,
    WHEN,
    Shape,
    many,
    name,
    obj,
    optional,
    requiring,
    text,
)
from edgewright.wire import protocol

HANDLING = obj(
    acknowledged=FLAG, assignee=name(protocol.MAX_ASSIGNEE), note=name(protocol.MAX_NOTE), silencedUntil=WHEN
)
_PEM = text(32_768)
RECEIVER = requiring(
    obj(
        name=name(128),
        kind=text(16, "webhook", "email"),
        active=FLAG,
        repeat=NUMBER,
        webhook=obj(
            url=name(2048), headers=Shape("map", item=name(1024), limit=16), body=text(16_384), key=name(256), ca=_PEM
        ),
        email=obj(
            to=many(name(320), 50),
            from_=name(320),
            host=name(253),
            port=INTEGER,
            tls=text(16, "starttls", "tls", "none"),
            user=name(320),
            password=name(1024),
            ca=_PEM,
        ),
    ),
    "name",
    "kind",
)
_HTTP = obj(method=text(16), url=name(2048), headers=Shape("map", item=name(1024), limit=16), body=text(16_384))
CHANNEL = obj(
    uid=name(64),
    type_=text(16, "email", "app", "http"),
    isActive=FLAG,
    alertAllUsers=FLAG,
    createdBy=text(),
    identifiers=many(name(320), 50),
    http=_HTTP,
    status=ANY,
)
ALERT_ENTITY = obj(channels=many(CHANNEL, 20))
RECEIVER_STATE = requiring(obj(active=FLAG), "active")
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
HANDLING_SHOWN = obj(
    key=text(),
    acknowledgedBy=text(),
    acknowledgedAt=optional(WHEN),
    assignee=text(),
    note=text(),
    silencedUntil=optional(WHEN),
    updatedBy=text(),
    updatedAt=WHEN,
)
RECEIVER_SHOWN = obj(
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
RECEIVER_MADE = obj(uid=text(), key=text())
TESTED = obj(deliveryId=text(), delivered=FLAG, error=text())
