"""Tag filters over the plane's API. They belong to the tenant: no project header goes with these calls."""

from __future__ import annotations

from typing import Any

from edgewright.clients.http.transport import Transport
from edgewright.clients.palette.hosts import document, items_of
from edgewright.wire import protocol


class FiltersApi(Transport):
    """Calls about tag filters. Each raises `EdgewrightError`."""

    async def filters(self) -> list[dict[str, Any]]:
        """Return the filters (`v1FilterSummary`), without their conditions."""
        reply = await self.call("GET", protocol.FILTERS, "list of filters", params={"limit": 0}, tenant=True)
        return items_of(reply.data)

    async def tag_filter(self, uid: str) -> dict[str, Any]:
        """Return one filter with its conditions (`v1TagFilterSummary`)."""
        path = protocol.path(protocol.TAG_FILTER, uid=uid)
        return document((await self.call("GET", path, "filter", tenant=True)).data)
