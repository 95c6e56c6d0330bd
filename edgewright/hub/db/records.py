"""Rows of the database as typed records, and the live part of a host that only memory and heartbeats know."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import msgspec

from edgewright.core.text import clean
from edgewright.hub.db import schema
from edgewright.hub.db.beats import Beat
from edgewright.hub.readmodel.facts import Facts, read_facts
from edgewright.wire.protocol import PROGRESS


class ProjectRecord(msgspec.Struct, frozen=True):
    """A project."""

    uid: str
    name: str
    doc: str
    created: float
    modified: float


class SettingRecord(msgspec.Struct, frozen=True):
    """A setting of the plane, such as its lineage."""

    key: str
    value: str


class RevokedCredentials(msgspec.Struct, frozen=True):
    """The hashes of credentials of a host that was deleted (rule P16)."""

    host_uid: str
    hashes: tuple[str, ...]


class KeyRecord(msgspec.Struct, frozen=True):
    """An API key; its text is not stored, only the hash."""

    uid: str
    name: str
    key_hash: str
    role: str
    user_uid: str
    active: bool
    expiry: float | None
    doc: str
    created: float
    modified: float


class UserRecord(msgspec.Struct, frozen=True):
    """A user of the tenant; `role` has the roles for the tenant, separated by spaces, which may be none."""

    uid: str
    email: str
    first_name: str
    last_name: str
    role: str
    created: float
    active: bool = True
    doc: str = "{}"
    modified: float | None = None
    last_sign_in: float | None = None
    activation_hash: str | None = None
    activation_encrypted: str | None = None
    activation_until: float | None = None
    """Until when the activation code, which admins read back, is accepted."""

    @property
    def roles(self) -> tuple[str, ...]:
        """Return the roles for the tenant."""
        return tuple(self.role.split())


class UserProjectRoles(msgspec.Struct, frozen=True):
    """All roles of a user in projects, by uid of the project."""

    user_uid: str
    roles: dict[str, tuple[str, ...]]


class SshKeyRecord(msgspec.Struct, frozen=True):
    """An SSH public key of a project, or of the tenant (`project_uid` empty)."""

    uid: str
    name: str
    project_uid: str
    public_key: str
    fingerprint: str
    doc: str
    created: float
    modified: float


class FilterRecord(msgspec.Struct, frozen=True):
    """A tag filter; `doc` has its spec."""

    uid: str
    name: str
    doc: str
    created: float
    modified: float


class TokenRecord(msgspec.Struct, frozen=True):
    """A registration token; clients read it back, so it is encrypted and not only hashed."""

    uid: str
    name: str
    secret_hash: str
    secret_encrypted: str
    project_uid: str | None
    active: bool
    expiry: float | None
    doc: str
    created: float
    modified: float


class HostRecord(msgspec.Struct, frozen=True):
    """The durable part of an edge host apart from its heartbeats; `doc` is the document as stored."""

    uid: str
    project_uid: str
    state: str
    doc: str
    created: float
    modified: float
    generation: int
    registered_at: float | None
    registration_hash: str | None
    credential_hash: str | None
    pending_hash: str | None
    pairing_hash: str | None
    token_uid: str | None
    address: str


_encode = msgspec.json.Encoder().encode


_REPEATED = tuple(HostRecord.__struct_fields__.index(name) for name in ("project_uid", "state", "token_uid"))


def loaded_host(row: Any) -> HostRecord:
    """Return a host from a row of `hosts`; texts that a fleet repeats are one object, not one for each host."""
    values: list[Any] = list(row)
    for place in _REPEATED:
        if values[place] is not None:
            values[place] = sys.intern(values[place])
    return HostRecord(*values)


class Sender(NamedTuple):
    """Where a heartbeat came from: the peer of its connection, and the address and MAC that its agent reports."""

    peer: str = ""
    address: str = ""
    mac: str = ""

    @property
    def text(self) -> str:
        """Return it as messages name it."""
        where = clean(self.address, 64) or clean(self.peer, 64) or "an unknown address"
        return f"{where} (MAC {clean(self.mac, 64)})" if self.mac else where


_NO_SENDER = Sender()


class Duplicate(NamedTuple):
    """That two machines report as one host: what it means, since when, and until when without another sign."""

    message: str
    since: float
    until: float


class Live:
    """What moves with every heartbeat. Changed on the event loop only."""

    __slots__ = (
        "agent_version",
        "at",
        "boot_id",
        "clock_offset",
        "count",
        "deadline",
        "duplicate",
        "excused",
        "health",
        "lineage",
        "message",
        "observed_generation",
        "progress",
        "published",
        "reason",
        "replaced_boots",
        "sender",
        "seq",
        "since",
        "state",
        "urgent",
        "vitals",
        "watched",
        "who",
    )

    def __init__(self) -> None:
        self.at: float | None = None
        self.count = 0
        self.boot_id = ""
        self.seq = -1
        self.replaced_boots: tuple[str, ...] = ()
        self.state = ""
        self.message = ""
        self.agent_version = ""
        self.observed_generation = 0
        self.vitals: dict[str, Any] = {}
        self.progress: dict[str, Any] | None = None
        """Where the work of the host is (P69); stored with the vital signs of its heartbeat, never logged."""
        self.health = "unknown"
        self.reason = ""
        self.since: float | None = None
        self.deadline: float | None = None
        self.clock_offset: float | None = None
        """Clock of the host minus that of the hub at the last heartbeat, seconds; `None` when it did not report it."""
        self.excused = 0.0
        """Seconds since the last heartbeat that are no silence, since the hub was in trouble (rules P42, P43)."""
        self.urgent = False
        """Whether the last answer asked for heartbeats every 2 s (rule P76)."""
        self.lineage = ""
        """The present lineage once the host has named it in a full heartbeat to this process (rule P75)."""
        self.sender = _NO_SENDER
        self.duplicate: Duplicate | None = None
        self.who = "nobody"
        self.published = 0.0
        self.watched = False
        """Whether a search finds something else after the next heartbeat, even one that reports the same: it is late,
        or has an interval of its own (`readmodel/index/moments.py`)."""

    @classmethod
    def from_row(cls, row: Any) -> Live:
        """Return the live part from a row of `heartbeats`."""
        live = cls()
        live.at, live.count, live.boot_id, live.seq = row.at, row.count, row.boot_id, row.seq
        live.state, live.agent_version = sys.intern(row.state), sys.intern(row.agent_version)
        live.message = row.message
        live.observed_generation = row.observed_generation
        live.vitals = msgspec.json.decode(row.vitals)
        live.progress = live.vitals.pop(PROGRESS, None)
        live.replaced_boots = msgspec.json.decode(row.gone_boots, type=tuple[str, ...])
        # it reported so at its last heartbeat; without it each beat would begin again
        live.since = row.at if row.state else None
        return live

    def is_older(self, row: Any) -> bool:
        """Return whether a row of `heartbeats` is of a later heartbeat than this, or of one that came first (P17)."""
        if row.boot_id == self.boot_id:
            return bool(row.seq >= self.seq)
        return self.boot_id == "" or self.boot_id in _boots(row)

    def follow(self, row: Any) -> None:
        """Take a later heartbeat that another hub stored; what this hub judged stays until it judges again."""
        self.count, self.boot_id, self.seq = row.count, row.boot_id, row.seq
        self.state, self.message, self.agent_version = row.state, row.message, row.agent_version
        self.vitals = msgspec.json.decode(row.vitals)
        self.progress = self.vitals.pop(PROGRESS, None)
        self.replaced_boots = _boots(row)
        self.at = max(self.at or 0.0, row.at or 0.0) or None
        self.observed_generation = max(self.observed_generation, row.observed_generation)

    def _stored_vitals(self) -> str:
        vitals = self.vitals if self.progress is None else {**self.vitals, PROGRESS: self.progress}
        return _encode(vitals).decode()

    def beat(self, uid: str, over: int, add: int, force: int) -> Beat:
        """Return the present heartbeat for the writer; see `Beat` for `over`, `add` and `force`."""
        return Beat(
            uid,
            self.at,
            add,
            self.boot_id,
            self.seq,
            over,
            force,
            self.state,
            self.message,
            self.agent_version,
            self.observed_generation,
            self._stored_vitals(),
            self.count,
        )

    def row(self, uid: str) -> dict[str, Any]:
        """Return the values of the durable row, keyed by column; `host` is the uid."""
        return {
            "host": uid,
            "at": self.at,
            "count": self.count,
            "boot_id": self.boot_id,
            "seq": self.seq,
            "state": self.state,
            "message": self.message,
            "agent_version": self.agent_version,
            "observed_generation": self.observed_generation,
            "vitals": self._stored_vitals(),
            "gone_boots": msgspec.json.encode(self.replaced_boots).decode() if self.replaced_boots else "[]",
        }


Order = tuple[str, str, str]
"""The position of a host in lists: by name, then by uid, both without case; the last one is the uid."""


def _boots(row: Any) -> tuple[str, ...]:
    return () if row.gone_boots == "[]" else msgspec.json.decode(row.gone_boots, type=tuple[str, ...])


class HostEntry:
    """A host in memory: its durable record, its live part, and what is read often of its document."""

    __slots__ = ("facts", "live", "record", "silent_mark")
    facts: Facts
    record: HostRecord

    def __init__(self, record: HostRecord, live: Live) -> None:
        self.live = live
        self.silent_mark = False
        self.replace(record)

    def replace(self, record: HostRecord) -> None:
        """Take a newer record."""
        self.record = record
        self.facts = read_facts(record.uid, self.document())

    @property
    def order(self) -> Order:
        """Return the position of the host in lists."""
        name, uid = self.facts.name, self.record.uid
        return name.casefold(), uid.casefold(), uid

    @property
    def observed(self) -> bool:
        """Return whether the host is only watched (rule P27)."""
        return bool(self.facts.observed)

    def document(self) -> dict[str, Any]:
        """Return the stored document as a fresh dictionary."""
        document: dict[str, Any] = msgspec.json.decode(self.record.doc)
        return document


def dump(document: Any) -> str:
    """Return a document as the text that is stored."""
    return msgspec.json.encode(document).decode()


def new_beat_row(uid: str) -> Any:
    """Return the insert of a host's empty heartbeat row."""
    values = Live().row(uid)
    values["uid"] = values.pop("host")
    return schema.heartbeats.insert().values(values)
