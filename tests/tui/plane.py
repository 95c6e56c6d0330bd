"""A plane that lives in a dict: what verbs of the console talk to in tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from edgewright.clients import ports
from edgewright.clients.palette.pages import Page
from edgewright.commands.kernel.context import CommandContext
from edgewright.config.settings import Settings
from edgewright.core.errors import EdgewrightError, NotFound, Refused
from edgewright.store.engine.store import Store
from tests.tui.people import filters, roles, ssh_keys, users
from tests.tui.samples import NOW, fleet, token, tokens

P = TypeVar("P")


class FakePlane:
    """Answers like a hub; `failure` is raised by every call, `gate` delays the document of a host until it is set.

    Its methods are those of the ports, by noun and call (`hosts_get`); `port` gives the ones of a noun.
    """

    peer = "10.4.0.2:8443"
    project_uid = None

    def __init__(self) -> None:
        self.hosts = {doc["metadata"]["uid"]: doc for doc in fleet()}
        self.keys = {doc["metadata"]["uid"]: doc for doc in tokens()}
        self.calls: list[tuple[str, str]] = []
        self.failure: EdgewrightError | None = None
        self.gate: asyncio.Event | None = None
        self.missing: frozenset[type] = frozenset()

    async def port(self, wanted: type[P]) -> P:
        if wanted in self.missing:
            raise Refused(ports.sentence(wanted), ports.HINT_HUB, ports.NOT_AVAILABLE)
        names = [name for name in vars(wanted) if not name.startswith("_")]
        noun = f"{NOUNS[wanted]}_" if wanted in NOUNS else ""
        return cast("P", SimpleNamespace(**{name: getattr(self, noun + name, None) for name in names}))

    def _called(self, name: str, what: str) -> None:
        self.calls.append((name, what))
        if self.failure is not None:
            raise self.failure

    async def features(self, fresh: bool = False) -> Any:
        return SimpleNamespace(page_limit=50, kind="hub", hub=True, version="0.1.0", stream="", certificates=())

    async def hosts_get(self, uid: str) -> dict[str, Any]:
        self._called("host", uid)
        if self.gate is not None:
            await self.gate.wait()
        if uid not in self.hosts:
            raise NotFound(f"There is no host {uid}.")
        return self.hosts[uid]

    async def hosts_each(self, spec: Any = None, limit: int | None = None) -> AsyncIterator[dict[str, Any]]:
        for doc in list(self.hosts.values()):
            yield doc

    async def events_page(self, *args: Any, **more: Any) -> Page:
        return Page([])

    async def operations_of(self, uid: str) -> list[dict[str, Any]]:
        return []

    async def projects_all(self) -> list[dict[str, Any]]:
        return [{"metadata": {"uid": "p-shops", "name": "shops"}}]

    async def users_all(self) -> list[dict[str, Any]]:
        self._called("users", "")
        return users()

    async def roles_all(self) -> list[dict[str, Any]]:
        self._called("roles", "")
        return roles()

    async def ssh_keys_all(self) -> list[dict[str, Any]]:
        self._called("ssh_keys", "")
        return ssh_keys()

    async def users_set_active(self, uid: str, active: bool) -> None:
        self._called("set_user_active", f"{uid} {active}")

    async def ssh_keys_delete(self, uid: str) -> None:
        self._called("delete_ssh_key", uid)

    async def filters_all(self) -> list[dict[str, Any]]:
        self._called("filters", "")
        return filters()

    async def filters_get(self, uid: str) -> dict[str, Any]:
        return next(each for each in filters() if each["metadata"]["uid"] == uid)

    async def filters_delete(self, uid: str) -> None:
        self._called("delete_filter", uid)

    async def tokens_all(self) -> list[dict[str, Any]]:
        self._called("tokens", "")
        return list(self.keys.values())

    async def tokens_get(self, uid: str) -> dict[str, Any]:
        self._called("token", uid)
        return self.keys[uid]

    async def tokens_create(self, name: str, *args: Any, **more: Any) -> str:
        self._called("create_token", name)
        self.keys["tok-new"] = token("tok-new", name, 30 * 86400)
        return "tok-new"

    async def tokens_set_active(self, uid: str, active: bool) -> None:
        self._called("activate" if active else "revoke", uid)
        self.keys[uid]["status"]["isActive"] = active

    async def tokens_delete(self, uid: str) -> None:
        self._called("delete_token", uid)

    async def hosts_delete(self, uid: str) -> None:
        self._called("delete_host", uid)

    async def hosts_set_labels(self, uid: str, name: str, labels: dict[str, str]) -> None:
        self._called("update_labels", uid)
        self.hosts[uid]["metadata"]["labels"] = labels

    async def aclose(self) -> None: ...


NOUNS: dict[type, str] = {
    ports.CanListHosts: "hosts",
    ports.CanTag: "hosts",
    ports.CanDeleteHosts: "hosts",
    ports.CanListOperations: "operations",
    ports.CanOperateHosts: "operating",
    ports.CanListTokens: "tokens",
    ports.CanManageTokens: "tokens",
    ports.CanListProjects: "projects",
    ports.CanListUsers: "users",
    ports.CanManageUsers: "users",
    ports.CanListRoles: "roles",
    ports.CanListKeys: "ssh_keys",
    ports.CanManageKeys: "ssh_keys",
    ports.CanListFilters: "filters",
    ports.CanManageFilters: "filters",
    ports.CanReadEvents: "events",
    ports.CanHandleProblems: "problems",
}


def context_of(plane: FakePlane, store: Store, read_only: bool = False) -> CommandContext:
    """Return what verbs work with, over the fake plane."""
    return CommandContext(Settings(), read_only=read_only, store=store, client=plane, actor="test")


__all__ = ["NOW", "FakePlane", "context_of"]
