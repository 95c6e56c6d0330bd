"""A plane that lives in a dict: what verbs of the console talk to in tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

from edgewright.clients.palette.client import PlaneClient
from edgewright.commands.kernel.context import CommandContext
from edgewright.config.settings import Settings
from edgewright.core.errors import EdgewrightError, NotFound
from edgewright.store.engine.store import Store
from tests.tui.people import roles, ssh_keys, users
from tests.tui.samples import NOW, fleet, token, tokens


class FakePlane:
    """Answers like a hub; `failure` is raised by every call, `gate` holds `host` back until it is set."""

    peer = "10.4.0.2:8443"
    project_uid = None

    def __init__(self) -> None:
        self.hosts = {doc["metadata"]["uid"]: doc for doc in fleet()}
        self.keys = {doc["metadata"]["uid"]: doc for doc in tokens()}
        self.calls: list[tuple[str, str]] = []
        self.failure: EdgewrightError | None = None
        self.gate: asyncio.Event | None = None

    def _called(self, name: str, what: str) -> None:
        self.calls.append((name, what))
        if self.failure is not None:
            raise self.failure

    async def features(self) -> Any:
        return SimpleNamespace(page_limit=50, kind="hub", hub=True, version="0.1.0", stream="", certificates=())

    async def host(self, uid: str) -> dict[str, Any]:
        self._called("host", uid)
        if self.gate is not None:
            await self.gate.wait()
        if uid not in self.hosts:
            raise NotFound(f"There is no host {uid}.")
        return self.hosts[uid]

    async def all_hosts(self, limit: int = 50) -> AsyncIterator[dict[str, Any]]:
        for doc in list(self.hosts.values()):
            yield doc

    async def events(self, *args: Any, **more: Any) -> list[dict[str, Any]]:
        return []

    async def projects(self) -> list[dict[str, Any]]:
        return [{"metadata": {"uid": "p-shops", "name": "shops"}}]

    async def users(self) -> list[dict[str, Any]]:
        self._called("users", "")
        return users()

    async def roles(self) -> list[dict[str, Any]]:
        self._called("roles", "")
        return roles()

    async def ssh_keys(self) -> list[dict[str, Any]]:
        self._called("ssh_keys", "")
        return ssh_keys()

    async def set_user_active(self, uid: str, active: bool) -> None:
        self._called("set_user_active", f"{uid} {active}")

    async def delete_ssh_key(self, uid: str) -> None:
        self._called("delete_ssh_key", uid)

    async def tokens(self) -> list[dict[str, Any]]:
        self._called("tokens", "")
        return list(self.keys.values())

    async def token(self, uid: str) -> dict[str, Any]:
        self._called("token", uid)
        return self.keys[uid]

    async def create_token(self, name: str, *args: Any, **more: Any) -> str:
        self._called("create_token", name)
        self.keys["tok-new"] = token("tok-new", name, 30 * 86400)
        return "tok-new"

    async def set_token_state(self, uid: str, active: bool) -> None:
        self._called("activate" if active else "revoke", uid)
        self.keys[uid]["status"]["isActive"] = active

    async def delete_token(self, uid: str) -> None:
        self._called("delete_token", uid)

    async def delete_host(self, uid: str) -> None:
        self._called("delete_host", uid)

    async def update_labels(self, uid: str, name: str, labels: dict[str, str]) -> None:
        self._called("update_labels", uid)
        self.hosts[uid]["metadata"]["labels"] = labels

    async def aclose(self) -> None: ...


def context_of(plane: FakePlane, store: Store, read_only: bool = False) -> CommandContext:
    """Return what verbs work with, over the fake plane."""
    client = cast("PlaneClient", plane)
    return CommandContext(Settings(), read_only=read_only, store=store, client=client, actor="test")


__all__ = ["NOW", "FakePlane", "context_of"]
