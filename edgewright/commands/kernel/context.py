"""What a verb gets to work with: the plane's client, the console's store, the journal and the settings.

One object for both front ends. The command line has no store; the console has one and shares its client. Everything
heavy is made on first use, so that a verb that needs no plane pays for none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from edgewright.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from edgewright.clients.palette.client import PlaneClient
    from edgewright.config.contexts import Context
    from edgewright.config.settings import Settings
    from edgewright.store.collections.hosts import HostRow
    from edgewright.store.engine.journal import Journal
    from edgewright.store.engine.store import Store


class MakeClient(Protocol):
    """How a client is made for a context; `main` and the tests give one."""

    def __call__(self, context: Context, project: str, timeout: float) -> PlaneClient:
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
        client: PlaneClient | None = None,
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

    async def client(self) -> PlaneClient:
        """Return the plane's client, made on first use. Raises `UsageError` without a context."""
        if self._client is None:
            if self.context is None:
                raise UsageError(
                    "No plane is chosen yet.",
                    "Add one: edgewright context add NAME --url URL --api-key-file FILE (edgewright alone guides you).",
                    code="NoContext",
                )
            client = self._make_client(self.context, "", self.timeout)
            wanted = self.project or self.context.project
            if wanted:
                from edgewright.clients.palette.projects import project_uid

                try:
                    uid = await project_uid(client, wanted)
                except BaseException:
                    await client.aclose()
                    raise
                await client.aclose()
                client = self._make_client(self.context, uid, self.timeout)
            self._client = client
        return self._client

    def host_row(self, uid: str) -> HostRow | None:
        """Return what the console knows about a host, or None (always None on the command line)."""
        return None if self.store is None else self.store.model.hosts.get(uid)

    async def aclose(self) -> None:
        """Close the client if this object made it."""
        client, self._client = self._client, None
        if client is not None and self._owns_client:
            await client.aclose()


def make_plane_client(context: Context, project: str, timeout: float) -> PlaneClient:
    """Return the real client for `context`; reads the credential now. Raises `EdgewrightError`."""
    from edgewright.clients.palette.client import Credential, PlaneClient

    arguments: dict[str, Any] = {"ca": context.ca_path(), "project_uid": project or None, "timeout": timeout}
    return PlaneClient(context.url, Credential(api_key=context.api_key()), **arguments)
