"""What is looked up over all collections: by the kind of an audit entry, and what ends."""

from __future__ import annotations

import pytest

from edgewright.store.collections.filters import FILTERS
from edgewright.store.collections.hosts import HOSTS
from edgewright.store.collections.selectors import ending
from edgewright.store.collections.ssh_keys import SSH_KEYS
from edgewright.store.collections.tokens import TOKENS
from edgewright.store.collections.users import USERS
from edgewright.store.engine.store import Store
from edgewright.store.every import ENDING, of_audit
from tests.tui.samples import NOW, ago, fill


@pytest.mark.parametrize(
    ("kind", "collection"),
    [("edgehost", HOSTS), ("edgetoken", TOKENS), ("token", TOKENS), ("user", USERS), ("sshkey", SSH_KEYS)],
)
def test_an_audit_entry_is_about_a_thing_of_a_collection(kind: str, collection: object) -> None:
    assert of_audit(kind) is collection


def test_other_kinds_are_of_no_collection() -> None:
    assert of_audit("filter") is FILTERS and of_audit("apikey") is None and of_audit("") is None


def test_what_ends_comes_soonest_first_and_without_what_no_longer_counts() -> None:
    store = fill(Store(clock=lambda: NOW), None, "live")
    rows = [(uid, days, active) for uid, days, active in (("late", 6, True), ("past", -1, True), ("off", 1, False))]
    docs = [
        {"metadata": {"uid": uid, "name": uid}, "spec": {"expiry": ago(-86_400 * days)}, "status": {"isActive": active}}
        for uid, days, active in [*rows, ("far", 20, True)]
    ]
    store.emit("plane", TOKENS.seen, {"docs": docs, "complete": True})
    store.flush()
    assert ENDING == (TOKENS,)
    assert [each.row.uid for each in ending(store.model, NOW)] == ["past", "late"]
    assert [each.row.uid for each in ending(store.model, NOW, 30 * 86_400.0)] == ["past", "late", "far"]
