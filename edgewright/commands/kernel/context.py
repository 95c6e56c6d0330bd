"""What a verb gets to work with: the plane's client, the console's store, the journal and the settings.

One object for both front ends. The command line has no store; the console has one and shares its client. Everything
heavy is made on first use, so that a verb that needs no plane pays for none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from edgewright.clients.ports import CanListProjects, offered
from edgewright.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from edgewright.clients.palette.client import PlaneClient
    from edgewright.clients.ports import Connection
    from edgewright.config.contexts import Context
    from edgewright.config.settings import Settings
    from edgewright.store.collections.hosts import HostRow
    from edgewright.store.engine.journal import Journal
    from edgewright.store.engine.store import Store

P = TypeVar("P")
C = TypeVar("C", bound="Connection")


class MakeClient(Protocol):
    """How a client is made for a context; `main` and the tests give one."""

    def __call__(self, context: Context, project: str, timeout: float) -> Connection:
        """Return a client that has not spoken yet. Raises `EdgewrightError` when the credential cannot be read."""


class CommandContext:
    """Client, store, journal, settings, mode and project for one verb (or one console session).

    `context` is None where no context was chosen; `project` is a project uid, a name, or "" for what the key sees.
    `timeout` is seconds for one call. `progress` and `confirm` are the front end's business, never this object's.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        context: Context | None = None,
        project: str = "",
        read_only: bool = False,
        timeout: float = 10.0,
        store: Store | None = None,
        journal: Journal | None = None,
        client: Connection | None = None,
        make_client: MakeClient | None = None,
        actor: str = "",
    ) -> None:
        self.settings = settings
        self.context = context
        self.project = project
        self.read_only = read_only
        self.timeout = timeout
        self.store = store
        self.journal = journal
        self.actor = actor
        self.sites: Mapping[str, Any] | None = None
        """Hosts that the console has open by SSH, by target; None on the command line, whose verbs connect."""
        self._client = client
        self._owns_client = client is None
        self._make_client = make_client or make_plane_client
        self._closers: list[Callable[[], Awaitable[None]]] = []

    @property
    def context_name(self) -> str:
        """The name of the context in use, or "" when there is none."""
        return self.context.name if self.context else ""

    @property
    def role(self) -> str:
        """What the plane lets this credential do, or "" while that is unknown (always on the command line)."""
        return "" if self.store is None else self.store.model.source.role

    @property
    def caller(self) -> str:
        """What is shown to the plane, e.g. `API key noc-wall`, or "" while that is unknown."""
        return "" if self.store is None else self.store.model.source.caller

    async def connection(self) -> Connection:
        """Return the connection to the plane, made on first use. Raises `UsageError` without a context."""
        if self._client is None:
            if self.context is None:
                raise UsageError(
                    "No plane is chosen yet.",
                    "Add one: edgewright context add NAME --url URL --api-key-file FILE (edgewright alone guides you).",
                    code="NoContext",
                )
            self._client = await connect(self._make_client, self.context, self.project, self.timeout)
        return self._client

    async def port(self, wanted: type[P]) -> P:
        """Return what a verb needs of the source. Raises `Refused` when the source does not have it, `UsageError`."""
        return await (await self.connection()).port(wanted)

    async def port_or_none(self, wanted: type[P]) -> P | None:
        """Return a port, None when the source does not have it. Raises `EdgewrightError` when it cannot be asked."""
        return await offered(await self.connection(), wanted)

    @property
    def missing(self) -> frozenset[str]:
        """Names of the ports that the source does not have; empty while that is unknown."""
        return frozenset() if self.store is None else frozenset(self.store.model.source.missing)

    def host_row(self, uid: str) -> HostRow | None:
        """Return what the console knows about a host, or None (always None on the command line)."""
        return None if self.store is None else self.store.model.hosts.get(uid)

    def at_end(self, close: Callable[[], Awaitable[None]]) -> None:
        """Let `close` be awaited when the work with this object ends: a connection that a plan opened."""
        self._closers.append(close)

    async def aclose(self) -> None:
        """Close the client if this object made it, and what was left to `at_end`."""
        while self._closers:
            await self._closers.pop()()
        client, self._client = self._client, None
        if client is not None and self._owns_client:
            await client.aclose()


async def connect(make: Callable[[Context, str, float], C], context: Context, project: str, timeout: float) -> C:
    """Return a client of `context`, limited to a project by uid or name ("": the context's own, if it has one).

    Raises `EdgewrightError`, `NotFound` for a project that does not exist.
    """
    client = make(context, "", timeout)
    wanted = project or context.project
    if not wanted:
        return client
    from edgewright.clients.palette.projects import project_uid

    try:
        uid = await project_uid(await client.port(CanListProjects), wanted)
    finally:
        await client.aclose()
    return make(context, uid, timeout)


def make_plane_client(context: Context, project: str, timeout: float) -> PlaneClient:
    """Return the real client for `context`; reads the credential now. Raises `EdgewrightError`."""
    from edgewright.clients.palette.client import Credential, PlaneClient

    arguments: dict[str, Any] = {"ca": context.ca_path(), "project_uid": project or None, "timeout": timeout}
    return PlaneClient(context.addresses, Credential(api_key=context.api_key()), **arguments)
