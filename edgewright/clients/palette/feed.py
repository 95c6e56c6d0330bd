"""Events, audits, projects and who one is, over the plane's API."""

from __future__ import annotations

from typing import Any

from edgewright.clients.http.transport import Transport
from edgewright.clients.palette.hosts import HostsPage, document, items_of, page_of
from edgewright.core import times
from edgewright.core.errors import EdgewrightError
from edgewright.wire import protocol

Page = HostsPage
"""One page of any list: `items`, `count`, `continue_`, `offset`."""


class FeedApi(Transport):
    """Calls that only read: events, audits, projects, users. Each raises `EdgewrightError`."""

    async def events(
        self,
        kind: str = "edgehost",
        uid: str | None = None,
        limit: int = protocol.PAGE_LIMIT,
        continue_: str = "",
        newest_first: bool = True,
    ) -> Page:
        """Return one page of component events, of one thing when `uid` is given; more than 50 only a hub gives."""
        path = protocol.EVENTS if uid is None else protocol.path(protocol.EVENTS_OF, objectKind=kind, objectUid=uid)
        params: dict[str, str | int] = {"limit": limit}
        if newest_first:
            params["orderBy"] = "metadata.creationTimestamp=-1"
        if continue_:
            params["continue"] = continue_
        return page_of((await self.call("GET", path, "list of events", params=params, headers=_big(limit))).data)

    async def alerts(self) -> list[dict[str, Any]]:
        """Return what needs an operator and is not the state of a host. Raises `NotFound` from a Palette."""
        return items_of((await self.call("GET", protocol.ALERTS, "list of alerts")).data)

    async def audits(
        self,
        limit: int = protocol.PAGE_LIMIT,
        continue_: str = "",
        *,
        start: float | None = None,
        end: float | None = None,
        resource_kind: str = "",
        resource_uid: str = "",
        user_uid: str = "",
        action: str = "",
    ) -> Page:
        """Return one page of audit entries, newest first; times in epoch seconds; more than 50 only a hub gives."""
        params: dict[str, str | int] = {"limit": limit}
        for name, text in (
            ("continue", continue_),
            ("startTime", times.rfc3339(start) if start is not None else ""),
            ("endTime", times.rfc3339(end) if end is not None else ""),
            ("resourceKind", resource_kind),
            ("resourceUid", resource_uid),
            ("userUid", user_uid),
            ("actionType", action),
        ):
            if text:
                params[name] = text
        path = protocol.AUDITS
        return page_of((await self.call("GET", path, "list of audits", params=params, headers=_big(limit))).data)

    async def audit(self, uid: str) -> dict[str, Any]:
        """Return one audit entry."""
        return document((await self.call("GET", protocol.path(protocol.AUDIT, uid=uid), f"audit entry {uid}")).data)

    async def projects(self) -> list[dict[str, Any]]:
        """Return the metadata of all projects that the credential may see."""
        return items_of((await self.call("GET", protocol.PROJECTS_METADATA, "list of projects", tenant=True)).data)

    async def who(self) -> dict[str, Any]:
        """Return who the credential belongs to: `{orgName, tenantUid, userUid}`."""
        return document((await self.call("GET", protocol.USERS_INFO, "user", tenant=True)).data)

    async def me(self) -> dict[str, Any]:
        """Return the user's document with roles and permissions; `{}` from a plane that has no such path."""
        try:
            return document((await self.call("GET", protocol.USERS_ME, "user", tenant=True)).data)
        except EdgewrightError as error:
            if error.exit_code == 3:
                return {}
            raise

    async def authenticate(self, email: str, password: str, org: str = "") -> str:
        """Log in as a user and return the JWT for a `Credential`."""
        body = {"emailId": email, "password": password, "org": org}
        path = protocol.AUTHENTICATE
        reply = await self.call("POST", path, "login", body=body, params={"setCookie": "false"}, tenant=True)
        token = document(reply.data).get("Authorization")
        return token if isinstance(token, str) else ""


def _big(limit: int) -> dict[str, str] | None:
    """Return the header by which a hub is asked for more than Palette's page."""
    return {protocol.H_PAGE_LIMIT: str(limit)} if limit > protocol.PAGE_LIMIT else None
