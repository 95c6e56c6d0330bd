"""Receivers of alerts as rows of a listing, and found by name or uid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.clients.ports import CanManageReceivers
from edgewright.commands.kernel.cells import ago, or_dash
from edgewright.commands.kernel.results import Column, Item
from edgewright.config.nearest import suggestion
from edgewright.core import times
from edgewright.core.errors import Conflict, NotFound
from edgewright.core.text import clean

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext

COLUMNS = (
    Column("RECEIVER"),
    Column("KIND"),
    Column("TARGET"),
    Column("STATE"),
    Column("WAITING", right=True),
    Column("LAST SUCCESS", right=True),
    Column("LAST ERROR"),
    Column("DROPPED", wide=True, right=True),
    Column("UID", wide=True),
)


def item(document: dict[str, Any], now: float) -> Item:
    """Return one receiver as a row."""
    status = document.get("status") or {}
    failed = _when(status.get("lastFailure"))
    error = clean(status.get("lastError"), 200)
    cells = (
        clean(document.get("name"), 128),
        clean(document.get("kind"), 16),
        clean(document.get("target"), 120),
        "active" if document.get("active") else "off",
        str(status.get("waiting", 0)),
        ago(_when(status.get("lastSuccess")), now),
        f"{ago(failed, now)} ago: {error}" if error else or_dash(""),
        str(status.get("dropped", 0)),
        clean(document.get("uid"), 64),
    )
    return Item(cells[0], cells, document)


async def find(ctx: CommandContext, word: str) -> dict[str, Any]:
    """Return a receiver by uid or name. Raises `NotFound`, or `Conflict` when the name is not unique."""
    documents = await (await ctx.port(CanManageReceivers)).all()
    for document in documents:
        if document.get("uid") == word:
            return document
    named = [document for document in documents if document.get("name") == word]
    if len(named) > 1:
        raise Conflict(
            f"{len(named)} receivers are called {clean(word)}.",
            "Name one by its uid: edgewright alert receiver list -o wide",
        )
    if not named:
        near = suggestion(word, [str(document.get("name")) for document in documents])
        raise NotFound(f"There is no receiver {clean(word)}{near}.", "See them: edgewright alert receiver list")
    return named[0]


def _when(text: Any) -> float | None:
    try:
        return times.parse(text) if isinstance(text, str) else None
    except ValueError:
        return None
