"""Edge hosts over the plane's API: search, one, create, labels, reset, tunnel, delete."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from edgewright.clients.http.transport import Transport
from edgewright.wire import protocol


class HostsPage(msgspec.Struct, frozen=True):
    """One page of a search. `count` is how many match in all; `continue_` is empty on the last page."""

    items: list[dict[str, Any]]
    count: int = 0
    continue_: str = ""
    offset: int = 0
    """Where the next page begins."""


class HostsApi(Transport):
    """Calls about edge hosts. Each raises `EdgewrightError`."""

    async def search_hosts(
        self,
        spec: Mapping[str, Any] | None = None,
        limit: int = protocol.PAGE_LIMIT,
        continue_: str = "",
        offset: int | None = None,
    ) -> HostsPage:
        """Return one page of the hosts that match a `v1SearchFilterSummarySpec` (`None`: all).

        More than 50 a page only a hub gives. `offset` may be used in the place of `continue_` to fetch several pages
        at a time.
        """
        params: dict[str, str | int] = {"limit": limit}
        if continue_:
            params["continue"] = continue_
        elif offset is not None:
            params["offset"] = offset
        headers = {protocol.H_PAGE_LIMIT: str(limit)} if limit > protocol.PAGE_LIMIT else None
        reply = await self.call(
            "POST", protocol.HOSTS_SEARCH, "list of hosts", body=dict(spec or {}), params=params, headers=headers
        )
        return page_of(reply.data)

    async def all_hosts(
        self, spec: Mapping[str, Any] | None = None, limit: int = protocol.PAGE_LIMIT
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield every host document that matches, page after page."""
        continue_ = ""
        while True:
            page = await self.search_hosts(spec, limit, continue_)
            for item in page.items:
                yield item
            if not page.continue_ or not page.items or page.continue_ == continue_:
                return
            continue_ = page.continue_

    async def host(self, uid: str) -> dict[str, Any]:
        """Return the entire document of one host."""
        return document((await self.call("GET", protocol.path(protocol.HOST, uid=uid), f"host {uid}")).data)

    async def create_host(
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
        reply = await self.call("POST", protocol.HOSTS, f"host {uid}", body=body)
        return uid_of(reply.data) or uid

    async def update_labels(self, uid: str, name: str, labels: Mapping[str, str]) -> None:
        """Replace the labels (tags) of a host; `name` is sent again, as the API requires."""
        body = {"metadata": {"name": name, "uid": uid, "labels": dict(labels)}}
        await self.call("PUT", protocol.path(protocol.HOST_META, uid=uid), f"host {uid}", body=body)

    async def update_host(self, uid: str, doc: Mapping[str, Any]) -> None:
        """Put a complete document of a host, as it was read and changed."""
        await self.call("PUT", protocol.path(protocol.HOST, uid=uid), f"host {uid}", body=dict(doc))

    async def delete_host(self, uid: str) -> None:
        """Delete the record of a host; its credential ends with it."""
        await self.call("DELETE", protocol.path(protocol.HOST, uid=uid), f"host {uid}")

    async def reset_host(self, uid: str) -> None:
        """Order the host to forget its cluster."""
        await self.call("PUT", protocol.path(protocol.HOST_RESET, uid=uid), f"host {uid}")

    async def set_pairing_key(self, uid: str, key: str) -> None:
        """Set the one-time pairing key of a pre-registered host."""
        path = protocol.path(protocol.HOST_PAIRING_KEY, uid=uid)
        await self.call("PATCH", path, f"host {uid}", body={"hostPairingKey": key})

    async def set_tunnel(self, uid: str, remote_ssh: bool, temp_user: bool = False) -> None:
        """Enable or disable the remote shell of a host, and its temporary user."""
        body = {"remoteSsh": _switch(remote_ssh), "remoteSshTempUser": _switch(temp_user)}
        await self.call("PATCH", protocol.path(protocol.HOST_TUNNEL_CONFIG, uid=uid), f"host {uid}", body=body)

    async def host_tags(self) -> list[str]:
        """Return all tags in use, as `key:value`."""
        data = document((await self.call("GET", protocol.HOSTS_TAGS, "list of tags")).data)
        result = data.get("tags")
        return [tag for tag in result if isinstance(tag, str)] if isinstance(result, list) else []

    async def search_schema(self) -> dict[str, Any]:
        """Return what the plane's host search can filter by."""
        return document((await self.call("GET", protocol.HOSTS_SEARCH_SCHEMA, "schema of the host search")).data)


def page_of(data: Any) -> HostsPage:
    """Read a page; `null` lists and missing paging blocks are taken as empty."""
    body = document(data)
    meta = document(body.get("listmeta"))
    continue_ = meta.get("continue")
    return HostsPage(
        items_of(body),
        whole(meta.get("count")),
        continue_ if isinstance(continue_, str) else "",
        whole(meta.get("offset")),
    )


def document(data: Any) -> dict[str, Any]:
    """Return `data` if it is an object, an empty one otherwise."""
    return data if isinstance(data, dict) else {}


def items_of(data: Any) -> list[dict[str, Any]]:
    """Return the objects of `data["items"]`."""
    result = document(data).get("items")
    return [item for item in result if isinstance(item, dict)] if isinstance(result, list) else []


def uid_of(data: Any) -> str:
    """Return `data["uid"]`, `""` when it is not there."""
    result = document(data).get("uid")
    return result if isinstance(result, str) else ""


def whole(result: Any) -> int:
    """Return a count, 0 when it is none."""
    return result if isinstance(result, int) and not isinstance(result, bool) and result > 0 else 0


def _switch(on: bool) -> str:
    return "enabled" if on else "disabled"
