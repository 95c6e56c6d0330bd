"""What a connection to a source can do, as small protocols: a verb asks for the one that it needs.

A connection offers a port or it does not (`Connection.port`); nothing above `clients` knows which client is behind it.
Verbs declare them by name: this module is loaded when the first one runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar

from edgewright.clients.lasting_ports import CanFollow as CanFollow
from edgewright.clients.lasting_ports import CanRelay as CanRelay
from edgewright.core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from edgewright.clients.http.transport import Reply
    from edgewright.clients.palette.alerts import Unchanged
    from edgewright.clients.palette.features import Caller, Features
    from edgewright.clients.palette.pages import Page

    Document = dict[str, Any]

P = TypeVar("P")


class CanDescribe(Protocol):
    """Describes what the source is, what it can do, and who the credential belongs to."""

    async def features(self, fresh: bool = False) -> Features: ...
    async def caller(self) -> Caller: ...


class CanCall(Protocol):
    """Sends any request of the plane's API: for a resource that has no port of its own."""

    async def call(
        self,
        method: str,
        path: str,
        what: str,
        *,
        body: Any = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        tenant: bool = False,
        patience: float = 0.0,
    ) -> Reply: ...


class CanListHosts(Protocol):
    """Reads edge hosts: a page, all of them, or one."""

    async def search(
        self,
        spec: Mapping[str, Any] | None = None,
        limit: int = ...,
        continue_: str = "",
        offset: int | None = None,
    ) -> Page: ...
    def each(self, spec: Mapping[str, Any] | None = None, limit: int | None = None) -> AsyncIterator[Document]: ...
    async def get(self, uid: str) -> Document: ...


class CanRegisterHosts(Protocol):
    """Registers a host before its agent does."""

    async def create(
        self,
        uid: str,
        labels: Mapping[str, str] | None = None,
        arch: str = "",
        pairing_key: str = "",
        name: str = "",
    ) -> str: ...


class CanTag(Protocol):
    """Replaces the tags of a host."""

    async def set_labels(self, uid: str, name: str, labels: Mapping[str, str]) -> None: ...


class CanReset(Protocol):
    """Orders a host to remove its cluster state."""

    async def reset(self, uid: str) -> None: ...


class CanDeleteHosts(Protocol):
    """Deletes the record of a host."""

    async def delete(self, uid: str) -> None: ...


class CanOperateHosts(Protocol):
    """Asks a host for an operation, such as a preflight or a reboot, and reads its result."""

    async def create(
        self, uid: str, kind: str, params: Mapping[str, Any] | None = None, key: str | None = None
    ) -> str: ...
    async def get(self, uid: str, operation_id: str) -> Document: ...


class CanReadLogs(CanOperateHosts, Protocol):
    """Reads the text that a host sent for an operation, such as its log."""

    async def logs(self, uid: str, operation_id: str) -> Document: ...


class CanListOperations(Protocol):
    """Reads the operations of one host or of all."""

    async def of(self, uid: str) -> list[Document]: ...
    async def all(self) -> list[Document]: ...


class CanListTokens(Protocol):
    """Reads registration tokens."""

    async def all(self) -> list[Document]: ...
    async def get(self, uid: str) -> Document: ...


class CanManageTokens(Protocol):
    """Creates, revokes, activates and deletes registration tokens."""

    async def create(
        self, name: str, project_uid: str = "", expiry: float | None = None, description: str = ""
    ) -> str: ...
    async def set_active(self, uid: str, active: bool) -> None: ...
    async def delete(self, uid: str) -> None: ...


class CanListProjects(Protocol):
    """Reads the projects that the credential may see."""

    async def all(self) -> list[Document]: ...


class CanListUsers(Protocol):
    """Reads users."""

    async def all(self) -> list[Document]: ...
    async def get(self, uid: str) -> Document: ...


class CanManageUsers(Protocol):
    """Creates, changes, invites and deletes users, and gives them roles."""

    async def get(self, uid: str) -> Document: ...
    async def create(self, email: str, first: str = "", last: str = "", roles: Sequence[str] = ()) -> str: ...
    async def update(self, uid: str, **properties: str) -> None: ...
    async def set_active(self, uid: str, active: bool) -> None: ...
    async def invite(self, uid: str) -> None: ...
    async def delete(self, uid: str) -> None: ...
    async def set_tenant_roles(self, uid: str, roles: Sequence[str]) -> None: ...
    async def project_roles(self, uid: str) -> dict[str, list[str]]: ...
    async def set_project_roles(self, uid: str, roles: Mapping[str, Sequence[str]]) -> None: ...


class CanListRoles(Protocol):
    """Reads roles."""

    async def all(self) -> list[Document]: ...


class CanListKeys(Protocol):
    """Reads SSH keys."""

    async def all(self) -> list[Document]: ...


class CanManageKeys(Protocol):
    """Adds and deletes SSH keys."""

    async def create(self, name: str, public_key: str) -> str: ...
    async def delete(self, uid: str) -> None: ...


class CanListFilters(Protocol):
    """Reads tag filters."""

    async def all(self) -> list[Document]: ...
    async def get(self, uid: str) -> Document: ...


class CanManageFilters(Protocol):
    """Creates, changes and deletes tag filters; `spec` is `v1TagFilterSpec`."""

    async def create(self, name: str, spec: Document) -> str: ...
    async def update(self, uid: str, name: str, spec: Document) -> None: ...
    async def delete(self, uid: str) -> None: ...


class CanReadEvents(Protocol):
    """Reads component events, a page at a time."""

    async def page(
        self,
        kind: str = "edgehost",
        uid: str | None = None,
        limit: int = ...,
        continue_: str = "",
        newest_first: bool = True,
    ) -> Page: ...


class CanReadAudits(Protocol):
    """Reads the audit log, a page at a time."""

    async def page(self, limit: int = ..., continue_: str = "") -> Page: ...


class CanReadAlerts(Protocol):
    """Reads what needs an operator and is not the state of a host."""

    async def all(self) -> list[Document]: ...


class CanHandleProblems(Protocol):
    """Stores who handles a problem."""

    async def all(self) -> list[Document]: ...
    async def set(
        self,
        key: str,
        *,
        acknowledged: bool | None = None,
        assignee: str | None = None,
        note: str | None = None,
        silenced_until: float | Unchanged | None = ...,
    ) -> Document: ...


class CanManageReceivers(Protocol):
    """Lists, adds, removes and tests receivers of alerts."""

    async def all(self) -> list[Document]: ...
    async def add(self, body: Document) -> Document: ...
    async def remove(self, uid: str) -> None: ...
    async def test(self, uid: str) -> Document: ...


PortName = Literal[
    "CanDescribe",
    "CanCall",
    "CanRelay",
    "CanListHosts",
    "CanRegisterHosts",
    "CanTag",
    "CanReset",
    "CanDeleteHosts",
    "CanReadLogs",
    "CanOperateHosts",
    "CanListOperations",
    "CanListTokens",
    "CanManageTokens",
    "CanListProjects",
    "CanListUsers",
    "CanManageUsers",
    "CanListRoles",
    "CanListKeys",
    "CanManageKeys",
    "CanListFilters",
    "CanManageFilters",
    "CanReadEvents",
    "CanReadAudits",
    "CanReadAlerts",
    "CanHandleProblems",
    "CanManageReceivers",
    "CanFollow",
]
"""Names of ports, as verbs declare what they need without loading this module."""


class Connection(Protocol):
    """A source as verbs see it: where it is, and its ports."""

    @property
    def peer(self) -> str:
        """The other end, for sentences: `plane.example.com:8443`."""

    @property
    def project_uid(self) -> str | None:
        """The project that its calls are limited to, None for all that the credential sees."""

    async def port(self, wanted: type[P]) -> P:
        """Return the port. Raises `Refused` (code `NotAvailable`) when this connection does not have it."""

    async def aclose(self) -> None:
        """Close it; calls that are under way end with an error."""


class Plane(Connection, CanDescribe, Protocol):
    """A plane as its feed reads it."""

    @property
    def hosts(self) -> CanListHosts: ...
    @property
    def changes(self) -> CanFollow: ...


async def offered(connection: Connection, wanted: type[P]) -> P | None:
    """Return a port, None when the connection does not have it. Raises `EdgewrightError` when it cannot be asked."""
    try:
        return await connection.port(wanted)
    except Refused as error:
        if error.code != NOT_AVAILABLE:
            raise
        return None


class PortPhrase(NamedTuple):
    """How a port is called in a sentence, and the verb that agrees with it."""

    what: str
    be: str = "is"


PHRASES: dict[type, PortPhrase] = {
    CanDescribe: PortPhrase("The description of the source"),
    CanCall: PortPhrase("This request"),
    CanRelay: PortPhrase("Reaching a cluster through the plane"),
    CanListHosts: PortPhrase("The list of hosts"),
    CanRegisterHosts: PortPhrase("Registering hosts"),
    CanTag: PortPhrase("Changing tags of hosts"),
    CanReset: PortPhrase("Resetting hosts"),
    CanDeleteHosts: PortPhrase("Deleting hosts"),
    CanReadLogs: PortPhrase("Reading logs and disk usage of hosts"),
    CanOperateHosts: PortPhrase("Operations on hosts", "are"),
    CanListOperations: PortPhrase("The list of operations"),
    CanListTokens: PortPhrase("The list of tokens"),
    CanManageTokens: PortPhrase("Changing tokens"),
    CanListProjects: PortPhrase("The list of projects"),
    CanListUsers: PortPhrase("The list of users"),
    CanManageUsers: PortPhrase("Changing users"),
    CanListRoles: PortPhrase("The list of roles"),
    CanListKeys: PortPhrase("The list of SSH keys"),
    CanManageKeys: PortPhrase("Changing SSH keys"),
    CanListFilters: PortPhrase("The list of tag filters"),
    CanManageFilters: PortPhrase("Changing tag filters"),
    CanReadEvents: PortPhrase("The list of events"),
    CanReadAudits: PortPhrase("The audit log"),
    CanReadAlerts: PortPhrase("The list of alerts"),
    CanHandleProblems: PortPhrase("Storing who handles a problem"),
    CanManageReceivers: PortPhrase("Receivers of alerts", "are"),
    CanFollow: PortPhrase("The change stream"),
}
"""Every port."""

BY_NAME: dict[str, type[Any]] = {port.__name__: port for port in PHRASES}

HUB_ONLY: frozenset[type] = frozenset(
    {
        *(CanReadLogs, CanOperateHosts, CanListOperations, CanReadAlerts, CanHandleProblems),
        *(CanManageReceivers, CanFollow, CanRelay),
    }
)
"""Ports of our extension: a hub has them, Palette does not."""

RECORDED: frozenset[type] = frozenset(
    {
        CanDescribe,
        CanListHosts,
        CanListTokens,
        CanListProjects,
        CanListOperations,
        CanReadEvents,
        CanReadAudits,
        CanReadAlerts,
    }
)
"""Ports that a recording replaces: its screens show what was read by them."""

NOT_AVAILABLE = "NotAvailable"
"""The code of the error for a port that a connection does not have."""
HINT_HUB = "Palette does not have it: use the context of a hub. See them: edgewright context list"
HINT_RECORDING = "This shows what was recorded; open the console on a plane: edgewright"


def missing(kind: str) -> frozenset[type]:
    """Return the ports that a source does not have: `hub`, `palette` or `recording`; none while it is unknown."""
    if kind == "recording":
        return frozenset(PHRASES) - RECORDED
    return HUB_ONLY if kind == "palette" else frozenset()


def names(ports: Iterable[type]) -> tuple[str, ...]:
    """Return the names of ports in order, as a source states them in its events."""
    return tuple(sorted(port.__name__ for port in ports))


def sentence(port: type) -> str:
    """Return that a connection does not have this port, as a complete sentence."""
    phrase = PHRASES[port]
    return f"{phrase.what} {phrase.be} not available over this connection."
