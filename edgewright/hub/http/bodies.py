"""Shapes of request bodies that several resources share, and that of a host (Palette's API 4.8, docs/protocol.md)."""

from __future__ import annotations

from edgewright.core.hosts.hosts import ARCHITECTURES, DEVICE_STATES, HOST_TYPES
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
    text,
)
from edgewright.wire import protocol

SECRET = name(512)
ON_OFF = text(16, "enabled", "disabled")

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
TUNNEL_CONFIG = obj(remoteSsh=ON_OFF, remoteSshTempUser=ON_OFF)
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
            hostAuthToken=SECRET,
            hostPairingKey=SECRET,
            hostChecksum=text(512),
            disableAutoRegister=FLAG,
            project=obj(name=name(), uid=name()),
            remoteSsh=ON_OFF,
            hostIdentity=ANY,
        ),
        tunnelConfig=TUNNEL_CONFIG,
        type_=text(32, *protocol.HOST_KINDS),
        version=text(),
        edgewright=HOST_EXTENSION,
    ),
    status=ANY,
)
ACTIVE = obj(isActive=FLAG)
FILTER_TEXT = obj(beginsWith=text(), contains=text(), eq=text(), ne=text(), ignoreCase=FLAG)


def sorted_by(*fields: str) -> Shape:
    """Return the shape of a list of sort keys by these fields."""
    return many(obj(field=text(64, *fields), order=text(8, "asc", "desc")), 8)
