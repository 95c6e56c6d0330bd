"""What the hub has in memory: every record by uid, every secret's hash, the live part of each host.

The database is the truth; memory follows its change log (`readmodel/memory.py`). Read and changed on the event loop
only, apart from the first load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, select

from edgewright.core.roles import Grants, highest
from edgewright.hub.db import schema
from edgewright.hub.db.changelog import log as changelog
from edgewright.hub.db.records import (
    FilterRecord,
    HostEntry,
    HostRecord,
    KeyRecord,
    Live,
    ProjectRecord,
    RevokedCredentials,
    SettingRecord,
    SshKeyRecord,
    UserProjectRoles,
    UserRecord,
    loaded_host,
)
from edgewright.hub.readmodel.pending_work import PendingWork

DEFAULT_PROJECT = "Default"
_ROWS = 500
"""Rows of hosts that are read at a time."""


class State:
    """The hub's read model."""

    def __init__(self) -> None:
        self.seq = 0
        """The number of the newest change of the log when it was loaded."""
        self.settings: dict[str, str] = {}
        self.projects: dict[str, ProjectRecord] = {}
        self.users: dict[str, UserRecord] = {}
        self.project_roles: dict[str, dict[str, tuple[str, ...]]] = {}
        """User uid -> project uid -> roles of the user there."""
        self.ssh_keys: dict[str, SshKeyRecord] = {}
        self.filters: dict[str, FilterRecord] = {}
        self.keys: dict[str, KeyRecord] = {}
        self.keys_by_hash: dict[str, KeyRecord] = {}
        self.keys_by_user: dict[str, set[str]] = {}
        """User uid -> uids of the keys."""
        self._grants: dict[str, Grants] = {}
        """User uid -> what the user may do, until it changes: it is asked at each request and piece of a stream."""
        self.hosts: dict[str, HostEntry] = {}
        self.credentials: dict[str, HostEntry] = {}
        self.revoked: dict[str, str] = {}
        self.loaded: dict[type, list[Any]] = {}
        """Records that a resource read at the start for a part of its own, by type."""
        self.hosts_by_token: dict[str, set[str]] = {}
        """Token uid -> uids of the hosts registered with it."""
        self.by_address: dict[str, set[str]] = {}
        """Address of the last registration -> uids of the hosts that came from it."""
        self.access_changed: Callable[[], None] = lambda: None
        """Called when a key, and with it what a user may do, has changed."""
        self.pending_work = PendingWork()
        """Which hosts have an operation without a result."""
        self.moved: set[str] = set()
        """Uids of hosts that came, were deleted, or of which a search may find something else since the index looked
        (`readmodel/index`). A heartbeat that reports the same as the last one is none of these."""
        self.version = 0
        """Rises with each change of a host's record; the order of all hosts is cached for one version."""

    def load(self, connection: Connection) -> None:
        """Read everything from the database."""

        def rows(table: Any) -> list[Any]:
            return list(connection.execute(select(table)))

        def stream(table: Any) -> Iterator[Any]:  # all rows of a fleet at once would be half of its memory again
            yield from connection.execution_options(yield_per=_ROWS).execute(select(table))

        self.seq = changelog.head(connection)  # first: what changes meanwhile is followed again, which changes nothing
        self.settings = {row.key: row.value for row in rows(schema.settings)}
        for row in rows(schema.projects):
            self.put_project(ProjectRecord(**row._mapping))
        for row in rows(schema.users):
            self.users[row.uid] = UserRecord(**row._mapping)
        for row in rows(schema.project_roles):
            self.project_roles.setdefault(row.user_uid, {})[row.project_uid] = tuple(row.roles.split())
        self.ssh_keys = {row.uid: SshKeyRecord(**row._mapping) for row in rows(schema.ssh_keys)}
        self.filters = {row.uid: FilterRecord(**row._mapping) for row in rows(schema.tag_filters)}
        for row in rows(schema.api_keys):
            self.put_key(KeyRecord(**row._mapping))
        lives = {row.uid: Live.from_row(row) for row in stream(schema.heartbeats)}
        for row in stream(schema.hosts):
            self.put_host(loaded_host(row), lives.pop(row.uid, None) or Live())
        self.revoked = {row.hash: row.host_uid for row in rows(schema.revoked_credentials)}

    @property
    def tenant_uid(self) -> str:
        """Return the uid of the one tenant."""
        return self.settings.get("tenant_uid", "")

    def put_project(self, record: ProjectRecord) -> None:
        """Take a project that became durable."""
        self.projects[record.uid] = record

    def drop_project(self, uid: str) -> None:
        """Drop a project, with the roles of users in it."""
        self.projects.pop(uid, None)
        for user, roles in list(self.project_roles.items()):
            if roles.pop(uid, None) is not None and not roles:
                del self.project_roles[user]
        self._grants.clear()
        self.access_changed()

    def project_named(self, name: str) -> ProjectRecord | None:
        """Return the project of a name."""
        return next((record for record in self.projects.values() if record.name == name), None)

    def default_project(self) -> ProjectRecord | None:
        """Return the project `Default`, else the only one there is."""
        result = self.project_named(DEFAULT_PROJECT)
        return result or (next(iter(self.projects.values())) if len(self.projects) == 1 else None)

    def put_user(self, record: UserRecord) -> None:
        """Store a user that became durable."""
        self.users[record.uid] = record
        self._grants.pop(record.uid, None)
        self.access_changed()

    def put_project_roles(self, record: UserProjectRoles) -> None:
        """Store the roles of a user in projects that became durable."""
        if record.roles:
            self.project_roles[record.user_uid] = dict(record.roles)
        else:
            self.project_roles.pop(record.user_uid, None)
        self._grants.pop(record.user_uid, None)
        self.access_changed()

    def drop_user(self, uid: str) -> None:
        """Drop a user with the API keys."""
        self.users.pop(uid, None)
        self.project_roles.pop(uid, None)
        self._grants.pop(uid, None)
        for key in list(self.keys_by_user.pop(uid, ())):
            self.drop_key(key)
        self.access_changed()

    def put_ssh_key(self, record: SshKeyRecord) -> None:
        """Store an SSH key that became durable."""
        self.ssh_keys[record.uid] = record

    def put_filter(self, record: FilterRecord) -> None:
        """Store a tag filter that became durable."""
        self.filters[record.uid] = record

    def grants(self, user_uid: str) -> Grants:
        """Return what a user may do; nothing for one that does not exist."""
        result = self._grants.get(user_uid)
        if result is None:
            user, projects = self.users.get(user_uid), self.project_roles.get(user_uid) or {}
            in_projects = {uid: highest(roles) for uid, roles in projects.items()}
            result = self._grants[user_uid] = Grants(highest(user.roles) if user else "", in_projects)
        return result

    def put_key(self, record: KeyRecord) -> None:
        """Take an API key that became durable."""
        self.keys[record.uid] = record
        self.keys_by_hash[record.key_hash] = record
        self.keys_by_user.setdefault(record.user_uid, set()).add(record.uid)
        self.access_changed()

    def drop_key(self, uid: str) -> None:
        """Forget an API key."""
        record = self.keys.pop(uid, None)
        if record is not None:
            self.keys_by_hash.pop(record.key_hash, None)
            members = self.keys_by_user.get(record.user_uid, set())
            members.discard(uid)
            if not members:
                self.keys_by_user.pop(record.user_uid, None)
        self.access_changed()

    def put_host(self, record: HostRecord, live: Live | None = None) -> HostEntry:
        """Take a host's record that became durable; its live part stays unless a fresh one is given."""
        self.version += 1
        self.moved.add(record.uid)
        entry = self.hosts.get(record.uid)
        if entry is None:
            entry = self.hosts[record.uid] = HostEntry(record, live or Live())
        else:
            for stored in (entry.record.credential_hash, entry.record.pending_hash):
                if stored and self.credentials.get(stored) is entry:
                    del self.credentials[stored]
            self._leave(entry.record)
            entry.replace(record)
        if record.token_uid:
            self.hosts_by_token.setdefault(record.token_uid, set()).add(record.uid)
        if record.address:
            self.by_address.setdefault(record.address, set()).add(record.uid)
        for stored in (record.credential_hash, record.pending_hash):
            if stored:
                self.credentials[stored] = entry
        return entry

    def drop_host(self, uid: str) -> HostEntry | None:
        """Forget a host."""
        self.version += 1
        self.moved.add(uid)
        entry = self.hosts.pop(uid, None)
        if entry is not None:
            for stored in (entry.record.credential_hash, entry.record.pending_hash):
                if stored:
                    self.credentials.pop(stored, None)
            self._leave(entry.record)
        return entry

    def put_revoked(self, record: RevokedCredentials) -> None:
        """Remember credentials of a deleted host (rule P16)."""
        self.revoked.update(dict.fromkeys(record.hashes, record.host_uid))

    def put_setting(self, record: SettingRecord) -> None:
        """Take a setting that became durable."""
        self.settings[record.key] = record.value

    def _leave(self, record: HostRecord) -> None:
        """Take a record out of the groups of its token and its address."""
        for groups, key in ((self.hosts_by_token, record.token_uid or ""), (self.by_address, record.address)):
            members = groups.get(key)
            if members is not None:
                members.discard(record.uid)
                if not members:
                    del groups[key]
