"""Rows of the read model: what a table shows of one thing, plain, clean and small.

A row is made from a plane's document once, when the document arrives. Every text in it has passed
`core.text.clean`, so it may go to a terminal as it is. Times are epoch seconds UTC; an unknown number or time is
`None`, an unknown text is `""`.
"""

from __future__ import annotations

import msgspec


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What all rows share: fields are reached by name, so that filters and sorting need no table of their own."""

    def get(self, field: str) -> object:
        """Return the value of `field`; `None` for a field that this kind of row does not have.

        `tag.NAME` gives the value of the tag NAME (`""` for a tag without a value, `None` when it is not there).
        """
        if field in self.__struct_fields__:
            value: object = getattr(self, field)
            return value
        return None


class HostRow(Row, frozen=True, array_like=True, gc=False):
    """One edge host.

    `state` is unpaired, ready or in-use; `health` is healthy, unhealthy or unknown; the two are never mixed. `who`
    is the owner: host, plane, person (an operator) or no one. `deadline` is when the present state becomes overdue.
    `last_seen` is the last heartbeat, `fetched_at` when this copy came from the plane.
    """

    uid: str
    name: str = ""
    project_uid: str = ""
    state: str = ""
    health: str = "unknown"
    reason: str = ""
    since: float | None = None
    deadline: float | None = None
    who: str = ""
    last_seen: float | None = None
    site: str = ""
    tags: tuple[str, ...] = ()
    cpu: int | None = None
    memory_mb: int | None = None
    disk_percent: float | None = None
    cpu_percent: float | None = None
    memory_percent: float | None = None
    os: str = ""
    kernel: str = ""
    ip: str = ""
    mac: str = ""
    arch: str = ""
    gpu: str = ""
    cluster: str = ""
    agent: str = ""
    host_type: str = ""
    boot_slot: str = ""
    address: str = ""
    created: float | None = None
    modified: float | None = None
    simulated: bool = False
    observed: bool = False
    token_uid: str = ""
    fetched_at: float = 0.0
    token_name: str = ""
    registered: float | None = None
    heartbeats: int | None = None
    silence_limit: float | None = None
    disk_mount: str = ""
    """Mount point of the fullest partition, the one that `disk_percent` speaks of."""

    def get(self, field: str) -> object:
        """Return the value of `field`, or of a tag for `tag.NAME`; `None` when there is no such thing."""
        if field.startswith("tag."):
            return tag_value(self.tags, field[4:])
        return Row.get(self, field)


class TokenRow(Row, frozen=True, array_like=True, gc=False):
    """One registration token. Its secret is never stored in a row, a cache or a recording."""

    uid: str
    name: str = ""
    description: str = ""
    project_uid: str = ""
    project: str = ""
    active: bool = False
    expiry: float | None = None
    created: float | None = None
    modified: float | None = None
    fetched_at: float = 0.0


class EventRow(Row, frozen=True, array_like=True, gc=False):
    """One component event as the plane sends it."""

    uid: str
    at: float = 0.0
    severity: str = ""
    reason: str = ""
    message: str = ""
    kind: str = ""
    object_uid: str = ""
    object_name: str = ""
    component: str = ""
    host: str = ""


class AuditRow(Row, frozen=True, array_like=True, gc=False):
    """One audit entry: who did what to which thing, when and from where."""

    uid: str
    at: float = 0.0
    action: str = ""
    actor: str = ""
    actor_type: str = ""
    kind: str = ""
    resource_uid: str = ""
    resource: str = ""
    message: str = ""
    note: str = ""
    project_uid: str = ""
    project: str = ""
    address: str = ""


class OperationRow(Row, frozen=True, array_like=True, gc=False):
    """Something that a host was asked to do.

    `state` is pending, succeeded, failed, refused or expired; `finished` is when a result came, `message` its text.
    `at` is when it was asked.
    """

    uid: str
    at: float = 0.0
    host_uid: str = ""
    kind: str = ""
    state: str = ""
    deadline: float | None = None
    finished: float | None = None
    actor: str = ""
    message: str = ""


PLANE = "plane"
"""Kind of an alert about the management plane itself, for example that it cannot store."""


class AlertRow(Row, frozen=True, array_like=True, gc=False):
    """Something that needs an operator and is not the state of a host: a rejected box, two machines with one identity.

    `text` is the short form, `message` and `hint` are sentences; `last` is when its cause was seen last, `count` how
    often. `code` is the reason word of the plane.
    """

    uid: str
    kind: str = ""
    subject: str = ""
    text: str = ""
    message: str = ""
    hint: str = ""
    code: str = ""
    host_uids: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    since: float | None = None
    last: float | None = None
    count: int = 0
    owner: str = ""

    @property
    def problem(self) -> str:
        """Return the key under which it is acknowledged; another reason is another key, so it is news again."""
        return f"alert/{self.uid}/{self.code}"


class HandlingRow(Row, frozen=True, array_like=True, gc=False):
    """Who handles a problem, as the plane stores it for every console. `key` is that of the problem.

    Unset times are `None`, unset texts `""`; a silence has ended when `silenced_until` is in the past.
    """

    key: str
    acknowledged_by: str = ""
    acknowledged_at: float | None = None
    assignee: str = ""
    note: str = ""
    silenced_until: float | None = None
    updated_by: str = ""
    updated_at: float = 0.0

    def silenced(self, now: float) -> bool:
        """Whether the problem is silenced at `now` (epoch seconds)."""
        return self.silenced_until is not None and now < self.silenced_until


class ProjectRow(Row, frozen=True, array_like=True, gc=False):
    """One project of the tenant."""

    uid: str
    name: str = ""
    description: str = ""


class MessageRow(Row, frozen=True, array_like=True, gc=False):
    """One line of the message log; `level` is info, ok, warn or bad, `reply` a key or command that was refused."""

    seq: int
    at: float = 0.0
    level: str = "info"
    text: str = ""
    reply: bool = False


def tag_value(tags: tuple[str, ...], name: str) -> str | None:
    """Return the value of the tag `name` among `key:value` texts, `""` when it has none, `None` when not there."""
    prefix = name + ":"
    for tag in tags:
        if tag == name:
            return ""
        if tag.startswith(prefix):
            return tag[len(prefix) :]
    return None
