"""Edge hosts over the plane's API: search, one, create, labels, reset, tunnel, delete."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from edgewright.clients.palette.pages import Page, Resource, big_page, document, page_of, uid_of
from edgewright.wire import protocol


class Hosts(Resource):
    """Calls about edge hosts. Each raises `EdgewrightError`."""

    async def search(
        self,
        spec: Mapping[str, Any] | None = None,
        limit: int = protocol.PAGE_LIMIT,
        continue_: str = "",
        offset: int | None = None,
    ) -> Page:
        """Return one page of the hosts that match a `v1SearchFilterSummarySpec` (`None`: all).

        More than 50 a page only a hub gives. `offset` may be used in the place of `continue_` to fetch several pages
        at a time.
        """
        params: dict[str, str | int] = {"limit": limit}
        if continue_:
            params["continue"] = continue_
        elif offset is not None:
            params["offset"] = offset
        headers = big_page(limit)
        reply = await self._call(
            "POST", protocol.HOSTS_SEARCH, "list of hosts", body=dict(spec or {}), params=params, headers=headers
        )
        return page_of(reply.data)

    async def each(
        self, spec: Mapping[str, Any] | None = None, limit: int | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield every host document that matches, in pages as large as the plane gives unless `limit` is given."""
        limit = await self._transport.page_limit() if limit is None else limit
        continue_ = ""
        while True:
            page = await self.search(spec, limit, continue_)
            for item in page.items:
                yield item
            if not page.continue_ or not page.items or page.continue_ == continue_:
                return
            continue_ = page.continue_

    async def get(self, uid: str) -> dict[str, Any]:
        """Return the entire document of one host."""
        return document((await self._call("GET", protocol.path(protocol.HOST, uid=uid), f"host {uid}")).data)

    async def create(
        self,
        uid: str,
        labels: Mapping[str, str] | None = None,
        arch: str = "",
        pairing_key: str = "",
        name: str = "",
    ) -> str:
        """Pre-register a host; it is unpaired until its agent comes. Returns its uid."""
        spec: dict[str, Any] = {}
        if arch:
            spec["archType"] = arch
        if pairing_key:
            spec["hostPairingKey"] = pairing_key
        body = {"metadata": {"name": name or uid, "uid": uid, "labels": dict(labels or {})}, "spec": spec}
        reply = await self._call("POST", protocol.HOSTS, f"host {uid}", body=body)
        return uid_of(reply.data) or uid

    async def set_labels(self, uid: str, name: str, labels: Mapping[str, str]) -> None:
        """Replace the labels (tags) of a host; `name` is sent again, as the API requires."""
        body = {"metadata": {"name": name, "uid": uid, "labels": dict(labels)}}
        await self._call("PUT", protocol.path(protocol.HOST_META, uid=uid), f"host {uid}", body=body)

    async def update(self, uid: str, doc: Mapping[str, Any]) -> None:
        """Put a complete document of a host, as it was read and changed."""
        await self._call("PUT", protocol.path(protocol.HOST, uid=uid), f"host {uid}", body=dict(doc))

    async def delete(self, uid: str) -> None:
        """Delete the record of a host; its credential ends with it."""
        await self._call("DELETE", protocol.path(protocol.HOST, uid=uid), f"host {uid}")

    async def reset(self, uid: str) -> None:
        """Order the host to forget its cluster."""
        await self._call("PUT", protocol.path(protocol.HOST_RESET, uid=uid), f"host {uid}")

    async def set_pairing_key(self, uid: str, key: str) -> None:
        """Set the one-time pairing key of a pre-registered host."""
        path = protocol.path(protocol.HOST_PAIRING_KEY, uid=uid)
        await self._call("PATCH", path, f"host {uid}", body={"hostPairingKey": key})

    async def set_tunnel(self, uid: str, remote_ssh: bool, temp_user: bool = False) -> None:
        """Enable or disable the remote shell of a host, and its temporary user."""
        body = {"remoteSsh": _switch(remote_ssh), "remoteSshTempUser": _switch(temp_user)}
        await self._call("PATCH", protocol.path(protocol.HOST_TUNNEL_CONFIG, uid=uid), f"host {uid}", body=body)

    async def tags(self) -> list[str]:
        """Return all tags in use, as `key:value`."""
        data = document((await self._call("GET", protocol.HOSTS_TAGS, "list of tags")).data)
        result = data.get("tags")
        return [tag for tag in result if isinstance(tag, str)] if isinstance(result, list) else []

    async def search_schema(self) -> dict[str, Any]:
        """Return what the plane's host search can filter by."""
        return document((await self._call("GET", protocol.HOSTS_SEARCH_SCHEMA, "schema of the host search")).data)


def _switch(on: bool) -> str:
    return "enabled" if on else "disabled"
