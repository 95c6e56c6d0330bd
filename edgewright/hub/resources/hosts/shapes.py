"""Edge hosts: the shapes of bodies and answers in the API."""

from __future__ import annotations

from edgewright.core.hosts.hosts import ARCHITECTURES, HostState
from edgewright.hub.http.bodies import FILTER_TEXT, META, SECRET, TUNNEL_CONFIG, sorted_by
from edgewright.hub.http.shapes import ANY, FLAG, INTEGER, NUMBER, TEXTS, WHEN, many, name, obj, requiring, text
from edgewright.wire import protocol

HOST_CREATE = obj(
    metadata=META,
    spec=obj(archType=text(16, *ARCHITECTURES), hostPairingKey=SECRET, tunnelConfig=TUNNEL_CONFIG),
)
HEALTH = requiring(
    obj(
        state=text(16, "healthy", "unhealthy"),
        message=text(),
        agentVersion=text(128),
        edgewright=obj(
            seq=INTEGER,
            bootId=name(64),
            observedGeneration=ANY,
            lineage=text(64),
            address=text(64),
            mac=text(64),
            load1=NUMBER,
            cpuPercent=NUMBER,
            memoryUsedMB=NUMBER,
            uptimeSeconds=NUMBER,
            progress=ANY,
        ),
    ),
    "state",
)
PAIRING_KEY = obj(hostPairingKey=SECRET)
CHECKSUM = obj(hostCheckSum=text(512))
TUNNEL_STATUS = obj(
    ssh=obj(
        state=text(32, "Initiating", "Created", "Deleting", "Deleted", "Failed"),
        message=text(protocol.MAX_MESSAGE),
        lastModifiedTime=WHEN,
        user=obj(state=text(32, "Created", "Deleted", "Failed"), message=text(), credentials=ANY),
    )
)
HOSTS_FILTER = obj(
    filter=obj(name=FILTER_TEXT, states=many(text(32, *(state.value for state in HostState)))),
    sort=sorted_by("name", "state", "creationTimestamp", "lastModifiedTimestamp"),
)
_SORT = many(obj(field=text(64), order=text(8, "asc", "desc")), 8)
SEARCH = obj(filter=obj(conjunction=text(8, "and", "or"), filterGroups=many(ANY, 50)), sort=_SORT)
INTENT = requiring(
    obj(
        id=name(64),
        field=name(256),
        base=obj(generation=INTEGER, lineage=text(64), value=ANY),
        value=ANY,
        actor=text(256),
        at=WHEN,
        note=text(),
    ),
    "id",
    "field",
)
LOG = requiring(
    obj(operationId=name(64), offset=INTEGER, lines=many(text(protocol.MAX_LOG_LINE), 500), last=FLAG), "operationId"
)
INTENT_SHOWN = obj(
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
LOG_SHOWN = obj(operationId=text(), lines=TEXTS, complete=FLAG)
