"""Registration tokens over the plane's API. They belong to the tenant: no project header goes with these calls."""

from __future__ import annotations

from typing import Any

from edgewright.clients.palette.pages import Resource, document, items_of, uid_of
from edgewright.core import times
from edgewright.core.errors import Failed
from edgewright.wire import protocol


class Tokens(Resource):
    """Calls about registration tokens. Each raises `EdgewrightError`."""

    async def all(self) -> list[dict[str, Any]]:
        """Return all token documents, secrets included (`spec.token`), as Palette's list gives them."""
        return items_of((await self._call("GET", protocol.TOKENS, "list of tokens", tenant=True)).data)

    async def get(self, uid: str) -> dict[str, Any]:
        """Return one token document."""
        path = protocol.path(protocol.TOKEN, uid=uid)
        return document((await self._call("GET", path, f"token {uid}", tenant=True)).data)

    async def create(self, name: str, project_uid: str = "", expiry: float | None = None, description: str = "") -> str:
        """Create a token and return its uid. `expiry` in epoch seconds; hosts come into `project_uid` by it."""
        body = {"metadata": _metadata(name, description), "spec": _spec(project_uid, expiry)}
        reply = await self._call("POST", protocol.TOKENS, f"token {name}", body=body, tenant=True)
        uid = uid_of(reply.data)
        if not uid:
            raise Failed(
                f"The plane at {self._transport.peer} made token {name} but named no uid.",
                "Look at the list of tokens.",
            )
        return uid

    async def update(
        self, uid: str, name: str, project_uid: str = "", expiry: float | None = None, description: str = ""
    ) -> None:
        """Set the name of a token, and its default project, expiry or description where one is given."""
        meta = _metadata(name, description) if description else {"name": name}
        body = {"metadata": meta, "spec": {k: v for k, v in _spec(project_uid, expiry).items() if v != times.ZERO}}
        await self._call("PUT", protocol.path(protocol.TOKEN, uid=uid), f"token {uid}", body=body, tenant=True)

    async def set_active(self, uid: str, active: bool) -> None:
        """Activate or revoke a token."""
        path = protocol.path(protocol.TOKEN_STATE, uid=uid)
        await self._call("PUT", path, f"token {uid}", body={"isActive": active}, tenant=True)

    async def delete(self, uid: str) -> None:
        """Delete a token; hosts registered with it stay."""
        await self._call("DELETE", protocol.path(protocol.TOKEN, uid=uid), f"token {uid}", tenant=True)


def _metadata(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "annotations": {"description": description}}


def _spec(project_uid: str, expiry: float | None) -> dict[str, Any]:
    spec: dict[str, Any] = {"expiry": times.rfc3339(expiry)}
    if project_uid:
        spec["defaultProjectUid"] = project_uid
    return spec
