"""The hub itself: the shapes of answers in the API."""

from __future__ import annotations

from edgewright.hub.http.shapes import ANY, FLAG, INTEGER, NUMBER, TEXTS, WHEN, many, obj, optional, text

_COUNTS = obj(count=INTEGER, healthy=INTEGER, unhealthy=INTEGER, unknown=INTEGER)
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
    hubs=optional(
        many(
            obj(
                id=text(),
                address=text(),
                version=text(),
                since=WHEN,
                lastSeen=WHEN,
                ageSeconds=NUMBER,
                state=text(),
                tasks=TEXTS,
                this=FLAG,
            )
        )
    ),
)
STREAM = text()
"""Server-sent events; what they carry is in docs/protocol.md, rule P33."""
OPENAPI = ANY
