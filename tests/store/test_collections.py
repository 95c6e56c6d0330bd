"""Every collection of the store, by the list: what reducer, cache, recording and feeds do with a row of each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edgewright.clients.http.stream import Change
from edgewright.core.errors import EdgewrightError, NotFound, Refused
from edgewright.sources.follow import Follower
from edgewright.sources.lists import read_list
from edgewright.store.collection import Collection
from edgewright.store.engine import cache
from edgewright.store.engine import events as kinds
from edgewright.store.engine import model as names
from edgewright.store.engine.model import Model, Patch
from edgewright.store.engine.record import Recorder, read
from edgewright.store.engine.replay import Replay
from edgewright.store.engine.store import Store
from edgewright.store.every import COLLECTIONS, of_noun
from edgewright.wire import protocol

NOW = 1_795_442_551.0
TIME = "2026-11-23T08:00:00.000Z"


def _meta(uid: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"uid": uid, "name": f"name of {uid}", "creationTimestamp": TIME}, **more}


DOCUMENTS: Mapping[str, Any] = {
    "hosts": lambda uid, text: _meta(uid, status={"state": "ready", "health": {"state": "healthy", "message": text}}),
    "operations": lambda uid, text: {"id": uid, "hostUid": "host", "state": "pending", "kind": "reset", "actor": text},
    "alerts": lambda uid, text: {"uid": uid, "kind": "rejected", "message": text, "code": "X"},
    "handling": lambda uid, text: {"key": uid, "note": text},
    "tokens": lambda uid, text: _meta(uid, spec={"defaultProject": {"uid": "p", "name": text}, "token": "secret"}),
    "feed": lambda uid, text: _meta(uid, message=text),
    "audits": lambda uid, text: _meta(uid, spec={"actionMsg": text}),
    "users": lambda uid, text: _meta(uid, spec={"emailId": text}, status={"activationLink": "https://secret"}),
    "ssh_keys": lambda uid, text: _meta(uid, spec={"edgewright": {"comment": text}}),
}
"""One document of collections, with a text that changes the row, where the name alone is not enough."""

ERRORS = [NotFound("No such path."), Refused("Not for this role.")]

every = pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda each: str(each.name))
changing = pytest.mark.parametrize(
    "collection", [each for each in COLLECTIONS if each.change_kind], ids=lambda each: str(each.name)
)
"""Those that a hub's stream reports; roles never change."""
listed = pytest.mark.parametrize(
    "collection", [each for each in COLLECTIONS if each.reading], ids=lambda each: str(each.name)
)
"""Those with a list; hosts are read in pages of their own."""


def document(collection: Collection[Any], uid: str, text: str = "first") -> dict[str, Any]:
    made = DOCUMENTS.get(collection.name)
    found: dict[str, Any] = _meta(uid) if made is None else made(uid, text)
    return found if made is not None else {**found, "metadata": {**found["metadata"], "name": text}}


def seen(store: Store, collection: Collection[Any], *uids: str, text: str = "first", **more: Any) -> None:
    store.emit("plane", collection.seen, {"docs": [document(collection, uid, text) for uid in uids], **more})
    store.flush()


def emptied(store: Store, collection: Collection[Any], *left: str) -> None:
    """Report the complete list, with only `left` in it."""
    if collection.name == names.HOSTS:
        store.emit("plane", kinds.HOSTS_COMPLETE, {"uids": list(left)})
        store.flush()
    else:
        seen(store, collection, *left, complete=True)


def test_every_collection_has_a_name_a_noun_and_a_kind_of_its_own() -> None:
    for field in ("name", "noun", "change_kind", "seen", "removed", "row"):
        values = [getattr(each, field) for each in COLLECTIONS]
        assert len(set(values)) == len(values), field
    assert {each.change_kind for each in COLLECTIONS} - {""} == set(protocol.CHANGE_KINDS), "the stream has no other"
    assert set(DOCUMENTS) <= {each.name for each in COLLECTIONS}
    assert all(of_noun(each.noun) is each for each in COLLECTIONS) and of_noun("nothing") is None


@every
def test_what_is_in_a_row_has_the_key_first_and_a_time_where_it_is_limited(collection: Collection[Any]) -> None:
    fields = collection.row.__struct_fields__
    assert fields[0] == collection.key
    assert not collection.limit or "at" in fields
    assert collection.from_document({}, NOW) is None and collection.from_document({"metadata": None}, NOW) is None


@every
def test_a_row_comes_changes_and_goes(collection: Collection[Any]) -> None:
    store, patches = Store(clock=lambda: NOW), list[Patch]()
    store.subscribe([collection.name], patches.extend)
    seen(store, collection, "a", "b")
    assert list(collection.of(store.model)) == ["a", "b"]
    assert [(each.key, each.op, each.new) for each in patches] == [("a", "put", True), ("b", "put", True)]
    patches.clear()
    seen(store, collection, "a", text="second")
    assert [(each.key, each.op, each.new, bool(each.fields)) for each in patches] == [("a", "put", False, True)]
    patches.clear()
    seen(store, collection, "a", text="second")
    assert patches == [], "an equal row is no patch"
    store.emit("plane", collection.removed, {"uids": ["a", "never there"]})
    store.flush()
    assert list(collection.of(store.model)) == ["b"]
    assert [(each.key, each.op) for each in patches] == [("a", "delete")]


@every
def test_a_complete_list_takes_away_what_is_not_in_it(collection: Collection[Any]) -> None:
    store = Store(clock=lambda: NOW)
    seen(store, collection, "a", "b")
    emptied(store, collection, "b")
    assert list(collection.of(store.model)) == ["b"]
    emptied(store, collection)
    assert collection.of(store.model) == {}


@every
def test_another_project_or_plane_begins_empty(collection: Collection[Any]) -> None:
    store, patches = Store(clock=lambda: NOW), list[Patch]()
    seen(store, collection, "a")
    store.subscribe([collection.name], patches.extend)
    store.restore(Model())
    assert collection.of(store.model) == {} and [each.op for each in patches] == ["reset"]


@every
def test_the_cache_has_what_it_should(collection: Collection[Any], tmp_path: Path) -> None:
    store = Store(clock=lambda: NOW)
    seen(store, collection, "a", "b")
    cache.save(tmp_path / "fleet", store.model)
    loaded = cache.load(tmp_path / "fleet").model
    assert loaded is not None
    assert collection.of(loaded) == (collection.of(store.model) if collection.cached else {})
    assert b"secret" not in (tmp_path / "fleet").read_bytes()


@every
def test_a_cache_without_the_collection_opens(collection: Collection[Any], tmp_path: Path) -> None:
    store = Store(clock=lambda: NOW)
    seen(store, collection, "a")
    older = msgspec.to_builtins(store.model)
    del older[collection.name]
    assert collection.of(msgspec.convert(older, Model)) == {}


@every
def test_a_recording_replays_to_the_same_rows(collection: Collection[Any], tmp_path: Path) -> None:
    clock = [NOW]
    store = Store(clock=lambda: clock[0])
    seen(store, collection, "a")
    recorder = Recorder(store, tmp_path / "one.rec")
    clock[0] += 1
    seen(store, collection, "b")
    clock[0] += 1
    store.emit("plane", collection.removed, {"uids": ["a"]})
    store.flush()
    recorder.close()
    replay = Replay(read(tmp_path / "one.rec"))
    assert list(collection.of(replay.model)) == ["a"]
    assert list(collection.of(replay.step())) == ["a", "b"]
    assert collection.of(replay.step()) == collection.of(store.model)
    if "metadata" in document(collection, "b"):
        assert replay.document(collection.name, "b") == document(collection, "b")


@changing
def test_a_change_of_the_stream_is_an_event(collection: Collection[Any]) -> None:
    feed = Feed()
    doc = document(collection, "a")
    put = Change(1, collection.change_kind, "put", "a", doc)
    Follower(None, feed)._pass_on([put, Change(2, collection.change_kind, "delete", "a", None)])  # type: ignore[arg-type]
    assert [kind for kind, _payload in feed.events] == [collection.seen, collection.removed]
    assert feed.events[1][1] == {"uids": ["a"]}
    assert "secret" not in str(feed.events), "secrets go before anything is an event"


class Feed:
    """Takes what a follower or poller reports."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.notes: list[str] = []

    def emit(self, kind: str, payload: dict[str, Any]) -> None:
        self.events.append((kind, payload))

    def state(self, state: str, message: str = "", done: int = 0, total: int = 0) -> None: ...

    def note(self, text: str, level: str = "warn") -> None:
        self.notes.append(text)


class Answers(list[dict[str, Any]]):
    """A list, a page, or the reply with a list, of documents."""

    @property
    def data(self) -> dict[str, Any]:
        return {"items": list(self)}

    @property
    def items(self) -> list[dict[str, Any]]:
        return list(self)


class Client:
    """Answers every call with the same: documents, or an error."""

    def __init__(self, answer: Answers | EdgewrightError) -> None:
        self._answer = answer

    async def port(self, wanted: type) -> Any:
        return self

    def __getattr__(self, call: str) -> Any:
        async def answer(*_: Any, **__: Any) -> Any:
            if isinstance(self._answer, EdgewrightError):
                raise self._answer
            return self._answer

        return answer


@listed
def test_the_list_is_read_by_what_the_collection_names(collection: Collection[Any]) -> None:
    assert collection.reading is not None
    feed, client = Feed(), Client(Answers([document(collection, "a")]))
    assert asyncio.run(read_list(client, feed, set(), collection, 50))
    ((kind, payload),) = feed.events
    assert kind == collection.seen and len(payload["docs"]) == 1
    assert payload.get("complete", False) is collection.reading.entire
    assert "secret" not in str(payload)


@listed
@pytest.mark.parametrize("error", [NotFound("No such path."), Refused("Not for this role.")], ids=["absent", "refused"])
def test_a_list_that_is_refused_is_noted_once_or_is_no_news(
    collection: Collection[Any], error: EdgewrightError
) -> None:
    assert collection.reading is not None
    feed, noted, client = Feed(), set[str](), Client(error)
    for _ in range(2):
        asyncio.run(read_list(client, feed, noted, collection, 50))
    assert feed.events == []
    assert len(feed.notes) == (0 if error.exit_code in collection.reading.quiet else 1)
