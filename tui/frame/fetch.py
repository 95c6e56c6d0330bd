"""Fetching one thing from the plane on demand: in a worker, with a state to show, given up by escape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgewright.commands.kernel.base import BY_HOST
from edgewright.commands.kernel.documents import cluster_of, document_of, events_of_host, operations_of_host
from edgewright.core.errors import EdgewrightError, Failed, Unreachable
from edgewright.sources.redact import redact_all
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.every import of_noun
from tui.session import Session


def known_document(session: Session, collection: str, uid: str) -> dict[str, Any] | None:
    """Return the document of a thing as it was seen last: in this session, or in the recording up to its moment."""
    if session.replay is not None:
        return session.replay.replay.document(collection, uid)
    return session.store.document(collection, uid)


async def fetch_document(session: Session, noun: str, uid: str) -> dict[str, Any]:
    """Return the document of a thing, e.g. a `host`, as the plane has it now. Raises `EdgewrightError`."""
    collection = of_noun(noun)
    if collection is None or not collection.getter:
        raise Failed("This document was not seen in this session; the plane returns it with its list only.")
    if session.replay is not None and (recorded := known_document(session, collection.name, uid)) is not None:
        return recorded
    if session.make_context is None:
        raise Unreachable("There is no plane to ask: this shows what was recorded.", code="NoPlane")
    raw = await document_of(session.make_context(), collection.getter, uid)
    if collection.documents and not uid.startswith(BY_HOST):  # a site has its own, as it was read last
        session.store.store_document(collection.name, uid, raw)
    return raw


async def fetch_events(session: Session, uid: str, limit: int = 50) -> list[dict[str, Any]]:
    """Return the newest events of a host as documents, and put them into the model. Raises `EdgewrightError`."""
    if session.make_context is None:
        return []
    docs = await events_of_host(session.make_context(), uid, limit)
    if docs:
        session.store.emit("plane", "feed.seen", {"docs": docs})
    return docs


async def fetch_operations(session: Session, uid: str) -> None:
    """Put what a host was asked to do into the model; only a hub knows it. Raises `EdgewrightError`."""
    if session.make_context is None or session.store.model.source.plane != "hub":
        return
    docs = await operations_of_host(session.make_context(), uid)
    if docs:
        session.store.emit("plane", "operations.seen", {"docs": redact_all(docs)})


async def fetch_clusters(session: Session, uids: Sequence[str]) -> None:
    """Put clusters into the model as the plane has them now. Raises `EdgewrightError`.

    The progress of a step is in heartbeats alone (P69): the plane does not report it as a change.
    """
    if session.make_context is not None and uids:
        ctx = session.make_context()
        docs = [await cluster_of(ctx, uid) for uid in uids]
        session.store.emit("plane", CLUSTERS.seen, {"docs": redact_all(docs)})


def sentence(error: EdgewrightError) -> str:
    """Return an error as one text: what is wrong and the next step."""
    return f"{error.message} {error.hint}".strip()
