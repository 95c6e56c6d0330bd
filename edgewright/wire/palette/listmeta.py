"""Paging: the `listmeta` block and its opaque `continue` token.

The token is base64 of `{"offset", "count", "token"}`, as Palette's own; an empty one ends the list. A client treats it
as opaque; only a plane looks inside. Palette's Go client needs `listmeta` and the string `continue` on every page.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Dict, NamedTuple, Optional

from edgewright.core.errors import InvalidInput
from edgewright.wire import protocol
from edgewright.wire.document import Document, integer, text

MAX_OFFSET = 2**31 - 1


class Cursor(NamedTuple):
    """Where the next page begins: `offset` rows in, of `total` when the list was begun; `token` is the plane's own."""

    offset: int
    total: int
    token: str = ""


class ListMeta(Document):
    """The paging block of one page."""

    continue_ = text("continue")
    count = integer("count")
    limit = integer("limit")
    offset = integer("offset")

    @classmethod
    def of(cls, page: Document) -> ListMeta:
        """Return the block of a page; empty when it is missing."""
        block = page.get("listmeta")
        return cls(block if isinstance(block, dict) else {})


def encode(cursor: Cursor) -> str:
    """Return the opaque text of a cursor."""
    body = json.dumps({"offset": cursor.offset, "count": cursor.total, "token": cursor.token}, separators=(",", ":"))
    return base64.b64encode(body.encode()).decode("ascii")


def decode(text_: str) -> Cursor:
    """Return the cursor in a `continue` text.

    Raises `InvalidInput` (code `RequestError`) when it was not made by `encode`.
    """
    try:
        body = json.loads(base64.b64decode(text_.encode("ascii"), validate=True))
        offset, count, token = body["offset"], body["count"], body.get("token", "")
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, RecursionError):
        raise InvalidInput("The value of 'continue' is not one that this plane gave.", code="RequestError") from None
    for value in (offset, count):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_OFFSET:
            raise InvalidInput("The value of 'continue' is not one that this plane gave.", code="RequestError")
    return Cursor(offset, count, token if isinstance(token, str) else "")


def block(offset: int, delivered: int, count: int, limit: int, token: str = "") -> Dict[str, Any]:
    """Return the `listmeta` object for a page of `delivered` rows that began at `offset`, of `count` in all."""
    following = offset + delivered
    more = delivered > 0 and following < count
    return {
        "continue": encode(Cursor(following, count, token)) if more else "",
        "count": count,
        "limit": limit,
        "offset": following,
    }


def check_limit(asked: Optional[int], ceiling: int = protocol.PAGE_LIMIT) -> int:
    """Return the page size to use: the default of 50 for none or 0.

    Raises `InvalidInput` with Palette's framework code 608 or 609 as its code when it is out of bounds.
    """
    if asked is None or asked == 0:
        return min(protocol.PAGE_LIMIT, ceiling)
    if asked > ceiling:
        raise InvalidInput(f"limit in query should be less than or equal to {ceiling}", code="608")
    if asked < 0:
        raise InvalidInput("limit in query should be greater than or equal to 0", code="609")
    return asked
