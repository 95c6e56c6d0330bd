"""Operations in the model: rows, the sentence at their end, what stays and what goes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from edgewright.core.times import rfc3339
from edgewright.store.collections.operations import OPERATIONS
from edgewright.store.collections.selectors import operations_of, waiting_operations
from edgewright.store.engine import cache
from edgewright.store.engine import events as kinds
from edgewright.store.engine.events import Event
from edgewright.store.engine.model import Model
from edgewright.store.engine.reducer import reduce
from tests.store.conftest import make_host

NOW = 1_795_442_400.0


def operation(uid: str = "op-1", host: str = "edge-1", state: str = "pending", **more: Any) -> dict[str, Any]:
    return {
        "id": uid,
        "hostUid": host,
        "kind": more.get("kind", "reset"),
        "state": state,
        "created": rfc3339(NOW - more.get("ago", 12)),
        "deadline": rfc3339(NOW + more.get("left", 888)),
        "finished": rfc3339(NOW) if more.get("message") else None,
        "actor": "admin",
        "result": {"state": state, "message": more["message"]} if more.get("message") else None,
    }


def model_of(*batches: list[dict[str, Any]], complete: bool = False) -> Model:
    log = [Event(1, NOW - 60, "plane", kinds.HOSTS_SEEN, {"docs": [make_host("edge-1"), make_host("edge-2")]})]
    log += [
        Event(number, NOW, "plane", OPERATIONS.seen, {"docs": docs, "complete": complete})
        for number, docs in enumerate(batches, 2)
    ]
    return reduce(Model(), log)[0]


def test_the_row_is_read_and_made_harmless() -> None:
    row = model_of([operation(state="failed", message="no\x1b[31m such file")]).rows(OPERATIONS)["op-1"]
    assert (row.host_uid, row.kind, row.state, row.actor) == ("edge-1", "reset", "failed", "admin")
    assert row.at == NOW - 12 and row.deadline == NOW + 888 and row.finished == NOW
    assert "\x1b" not in row.message


@pytest.mark.parametrize(
    ("state", "message", "level", "said"),
    [
        ("succeeded", "the cluster is forgotten", "ok", "edge-1: reset done after 12 s. the cluster is forgotten."),
        ("failed", "stopped in its midst", "bad", "edge-1: reset failed after 12 s. stopped in its midst."),
        ("refused", "this host is only observed", "warn", "edge-1: reset was refused after 12 s."),
        ("expired", "", "warn", "edge-1: reset is overdue: no answer within 15 min."),
    ],
)
def test_the_end_of_what_was_waited_for_is_told_once(state: str, message: str, level: str, said: str) -> None:
    done = operation(state=state, message=message)
    messages = model_of([operation()], [done], [done]).messages
    assert len(messages) == 1
    assert messages[0].level == level and messages[0].text.startswith(said)


def test_what_was_over_before_is_no_news() -> None:
    assert model_of([operation(state="succeeded", message="done")]).messages == ()


def test_overdue_and_oldest_are_waited_for_first_and_hosts_that_are_gone_are_not() -> None:
    docs = [
        operation("young", ago=5, left=895),
        operation("old", ago=500, left=400),
        operation("late", ago=1000, left=-100),
        operation("stranger", host="edge-9"),
        operation("over", state="succeeded", message="ok"),
    ]
    model = model_of(docs)
    assert [row.uid for row in waiting_operations(model, NOW)] == ["late", "old", "young"]
    assert [row.uid for row in operations_of(model, "edge-1")] == ["young", "over", "old", "late"]


def test_a_whole_list_replaces_and_a_deleted_host_takes_its_operations_with_it() -> None:
    model = model_of([operation("a"), operation("b", host="edge-2")], [operation("b", host="edge-2")], complete=True)
    assert list(model.rows(OPERATIONS)) == ["b"]
    gone, patches = reduce(model, [Event(9, NOW, "plane", kinds.HOSTS_REMOVED, {"uids": ["edge-2"]})])
    assert gone.rows(OPERATIONS) == {} and ("operations", "b", "delete") in [
        (p.collection, p.key, p.op) for p in patches
    ]


def test_pending_ones_stay_whatever_their_number() -> None:
    pending = [operation(f"p{number}", ago=9000) for number in range(700)]
    over = [operation(f"o{number}", state="succeeded", message="x", ago=number) for number in range(700)]
    model = model_of([*pending, *over])
    assert sum(row.state == "pending" for row in model.rows(OPERATIONS).values()) == 700
    assert sum(row.state != "pending" for row in model.rows(OPERATIONS).values()) == 500


def test_odd_documents_are_left_out_and_the_cache_keeps_the_rest(tmp_path: Any) -> None:
    odd: list[Any] = [{}, {"id": "x"}, {"id": 3, "hostUid": "edge-1"}, None, operation("fine")]
    model = model_of(odd)
    assert "fine" in model.rows(OPERATIONS) and "x" not in model.rows(OPERATIONS)
    cache.save(tmp_path / "fleet", model)
    loaded = cache.load(tmp_path / "fleet").model
    assert loaded is not None and loaded.rows(OPERATIONS) == model.rows(OPERATIONS)
    assert msgspec.to_builtins(model)["operations"]
