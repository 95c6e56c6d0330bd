"""Registration tokens over the plane's API. They belong to the tenant: no project header goes with these calls."""

from __future__ import annotations

from typing import Any

from edgewright.clients.http.transport import Transport
from edgewright.clients.palette.hosts import document, items_of, uid_of
from edgewright.core import times
from edgewright.core.errors import Failed
from edgewright.wire import protocol


class TokensApi(Transport):
    """Calls about registration tokens. Each raises `EdgewrightError`."""

    async def tokens(self) -> list[dict[str, Any]]:
        """Return all token documents, secrets included (`spec.token`), as Palette's list gives them."""
        return items_of((await self.call("GET", protocol.TOKENS, "list of tokens", tenant=True)).data)

    async def token(self, uid: str) -> dict[str, Any]:
        """Return one token document."""
        path = protocol.path(protocol.TOKEN, uid=uid)
        return document((await self.call("GET", path, f"token {uid}", tenant=True)).data)

    async def create_token(
        self, name: str, project_uid: str = "", expiry: float | None = None, description: str = ""
    ) -> str:
        """Create a token and return its uid. `expiry` in epoch seconds; hosts come into `project_uid` by it."""
        body = {"metadata": _metadata(name, description), "spec": _spec(project_uid, expiry)}
        reply = await self.call("POST", protocol.TOKENS, f"token {name}", body=body, tenant=True)
        uid = uid_of(reply.data)
        if not uid:
            raise Failed(f"The plane at {self.peer} made token {name} but named no uid.", "Look at the list of tokens.")
        return uid

    async def update_token(
        self, uid: str, name: str, project_uid: str = "", expiry: float | None = None, description: str = ""
    ) -> None:
        """Set the name of a token, and its default project, expiry or description where one is given."""
        meta = _metadata(name, description) if description else {"name": name}
        body = {"metadata": meta, "spec": {k: v for k, v in _spec(project_uid, expiry).items() if v != times.ZERO}}
        await self.call("PUT", protocol.path(protocol.TOKEN, uid=uid), f"token {uid}", body=body, tenant=True)

    async def set_token_state(self, uid: str, active: bool) -> None:
        """Activate or revoke a token."""
        path = protocol.path(protocol.TOKEN_STATE, uid=uid)
        await self.call("PUT", path, f"token {uid}", body={"isActive": active}, tenant=True)

    async def delete_token(self, uid: str) -> None:
        """Delete a token; hosts registered with it stay."""
        await self.call("DELETE", protocol.path(protocol.TOKEN, uid=uid), f"token {uid}", tenant=True)


def _metadata(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "annotations": {"description": description}}


def _spec(project_uid: str, expiry: float | None) -> dict[str, Any]:
    spec: dict[str, Any] = {"expiry": times.rfc3339(expiry)}
    if project_uid:
        spec["defaultProjectUid"] = project_uid
    return spec
