"""Tag filters over the plane's API. They belong to the tenant: no project header goes with these calls."""

from __future__ import annotations

from typing import Any

from edgewright.clients.palette.pages import Resource, document, items_of
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
