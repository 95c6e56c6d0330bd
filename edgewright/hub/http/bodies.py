"""The shapes of the request bodies that the hub reads (from Palette's API description 4.8 and docs/protocol.md)."""

from __future__ import annotations

from edgewright.core.hosts.hosts import ARCHITECTURES, DEVICE_STATES, HOST_TYPES, HostState
from edgewright.core.roles import ROLES
from edgewright.hub.http.shapes import (
    ANNOTATIONS,
    ANY,
    FLAG,
    INTEGER,
    LABELS,
    NUMBER,
    TEXTS,
    WHEN,
    Shape,
    many,
    name,
    obj,
    requiring,
    text,
)
from edgewright.wire import protocol

_SECRET = name(512)
_ON_OFF = text(16, "enabled", "disabled")

META = obj(
    name=name(),
    uid=name(),
    labels=LABELS,
    annotations=ANNOTATIONS,
    creationTimestamp=WHEN,
    lastModifiedTimestamp=WHEN,
    deletionTimestamp=WHEN,
)
NAME = name()
PAGE = {"limit": INTEGER, "offset": INTEGER, "continue": text(256)}
"""The query of a list that `Call.page` cuts."""
NEWEST = {**PAGE, "orderBy": text(64)}
"""The query of a list from the database (`listing.newest`)."""
REFERENCE = obj(kind=name(), name=name(), uid=name())
NAMED = obj(metadata=META)

_PARTITION = obj(fileSystemType=text(), mountPoint=text(), freeSpace=INTEGER, totalSpace=INTEGER, usedSpace=INTEGER)
DEVICE = obj(
    archType=text(16, *ARCHITECTURES),
    cpu=obj(cores=INTEGER),
    memory=obj(sizeInMB=INTEGER),
    disks=many(obj(controller=text(), vendor=text(), size=INTEGER, partitions=many(_PARTITION)), 500),
    gpus=many(obj(vendor=text(), model=text(), gpuCount=INTEGER, memory=text(), addresses=ANNOTATIONS), 100),
    nics=many(
        obj(nicName=text(), ip=text(), macAddr=text(), gateway=text(), subnet=text(), isDefault=FLAG, dns=TEXTS), 1000
    ),
    os=obj(family=text(), version=text(), kernel=text(), kernelVersion=text()),
    hostState=text(32, *DEVICE_STATES),
    hostType=text(32, *HOST_TYPES),
    secureBoot=FLAG,
)
TUNNEL_CONFIG = obj(remoteSsh=_ON_OFF, remoteSshTempUser=_ON_OFF)
HOST_EXTENSION = obj(
    registrationId=name(64),
    simulated=FLAG,
    observed=FLAG,
    bootSlot=text(32),
    sshHostKeys=many(text(2048), 20),
    bootId=name(64),
    uptimeSeconds=NUMBER,
    load1=NUMBER,
    cpuPercent=NUMBER,
    memoryUsedMB=NUMBER,
    uidFrom=text(32),
    hardware=obj(machine=text(64), product=text(64)),
    siteName=text(),
)
HOST = obj(
    metadata=META,
    aclmeta=ANY,
    spec=obj(
        device=DEVICE,
        host=obj(
            hostUid=name(),
            hostAddress=text(256),
            macAddress=text(64),
            hostAuthToken=_SECRET,
            hostPairingKey=_SECRET,
            hostChecksum=text(512),
            disableAutoRegister=FLAG,
            project=obj(name=name(), uid=name()),
            remoteSsh=_ON_OFF,
            hostIdentity=ANY,
        ),
        tunnelConfig=TUNNEL_CONFIG,
        type_=text(32, *protocol.HOST_KINDS),
        version=text(),
        edgewright=HOST_EXTENSION,
    ),
    status=ANY,
)
HOST_CREATE = obj(
    metadata=META,
    spec=obj(archType=text(16, *ARCHITECTURES), hostPairingKey=_SECRET, tunnelConfig=TUNNEL_CONFIG),
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
        ),
    ),
    "state",
)
PAIRING_KEY = obj(hostPairingKey=_SECRET)
CHECKSUM = obj(hostCheckSum=text(512))
TUNNEL_STATUS = obj(
    ssh=obj(
        state=text(32, "Initiating", "Created", "Deleting", "Deleted", "Failed"),
        message=text(protocol.MAX_MESSAGE),
        lastModifiedTime=WHEN,
        user=obj(state=text(32, "Created", "Deleted", "Failed"), message=text(), credentials=ANY),
    )
)
TOKEN = obj(metadata=META, spec=obj(defaultProjectUid=name(), expiry=WHEN))
ACTIVE = obj(isActive=FLAG)
API_KEY = obj(metadata=META, spec=obj(expiry=WHEN, userUid=name(), edgewright=obj(role=text(16, *ROLES))))
API_KEY_UPDATE = obj(metadata=META, spec=obj(expiry=WHEN))
_TEAM_ROLES, _USER_ROLES = obj(teamId=name(), roles=TEXTS), obj(userId=name(), roles=TEXTS)
PROJECT = obj(metadata=META, spec=obj(logoUid=text(), teams=many(_TEAM_ROLES), users=many(_USER_ROLES)))
LOGIN = obj(emailId=name(), password=_SECRET, org=name())
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
_FILTER_TEXT = obj(beginsWith=text(), contains=text(), eq=text(), ne=text(), ignoreCase=FLAG)
_SORT = many(obj(field=text(64), order=text(8, "asc", "desc")), 8)


def _sort(*fields: str) -> Shape:
    return many(obj(field=text(64, *fields), order=text(8, "asc", "desc")), 8)


PROJECTS_FILTER = obj(filter=obj(name=_FILTER_TEXT), sort=_sort("name", "creationTimestamp", "lastModifiedTimestamp"))
HOSTS_FILTER = obj(
    filter=obj(name=_FILTER_TEXT, states=many(text(32, *(state.value for state in HostState)))),
    sort=_sort("name", "state", "creationTimestamp", "lastModifiedTimestamp"),
)
SEARCH = obj(filter=obj(conjunction=text(8, "and", "or"), filterGroups=many(ANY, 50)), sort=_SORT)
OPERATION = obj(kind=name(64), params=Shape("map", item=ANY, limit=64))
RESULT = requiring(
    obj(state=text(32, *protocol.OPERATION_RESULTS), message=text(), finishedAt=WHEN, generation=INTEGER), "state"
)
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
USER_MESSAGE = obj(userMsg=text(protocol.MAX_MESSAGE))
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
