"""The audit list shows what people did; what hosts did themselves comes on demand."""

from __future__ import annotations

from typing import Any

from edgewright.store.collections.filters import FILTERS
from edgewright.store.collections.users import USERS
from edgewright.store.engine.store import Store
from tests.tui.driving import console, press, said, settle, view
from tests.tui.samples import NOW, audits, fill
from tui.screens.feed.audit import AuditScreen
from tui.screens.feed.content import leads


def registrations(count: int) -> list[dict[str, Any]]:
    """Return audit entries as a hub writes them when hosts register."""
    entries = []
    for number in range(count):
        entry: dict[str, Any] = audits()[0]
        entry["metadata"]["uid"] = f"reg-{number}"
        entry["spec"] |= {
            "actionType": "create",
            "actionMsg": f"Edge host 'uid-edge-{number:04x}' registered with the token 'shop'",
            "actor": {"actorType": "system", "serviceName": "hub"},
            "resource": {"kind": "edgehost", "uid": f"uid-edge-{number:04x}", "name": f"uid-edge-{number:04x}"},
        }
        entries.append(entry)
    return entries


async def test_registrations_do_not_bury_what_people_did() -> None:
    async with console("audit") as (pilot, _, made):
        made.store.emit("plane", "audits.seen", {"docs": registrations(50)}, NOW)
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, AuditScreen)
        assert set(screen.table.keys) == {"a1", "a2", "a3"}
        assert "50 of hosts left out" in screen.count()
        await press(pilot, "e")
        assert len(screen.table.keys) == 53
        assert "left out" not in screen.count()
        await press(pilot, "e")
        assert len(screen.table.keys) == 3


async def test_an_audit_without_people_says_what_is_left_out() -> None:
    async with console("audit", "actor:nobody-at-all") as (pilot, _, made):
        made.store.emit("plane", "audits.seen", {"docs": registrations(2)}, NOW)
        await settle(pilot)
        assert "2 entries of hosts themselves are left out" in said(pilot)


async def test_what_is_named_as_the_events_name_it() -> None:
    async with console("audit") as (pilot, _, made):
        entry = registrations(1)[0]
        entry["spec"]["actor"] = {"actorType": "user", "user": {"emailId": "noc-2@example.com"}}
        entry["spec"]["resource"] |= {"uid": "uid-edge-0c11", "name": "uid-edge-0c11"}
        entry["spec"]["actionMsg"] = "Edge host 'uid-edge-0c11' is updated"
        made.store.emit("plane", "audits.seen", {"docs": [entry]}, NOW)
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, AuditScreen)
        cells = screen._rows["reg-0"].cells
        assert cells[3].text == "host edge-0c11"
        assert cells[4].text == "Edge host 'edge-0c11' is updated"
        await press(pilot, "slash", *"name:edge-0c11", "enter")
        assert tuple(screen.table.keys) == ("reg-0",)


async def test_an_entry_offers_to_open_only_what_can_be_opened() -> None:
    async with console("entry", "audit/reg-0") as (pilot, _, made):
        entry = registrations(1)[0]
        entry["spec"]["resource"] = {"kind": "apikey", "uid": "key-1", "name": "noc"}
        made.store.emit("plane", "audits.seen", {"docs": [entry]}, NOW)
        await settle(pilot)
        screen = pilot.app.screen
        assert "open" not in " ".join(hint.label for hint in screen.key_hints())  # type: ignore[attr-defined]
        await press(pilot, "enter")
        assert view(pilot) == "entry"
        entry["spec"]["resource"] = {"kind": "edgetoken", "uid": "tok-lab", "name": "lab"}
        made.store.emit("plane", "audits.seen", {"docs": [entry]}, NOW)
        await settle(pilot)
        assert "open token" in " ".join(hint.label for hint in screen.key_hints())  # type: ignore[attr-defined]
        await press(pilot, "enter")
        assert view(pilot) == "token"


async def test_equal_entries_in_a_row_are_one_line_with_their_number() -> None:
    """A log that is followed asks the host every 30 s, and each of these is an entry."""
    async with console("audit") as (pilot, _, made):
        entries = []
        for number in range(38):
            entry = registrations(1)[0]
            entry["metadata"] |= {"uid": f"log-{number:02}"}
            entry["spec"]["actor"] = {"actorType": "user", "user": {"emailId": "noc-2@example.com"}}
            entries.append(entry)
        made.store.emit("plane", "audits.seen", {"docs": entries}, NOW)
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, AuditScreen)
        assert len(screen.table.keys) == 4
        assert any(row.cells[4].text.startswith("38 x  ") for row in screen._rows.values())
        await press(pilot, "e")
        assert len(screen.table.keys) == 41


def test_an_entry_leads_to_its_thing_where_there_is_a_view_of_it() -> None:
    store = fill(Store(clock=lambda: NOW), None, "live")
    for collection, uid in ((USERS, "u-1"), (FILTERS, "f-1")):
        store.emit("plane", collection.seen, {"docs": [{"metadata": {"uid": uid, "name": "n"}}]})
    store.flush()
    model = store.model
    assert leads("user", "u-1", model) == "user/u-1" and leads("filter", "f-1", model) == "filter/f-1"
    assert leads("edgetoken", "tok-shop", model) == "token/tok-shop"
    assert leads("edgehost", "uid-edge-7f3a", model) == "host/uid-edge-7f3a"
    assert leads("user", "gone", model) == "" and leads("project", "p-lab", model) == ""
