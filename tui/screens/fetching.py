"""Fetching one thing from the plane on demand: in a worker, with a state to show, given up by escape."""

from __future__ import annotations

from typing import Any, Literal

from edgewright.core.errors import EdgewrightError, Unreachable
from tui.session import Session

Kind = Literal["host", "token"]


async def fetch_document(session: Session, kind: Kind, uid: str) -> dict[str, Any]:
    """Return the document of a host or a token as the plane has it now. Raises `EdgewrightError`."""
    if session.make_context is None:
        raise Unreachable("There is no plane to ask: this shows what was recorded.", code="NoPlane")
    client = await session.make_context().client()
    doc: Any = await (client.host(uid) if kind == "host" else client.token(uid))
    raw: dict[str, Any] = doc if isinstance(doc, dict) else doc.raw
    if kind == "host":
        session.store.keep_document("hosts", uid, raw)
    return raw


async def fetch_events(session: Session, uid: str, limit: int = 50) -> list[dict[str, Any]]:
    """Return the newest events of a host as documents, and put them into the model. Raises `EdgewrightError`."""
    if session.make_context is None:
        return []
    client = await session.make_context().client()
    page: Any = await client.events("edgehost", uid, limit=limit)
    docs = [item if isinstance(item, dict) else item.raw for item in getattr(page, "items", page)]
    if docs:
        session.store.emit("plane", "feed.seen", {"docs": docs})
    return docs


def sentence(error: EdgewrightError) -> str:
    """Return an error as one text: what is wrong and the next step."""
    return f"{error.message} {error.hint}".strip()
