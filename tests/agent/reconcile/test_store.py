"""P22, P36: documents ordered by (lineage, generation); absence is never removal, a tombstone or a reset is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.reconcile.store import Answer, DocumentStore
from edgewright.wire.protocol.generations import Position

A, B = "a" * 16, "b" * 16


def body(generation: int, digest: str = "d1", lineage: str = A, **more: Any) -> dict[str, Any]:
    document = {"uid": "c-1", "kind": "trial", "lineage": lineage, "generation": generation, "digest": digest}
    return {**document, "document": {"steps": [1]}, **more}


@pytest.fixture
def store(tmp_path: Path) -> DocumentStore:
    return DocumentStore(str(tmp_path / "cluster"))


def position(store: DocumentStore) -> Position:
    stored = store.get("c-1")
    assert stored is not None
    return stored.position


def test_p73_a_document_is_ordered_by_lineage_and_generation(store: DocumentStore) -> None:
    assert store.documents() == [] and store.get("c-1") is None
    assert store.offer(body(5)) is Answer.TAKEN
    assert store.offer(body(5)) is Answer.UNCHANGED
    assert store.offer(body(4, "d0")) is Answer.LATE
    assert store.offer(body(6, "d2")) is Answer.TAKEN
    assert DocumentStore(store.folder).documents()[0].wanted == {"lineage": A, "generation": 6, "digest": "d2"}


def test_p36_p73_another_lineage_with_the_same_content_is_adopted(store: DocumentStore) -> None:
    store.offer(body(9))
    assert store.offer(body(2, lineage=B)) is Answer.ADOPTED
    assert position(store) == (B, 2) and store.offered() == []


def test_p36_p73_other_content_of_another_lineage_waits_for_an_operator(store: DocumentStore) -> None:
    store.offer(body(9))
    assert store.offer(body(50, "d2", B)) is Answer.LINEAGE_CHANGED
    assert position(store) == (A, 9), "the host continues with what it runs"
    assert [stored.position for stored in store.offered()] == [(B, 50)] and len(store.documents()) == 1
    assert store.override("c-1") and position(store) == (B, 50) and store.offered() == []
    assert not store.override("c-1")


def test_p106_a_plane_that_takes_the_document_of_the_host_leaves_nothing_that_waits(store: DocumentStore) -> None:
    store.offer(body(9))
    store.offer(body(50, "d2", B))
    assert store.offer(body(51, "d1", B)) is Answer.ADOPTED
    assert position(store) == (B, 51) and store.offered() == []


def test_p73_a_tombstone_of_another_lineage_releases_nothing_until_an_operator_says_so(store: DocumentStore) -> None:
    store.offer(body(9))
    assert store.offer(body(10, lineage=B, absent=True, releaseId="r1")) is Answer.LINEAGE_CHANGED
    assert store.documents()[0].released == ""
    assert store.override("c-1") and store.documents()[0].released == "r1"


@pytest.mark.parametrize(
    "more", [{"absent": True}, {"absent": True, "releaseId": ""}, {"absent": "yes", "releaseId": "r"}]
)
def test_p73_absence_without_a_release_id_releases_nothing(store: DocumentStore, more: dict[str, Any]) -> None:
    store.offer(body(1))
    assert store.offer(body(2, **more)) is Answer.INVALID
    assert position(store) == (A, 1) and store.documents()[0].released == ""


def test_p73_a_tombstone_releases_and_a_later_generation_begins_again(store: DocumentStore) -> None:
    store.offer(body(1))
    assert store.offer(body(2, absent=True, releaseId="r1")) is Answer.TAKEN
    (stored,) = store.documents()
    assert stored.released == "r1" and stored.document == {"steps": [1]}, "what is to be undone is still known"
    assert store.offer(body(1)) is Answer.LATE
    assert store.offer(body(3)) is Answer.TAKEN and store.documents()[0].released == ""


def test_p73_a_tombstone_for_what_was_never_here_makes_nothing(store: DocumentStore) -> None:
    assert store.offer(body(2, absent=True, releaseId="r1")) is Answer.UNCHANGED and store.documents() == []


def test_p26_a_reset_releases_every_document_and_late_ones_do_not_bring_it_back(store: DocumentStore) -> None:
    store.offer(body(4))
    assert store.reset("op1") == ["c-1"] and store.reset("op2") == []
    assert store.offer(body(4)) is Answer.UNCHANGED and store.documents()[0].released == "op1"
    assert store.offer(body(1, lineage=B)) is Answer.ADOPTED and store.documents()[0].released == "op1"


@pytest.mark.parametrize(
    "change", [{"uid": "../x"}, {"uid": ""}, {"uid": 5}, {"generation": 0}, {"generation": True}, {"lineage": "Q"},
               {"document": []}, {"uid": "x" * 65}],
)  # fmt: skip
def test_a_faulty_document_changes_nothing(store: DocumentStore, change: dict[str, Any]) -> None:
    store.offer(body(1))
    assert store.offer({**body(2), **change}) is Answer.INVALID
    assert position(store) == (A, 1) and len(store.documents()) == 1


def test_a_torn_file_is_no_document(store: DocumentStore) -> None:
    store.offer(body(1))
    path = Path(store.folder) / "c-1.json"
    path.write_bytes(path.read_bytes()[:-9])
    assert store.documents() == []
