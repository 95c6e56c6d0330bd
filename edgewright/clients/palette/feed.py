"""Events, alerts, audits and projects over the plane's API."""

from __future__ import annotations

from typing import Any

from edgewright.clients.palette.pages import Page, Resource, big_page, document, items_of, page_of
from edgewright.core import times
from edgewright.wire import protocol


class Events(Resource):
    """Calls about component events. Each raises `EdgewrightError`."""

    async def page(
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
        return page_of((await self._call("GET", path, "list of events", params=params, headers=big_page(limit))).data)


class Alerts(Resource):
    """Calls about alerts of the plane. Each raises `EdgewrightError`."""

    async def all(self) -> list[dict[str, Any]]:
        """Return what needs an operator and is not the state of a host. Raises `NotFound` from a Palette."""
        return items_of((await self._call("GET", protocol.ALERTS, "list of alerts")).data)


class Audits(Resource):
    """Calls about the audit log. Each raises `EdgewrightError`."""

    async def page(
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
        return page_of((await self._call("GET", path, "list of audits", params=params, headers=big_page(limit))).data)

    async def get(self, uid: str) -> dict[str, Any]:
        """Return one audit entry."""
        return document((await self._call("GET", protocol.path(protocol.AUDIT, uid=uid), f"audit entry {uid}")).data)


class Projects(Resource):
    """Calls about projects. Each raises `EdgewrightError`."""

    async def all(self) -> list[dict[str, Any]]:
        """Return the metadata of all projects that the credential may see."""
        return items_of((await self._call("GET", protocol.PROJECTS_METADATA, "list of projects", tenant=True)).data)
