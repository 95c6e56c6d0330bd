"""The store: takes events from sources, stores the model, notifies subscribers of changes.

One thread, the loop's, may use it. Sources in other threads post with `loop.call_soon_threadsafe(store.emit, ...)`.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from edgewright.core import times
from edgewright.store.collections.beats import Beat, beats_of, document_after
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.collections.hosts import HostRow
from edgewright.store.engine import events as kinds
from edgewright.store.engine import model as names
from edgewright.store.engine.coalescer import TICK, Coalescer
from edgewright.store.engine.draft import Draft, completed
from edgewright.store.engine.events import Event
from edgewright.store.engine.model import NAMES, Model, Patch
from edgewright.store.engine.reducer import fold
from edgewright.store.engine.subscription import Callback, Subscription
from edgewright.store.every import COLLECTIONS

log = logging.getLogger(__name__)

SLICE: Final = 0.003
"""Seconds of reducing at a time; then keys and paints have their turn."""
PIECE: Final = 25
"""Documents of one event that are reduced at a time: a page of a plane may be longer than a slice."""
DOCUMENTS: Final = 4096
"""Raw documents cached of what was seen last; older ones are asked of the plane."""
_DOCUMENT_KINDS: Final = {each.seen: each.name for each in COLLECTIONS if each.documents}

Tap = Callable[[Event], None]
"""Gets each event as it arrives, before it is reduced (the recorder does)."""


class Store:
    """Model, subscribers and raw documents of one context."""

    def __init__(
        self, model: Model | None = None, *, clock: Callable[[], float] = times.now, tick: float = TICK
    ) -> None:
        self._model = model or Model()
        self._clock = clock
        self.restored = self._model
        """The model that was taken last in the place of another."""
        self._seq = self._model.seq
        self._pending: deque[Event] = deque()
        self._subscriptions: list[Subscription] = []
        self._taps: list[Tap] = []
        self._documents: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._beats: dict[str, Beat] = {}
        """The newest heartbeat of each host whose document is older."""
        self._draft: Draft | None = None
        self._coalescer = Coalescer(self._slice, self._round, tick)

    @property
    def model(self) -> Model:
        """The model as of the last round."""
        return self._model

    def now(self) -> float:
        """Return the present as the store's clock has it, epoch seconds UTC."""
        return self._clock()

    def emit(self, source: str, kind: str, payload: Mapping[str, Any], at: float | None = None) -> Event:
        """Take in one event; it is in the model after the next round. Raises `ValueError` for an unknown kind."""
        if kind not in kinds.KINDS:
            raise ValueError(f"{kind!r} is not a kind of event")
        self._seq += 1
        event = Event(self._seq, self._clock() if at is None else at, source, kind, dict(payload))
        self._store_documents(event)
        for tap in self._taps:
            tap(event)
        self._pending.extend(_pieces(event))
        self._coalescer.poke()
        return event

    @property
    def seq(self) -> int:
        """Return the number of the newest event."""
        return self._seq

    def message(self, text: str, level: str = "info", source: str = "command", reply: bool = False) -> None:
        """Put one line on the message line and into the message log; `level` is info, ok, warn or bad.

        A `reply` is the reason why a key or a command was refused: it leaves the message line when something else was
        done.
        """
        self.emit(source, kinds.MESSAGE, {"level": level, "text": text, **({"reply": True} if reply else {})})

    def acknowledge(self, key: str, on: bool = True) -> None:
        """Mark the problem `key` (see `selectors.problems`) as seen by a user, or undo that."""
        self.emit("command", kinds.ACKNOWLEDGED, {"key": key, "on": on})

    def subscribe(self, collections: Iterable[str], callback: Callback) -> Subscription:
        """Call `callback(patches)` after each round that changed one of `collections` (names of `store.engine.model`).

        The result ends the subscription when it is called; `pause()` and `resume()` are for hidden screens. Raises
        `ValueError` for an unknown collection.
        """
        wanted = frozenset(collections)
        unknown = wanted - NAMES
        if unknown:
            raise ValueError(f"no such collection: {', '.join(sorted(unknown))}")
        subscription = Subscription(wanted, callback, self._subscriptions)
        self._subscriptions.append(subscription)
        return subscription

    def tap(self, listener: Tap) -> Callable[[], None]:
        """Let `listener` get each event as it arrives; the result ends that."""
        self._taps.append(listener)
        return lambda: self._taps.remove(listener) if listener in self._taps else None

    def defer(self, seconds: float) -> None:
        """Begin no work on events for `seconds` or until `resume`: the effect of a key is painted first."""
        self._coalescer.defer(seconds)

    @property
    def deferred(self) -> bool:
        """Whether the effect of a key is about to be painted."""
        return self._coalescer.deferred

    def resume(self) -> None:
        """Let work on events begin again."""
        self._coalescer.resume()

    def flush(self) -> None:
        """Reduce everything that is pending and notify the subscribers, now."""
        self._coalescer.stop()
        while self._pending:
            self._fold()
        self._round()

    def restore(self, model: Model) -> None:
        """Take `model` (from the cache or a recording) in the place of what is there; subscribers get resets."""
        self._pending.clear()
        self._draft = None
        self._documents.clear()
        self._beats.clear()
        self._model = self.restored = model
        self._seq = max(self._seq, model.seq)
        self._deliver(tuple(Patch(name, op="reset") for name in sorted(NAMES)))

    def complete_hosts(self, head: Model, hosts: dict[str, HostRow]) -> None:
        """Take all hosts of a cached fleet of which `head` was restored; when another model came since, do nothing.

        What events reported meanwhile of single hosts stays, and is counted.
        """
        if self.restored is head:
            self.flush()
            self._model = completed(self._model, head, hosts)
            self._deliver((Patch(names.HOSTS, op="reset"),))

    def document(self, collection: str, uid: str) -> dict[str, Any] | None:
        """Return the raw document seen last of a thing, `None` when it was not seen in this session (ask the plane)."""
        text = self._documents.get((collection, uid))
        document: dict[str, Any] | None = None if text is None else msgspec.json.decode(text)
        beat = self._beats.get(uid) if collection == names.HOSTS else None
        return document if document is None or beat is None else document_after(document, beat)

    def store_document(self, collection: str, uid: str, doc: dict[str, Any]) -> None:
        """Store a document, as JSON text: a fifth of the memory of its objects."""
        try:
            text = msgspec.json.encode(doc)
        except UnicodeEncodeError:  # half of a surrogate pair, which JSON lets a plane send
            import json

            text = json.dumps(doc, ensure_ascii=False).encode("utf-8", "replace")
        self._documents[collection, uid] = text
        self._documents.move_to_end((collection, uid))
        if collection == names.HOSTS:
            self._beats.pop(uid, None)
        while len(self._documents) > DOCUMENTS:
            (_, dropped), _ = self._documents.popitem(last=False)
            self._beats.pop(dropped, None)

    def close(self) -> None:
        """Reduce what is pending and stop; subscribers get no more."""
        self.flush()
        self._subscriptions.clear()
        self._taps.clear()

    def _slice(self) -> bool:
        """Reduce for one slice of time; return whether events are left."""
        until = time.perf_counter() + SLICE
        while self._pending:
            self._fold()
            if time.perf_counter() >= until:
                break
        return bool(self._pending)

    def _fold(self) -> None:
        if self._draft is None:
            self._draft = Draft(self._model)
        fold(self._draft, self._pending.popleft())

    def _round(self) -> bool:
        """Take what was reduced as the model and report it; return whether an event is half done in it."""
        draft = self._draft
        if draft is None:
            return False
        if self._pending and self._pending[0].seq == draft.seq:
            return True
        self._draft = None
        self._model, patches = draft.finish()
        if patches:
            self._deliver(patches)
        return False

    def _deliver(self, patches: tuple[Patch, ...]) -> None:
        for subscription in tuple(self._subscriptions):
            try:
                subscription.deliver(patches)
            except Exception:  # one broken screen must not cut the others off from the fleet
                log.exception("a subscriber of %s failed", ", ".join(sorted(subscription.collections)))

    def _store_documents(self, event: Event) -> None:
        if event.kind == kinds.HOSTS_BEAT:
            for beat in beats_of(event.payload):
                if (names.HOSTS, beat.uid) in self._documents:
                    self._beats[beat.uid] = beat
            return
        if event.kind == kinds.SITE_KNOWN and isinstance(cluster := event.payload.get("cluster"), dict):
            self.store_document(CLUSTERS.name, _uid(cluster), cluster)
            return
        collection = _DOCUMENT_KINDS.get(event.kind)
        docs = event.payload.get("docs")
        if collection is None or not isinstance(docs, list):
            return
        for doc in docs[-DOCUMENTS:]:
            if uid := _uid(doc):
                self.store_document(collection, uid, doc)


def _uid(doc: object) -> str:
    """Return the uid of a document, empty without one."""
    meta = doc.get("metadata") if isinstance(doc, dict) else None
    uid = meta.get("uid") if isinstance(meta, dict) else None
    return uid if isinstance(uid, str) else ""


def _pieces(event: Event) -> Iterator[Event]:
    """Yield an event in pieces that are reduced in one go; together they mean the same.

    The last piece of a complete list has the uids of the pieces before it, as `before`: what is in none of them no
    longer exists.
    """
    docs = event.payload.get("docs")
    if event.kind not in _DOCUMENT_KINDS or not isinstance(docs, list) or len(docs) <= PIECE:
        yield event
        return
    for start in range(0, len(docs), PIECE):
        payload = {**event.payload, "docs": docs[start : start + PIECE]}
        if payload.get("complete") is True:
            last = start + PIECE >= len(docs)
            payload["complete"] = last
            payload["before"] = [uid for doc in docs[:start] if (uid := _uid(doc))] if last else []
        yield Event(event.seq, event.at, event.source, event.kind, payload)
