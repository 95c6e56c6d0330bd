"""Who one is for a plane: the credential's owner, signing in, activation."""

from __future__ import annotations

from typing import Any

from edgewright.clients.palette.pages import Resource, document
from edgewright.core.errors import EdgewrightError
from edgewright.wire import protocol


class Session(Resource):
    """Calls about the caller. Each raises `EdgewrightError`."""

    async def who(self) -> dict[str, Any]:
        """Return who the credential belongs to: `{orgName, tenantUid, userUid}`."""
        return document((await self._call("GET", protocol.USERS_INFO, "user", tenant=True)).data)

    async def me(self) -> dict[str, Any]:
        """Return the user's document with roles and permissions; `{}` from a plane that has no such path."""
        try:
            return document((await self._call("GET", protocol.USERS_ME, "user", tenant=True)).data)
        except EdgewrightError as error:
            if error.exit_code == 3:
                return {}
            raise

    async def authenticate(self, email: str, password: str, org: str = "") -> str:
        """Log in as a user and return the JWT for a `Credential`."""
        body = {"emailId": email, "password": password, "org": org}
        path = protocol.AUTHENTICATE
        reply = await self._call("POST", path, "login", body=body, params={"setCookie": "false"}, tenant=True)
        token = document(reply.data).get("Authorization")
        return token if isinstance(token, str) else ""

    async def activate(self, code: str) -> dict[str, Any]:
        """Use an activation code; returns `{uid, emailId, apiKey}` once."""
        return document((await self._call("POST", protocol.ACTIVATIONS, "activation", body={"code": code})).data)
