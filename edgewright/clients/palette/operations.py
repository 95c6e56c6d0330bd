"""Operations, logs and intents of a host: our extension, which only a hub has."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from edgewright.clients.palette.pages import Resource, document, items_of, uid_of
from edgewright.wire import protocol


class Operations(Resource):
    """Calls about what a host is asked to do. Each raises `EdgewrightError` (`NotFound` from a Palette)."""

    async def create(self, uid: str, kind: str, params: Mapping[str, Any] | None = None, key: str | None = None) -> str:
        """Ask the host for an operation; returns its id. The same `key` again makes no second one."""
        headers = {protocol.H_IDEMPOTENCY: key or secrets.token_hex(16)}
        body = {"kind": kind, "params": dict(params or {})}
        path = protocol.path(protocol.OPERATIONS, uid=uid)
        return uid_of((await self._call("POST", path, f"host {uid}", body=body, headers=headers)).data)

    async def of(self, uid: str) -> list[dict[str, Any]]:
        """Return the operations of a host."""
        return items_of((await self._call("GET", protocol.path(protocol.OPERATIONS, uid=uid), f"host {uid}")).data)

    async def all(self) -> list[dict[str, Any]]:
        """Return what all hosts are asked to do: what is pending, and the newest that is over."""
        return items_of((await self._call("GET", protocol.OPERATIONS_ALL, "list of operations")).data)

    async def get(self, uid: str, operation_id: str) -> dict[str, Any]:
        """Return one operation with its state and result."""
        path = protocol.path(protocol.OPERATION, uid=uid, operationId=operation_id)
        return document((await self._call("GET", path, f"operation {operation_id}")).data)

    async def logs(self, uid: str, operation_id: str) -> dict[str, Any]:
        """Return what the host sent for a `collect-logs` operation."""
        params: dict[str, str | int] = {"operationId": operation_id}
        path = protocol.path(protocol.LOGS, uid=uid)
        return document((await self._call("GET", path, f"log of host {uid}", params=params)).data)

    async def intents(self, uid: str) -> list[dict[str, Any]]:
        """Return what was changed at the site and is offered to the plane."""
        return items_of((await self._call("GET", protocol.path(protocol.INTENTS, uid=uid), f"host {uid}")).data)
