"""SSH keys over the plane's API: those of the client's project and of the tenant."""

from __future__ import annotations

from typing import Any

from edgewright.clients.palette.pages import Resource, items_of, uid_of
from edgewright.wire import protocol


class SshKeys(Resource):
    """Calls about SSH keys. Each raises `EdgewrightError`."""

    async def all(self) -> list[dict[str, Any]]:
        """Return the keys (`v1UserAssetSsh`)."""
        return items_of((await self._call("GET", protocol.SSH_KEYS, "list of SSH keys")).data)

    async def create(self, name: str, public_key: str) -> str:
        """Add a key to the client's project, or to the tenant without one; returns the uid."""
        body = {"metadata": {"name": name}, "spec": {"publicKey": public_key}}
        return uid_of((await self._call("POST", protocol.SSH_KEYS, f"SSH key {name}", body=body)).data)

    async def delete(self, uid: str) -> None:
        """Delete a key; hosts that have it store it."""
        await self._call("DELETE", protocol.path(protocol.SSH_KEY, uid=uid), "SSH key")
