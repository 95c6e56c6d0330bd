"""The reducer: model and events in, next model and patches out. Pure: no clock, no I/O, no chance.

Events are folded one after the other, so that any way of cutting a log into batches gives the same model. A batch
copies each collection that it touches once, and patches are taken from before and after the entire batch: what ends
equal to what it was is not a patch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, Final

import msgspec

from edgewright.core.text import clean
from edgewright.store.collection import Collection
from edgewright.store.collections.beats import beats_of, row_after
from edgewright.store.collections.catalogue.cluster_rows import cluster_row
from edgewright.store.collections.hosts import host_row
from edgewright.store.collections.rows import LINKS, MessageRow
from edgewright.store.engine import events as kinds
from edgewright.store.engine import model as names
from edgewright.store.engine.draft import Draft
from edgewright.store.engine.events import Event
from edgewright.store.engine.model import Model, Patch, SourceStatus
from edgewright.store.every import COLLECTIONS

_MOST_CERTIFICATES = 20
_MOST_SITES = 40
Handler = Callable[[Draft, Event], None]


def reduce(model: Model, events: Iterable[Event]) -> tuple[Model, tuple[Patch, ...]]:
    """Fold `events` into `model`; return the next model and what differs.

    Unknown kinds and odd payloads are skipped.
    """
    draft = Draft(model)
    for event in events:
        fold(draft, event)
    return draft.finish()


def fold(draft: Draft, event: Event) -> None:
    """Fold one event into a draft, for who works a batch off in slices of time."""
    handler = _HANDLERS.get(event.kind)
    if handler is not None:
        handler(draft, event)
    draft.seq, draft.at = event.seq, event.at


def _docs(event: Event) -> list[dict[str, Any]]:
    docs = event.payload.get("docs")
    return [doc for doc in docs if isinstance(doc, dict)] if isinstance(docs, list) else []


def _uids(event: Event) -> list[str]:
    uids = event.payload.get("uids")
    return [clean(uid) for uid in uids if isinstance(uid, str)] if isinstance(uids, list) else []


def _hosts_seen(draft: Draft, event: Event) -> None:
    for doc in _docs(event):
        row = host_row(doc, event.at)
        if row is not None:
            draft.put_host(row)
    draft.beat(event.at)


def _hosts_beat(draft: Draft, event: Event) -> None:
    hosts = draft.view(names.HOSTS)
    for beat in beats_of(event.payload):
        row = hosts.get(beat.uid)
        if row is not None:
            draft.put_host(row_after(row, beat, event.at))
    draft.beat(event.at)


def _hosts_removed(draft: Draft, event: Event) -> None:
    for uid in _uids(event):
        draft.drop_host(uid)
    draft.beat(event.at)


def _hosts_complete(draft: Draft, event: Event) -> None:
    current = set(_uids(event))
    for uid in [uid for uid in draft.view(names.HOSTS) if uid not in current]:
        draft.drop_host(uid)
    draft.beat(event.at)


def _seen(collection: Collection[Any]) -> Handler:
    """Return what takes in documents of a collection."""
    name, from_document, key_of = collection.name, collection.from_document, attrgetter(collection.key)
    message, limit, pinned = collection.message, collection.limit, collection.pinned

    def seen(draft: Draft, event: Event) -> None:
        rows = [row for doc in _docs(event) if (row := from_document(doc, event.at)) is not None]
        for row in rows:
            key = key_of(row)
            if message is not None:
                news = message(draft.view(name).get(key), row, draft.view(names.HOSTS))
                if news is not None:
                    draft.add_message(MessageRow(event.seq, event.at, *news))
            draft.put(name, key, row)
        if event.payload.get("complete") is True:
            draft.retain_only(name, {*(key_of(row) for row in rows), *(event.payload.get("before") or ())})
            if collection.status:
                draft.source = msgspec.structs.replace(draft.source, **collection.status)
        if limit:
            draft.retain_newest(name, limit, pinned)

    return seen


def _removed(collection: Collection[Any]) -> Handler:
    """Return what takes rows of a collection away."""
    name, problem = collection.name, collection.problem

    def removed(draft: Draft, event: Event) -> None:
        for key in _uids(event):
            row = draft.view(name).get(key)
            if row is not None:
                draft.drop(name, key)
                if problem is not None:
                    draft.drop(names.ACKNOWLEDGED, problem(row))

    return removed


def _site_known(draft: Draft, event: Event) -> None:
    payload = event.payload
    uid, link = clean(payload.get("uid") or "", limit=4096), str(payload.get("link") or "")
    if not uid:
        return
    host, cluster = payload.get("host"), payload.get("cluster")
    row = host_row(host, event.at) if isinstance(host, dict) and link in LINKS else None
    if row is None:
        draft.drop(names.SITE_HOSTS, uid)
    else:
        of_plane = clean(payload.get("hostUid") or "", limit=200)
        # whether it is paired is not known, and that it is as it is since when it was read
        ways = {"sites": _site_links(payload.get("sites")), "way": clean(payload.get("way") or uid, limit=4096)}
        known = msgspec.structs.replace(
            row, uid=uid, state="", since=row.last_seen, link=link, plane_uid=of_plane, **ways
        )
        draft.put(names.SITE_HOSTS, uid, known)
    own = cluster_row(cluster, event.at) if isinstance(cluster, dict) and row is not None else None
    if own is None:
        draft.drop(names.SITE_CLUSTERS, uid)
    else:
        uids = (payload.get("clusterUid"), payload.get("hostUid"), *_listed(payload.get("clusterOf")))
        of_cluster = str(payload.get("clusterLink") or "")
        own = msgspec.structs.replace(
            own,
            uid=uid,
            link=of_cluster if of_cluster in LINKS else link,
            plane_uids=tuple(dict.fromkeys(clean(each, limit=200) for each in uids if each)),
            sites=_site_links(payload.get("clusterSites")),
            way=clean(payload.get("clusterWay") or uid, limit=4096),
            may_be=tuple(clean(each, limit=200) for each in _listed(payload.get("mayBe"))),
        )
        draft.put(names.SITE_CLUSTERS, uid, own)


def _listed(value: object) -> list[str]:
    """Return the texts of a list, of a long one the first."""
    return [each for each in value[:_MOST_SITES] if isinstance(each, str)] if isinstance(value, list) else []


def _site_links(value: object) -> tuple[str, ...]:
    """Return `LINK TARGET` of each connection; odd entries are left out."""
    entries = [each for each in value[:_MOST_SITES] if isinstance(each, dict)] if isinstance(value, list) else []
    pairs = ((str(each.get("link") or ""), clean(each.get("target") or "", limit=4096)) for each in entries)
    return tuple(f"{link} {target}" for link, target in pairs if link in LINKS and target)


def _source_state(draft: Draft, event: Event) -> None:
    payload, before = event.payload, draft.source
    certificates = payload.get("certificates")
    state = str(payload.get("state") or before.state)
    # "loading" is reported before the plane's first answer too; with a total, the plane has reported how many there are
    in_touch = state in ("live", "polling", "replay") or (state == "loading" and _count(payload.get("total")) > 0)
    if state in ("live", "polling"):
        draft.beat(event.at)  # a minute in which the plane was reached is known, also when no host reported anything
    contact = _time(payload.get("contact")) or (event.at if in_touch else before.contact)
    plane = clean(payload.get("plane") or before.plane, limit=20)
    draft.source = SourceStatus(
        state=state,
        message=clean(payload.get("message") or ""),
        since=_time(payload.get("since")) or (before.since if state == before.state else event.at),
        next_try=_time(payload.get("next_try")),
        done=_count(payload.get("done")),
        total=_count(payload.get("total")),
        contact=contact,
        plane=plane,
        version=clean(payload.get("version") or before.version, limit=60),
        role=clean(before.role if payload.get("role") is None else payload["role"], limit=20),
        caller=clean(before.caller if payload.get("caller") is None else payload["caller"], limit=120),
        certificates=before.certificates if certificates is None else _certificates(certificates),
        missing=before.missing if payload.get("missing") is None else _ports(payload["missing"]),
        handling=before.handling and before.plane in ("", plane),
    )


def _ports(value: object) -> tuple[str, ...]:
    """Return the names of ports that a source does not have; odd entries are left out."""
    return (
        tuple(clean(name, limit=40) for name in value[:100] if isinstance(name, str))
        if isinstance(value, (list, tuple))
        else ()
    )


def _certificates(value: object) -> tuple[tuple[str, float, bool], ...]:
    """Return a plane's certificates from `[[name, end in epoch seconds, renewed], ...]`; odd entries are left out."""
    certificates = []
    for entry in value[:_MOST_CERTIFICATES] if isinstance(value, list) else ():
        if isinstance(entry, (list, tuple)) and len(entry) == 3 and isinstance(entry[1], (int, float)):
            certificates.append((clean(str(entry[0]), limit=40), float(entry[1]), entry[2] is True))
    return tuple(certificates)


def _message(draft: Draft, event: Event) -> None:
    level = event.payload.get("level")
    text = clean(event.payload.get("text") or "")
    shown = level if level in ("info", "ok", "warn", "bad") else "info"
    draft.add_message(MessageRow(event.seq, event.at, str(shown), text, event.payload.get("reply") is True))


def _acknowledged(draft: Draft, event: Event) -> None:
    key = event.payload.get("key")
    if not isinstance(key, str):
        return
    if event.payload.get("on", True):
        draft.put(names.ACKNOWLEDGED, key, event.at)
    else:
        draft.drop(names.ACKNOWLEDGED, key)


def _time(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _count(value: object) -> int:
    return max(0, int(value)) if isinstance(value, (int, float)) else 0


_HANDLERS: Final[Mapping[str, Handler]] = {
    **{each.seen: _seen(each) for each in COLLECTIONS},
    **{each.removed: _removed(each) for each in COLLECTIONS},
    kinds.HOSTS_SEEN: _hosts_seen,
    kinds.HOSTS_BEAT: _hosts_beat,
    kinds.HOSTS_REMOVED: _hosts_removed,
    kinds.HOSTS_COMPLETE: _hosts_complete,
    kinds.SITE_KNOWN: _site_known,
    kinds.SOURCE_STATE: _source_state,
    kinds.MESSAGE: _message,
    kinds.ACKNOWLEDGED: _acknowledged,
}
"""What each kind of event does; that of hosts is code of its own, since it also updates sums."""
