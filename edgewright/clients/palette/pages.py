"""What the resources of the client share: reading documents, lists and pages of an answer that may lack anything."""

from __future__ import annotations

from typing import Any

import msgspec

from edgewright.clients.http.transport import Transport
from edgewright.wire import protocol


class Page(msgspec.Struct, frozen=True):
    """One page of a list. `count` is how many match in all; `continue_` is empty on the last page."""

    items: list[dict[str, Any]]
    count: int = 0
    continue_: str = ""
    offset: int = 0
    """Where the next page begins."""


class Resource:
    """The calls about one noun, over the client's transport. Each raises `EdgewrightError`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._call = transport.call


def page_of(data: Any) -> Page:
    """Read a page; `null` lists and missing paging blocks are taken as empty."""
    body = document(data)
    meta = document(body.get("listmeta"))
    continue_ = meta.get("continue")
    return Page(
        items_of(body),
        count_of(meta.get("count")),
        continue_ if isinstance(continue_, str) else "",
        count_of(meta.get("offset")),
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


def count_of(result: Any) -> int:
    """Return a count, 0 when it is none."""
    return result if isinstance(result, int) and not isinstance(result, bool) and result > 0 else 0


def big_page(limit: int) -> dict[str, str] | None:
    """Return the header by which a hub is asked for more than Palette's page."""
    return {protocol.H_PAGE_LIMIT: str(limit)} if limit > protocol.PAGE_LIMIT else None
