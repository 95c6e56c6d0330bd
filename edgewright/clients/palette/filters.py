"""Tag filters over the plane's API. They belong to the tenant: no project header goes with these calls."""

from __future__ import annotations

from typing import Any

from edgewright.clients.palette.pages import Resource, document, items_of, uid_of
from edgewright.wire import protocol


class Filters(Resource):
    """Calls about tag filters. Each raises `EdgewrightError`."""

    async def all(self) -> list[dict[str, Any]]:
        """Return the filters (`v1FilterSummary`), without their conditions."""
        reply = await self._call("GET", protocol.FILTERS, "list of filters", params={"limit": 0}, tenant=True)
        return items_of(reply.data)

    async def get(self, uid: str) -> dict[str, Any]:
        """Return one filter with its conditions (`v1TagFilterSummary`)."""
        path = protocol.path(protocol.TAG_FILTER, uid=uid)
        return document((await self._call("GET", path, "filter", tenant=True)).data)

    async def create(self, name: str, spec: dict[str, Any]) -> str:
        """Create a filter (`v1TagFilter`); returns the uid."""
        body = {"metadata": {"name": name}, "spec": spec}
        reply = await self._call("POST", protocol.TAG_FILTERS, f"tag filter {name}", body=body, tenant=True)
        return uid_of(reply.data)

    async def update(self, uid: str, name: str, spec: dict[str, Any]) -> None:
        """Give a filter a name and conditions."""
        body = {"metadata": {"name": name}, "spec": spec}
        path = protocol.path(protocol.TAG_FILTER, uid=uid)
        await self._call("PUT", path, f"tag filter {name}", body=body, tenant=True)

    async def delete(self, uid: str) -> None:
        """Delete a filter; lists that use it answer that it does not exist."""
        await self._call("DELETE", protocol.path(protocol.TAG_FILTER, uid=uid), "tag filter", tenant=True)
