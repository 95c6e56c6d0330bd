"""Users, Roles, Keys and Filters: lists that are fetched, their details, what works on them, and their pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from edgewright.commands.kernel.results import Detail, Section
from edgewright.core.errors import Refused
from edgewright.store.collections.audits import AUDITS
from edgewright.store.collections.users import USERS
from edgewright.store.engine import events as kinds
from edgewright.store.engine.store import Store
from tests.tui.driving import Driven, press, settle
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW, fill, session
from tui.app import EdgewrightApp
from tui.frame.fetched import detail_lines
from tui.frame.lists.described import list_screen

Compare = Callable[..., bool]
SCREENS = {
    "users": ("users", ""),
    "user": ("user", "u-ana"),
    "roles": ("roles", ""),
    "role": ("role", ""),
    "keys": ("keys", ""),
    "key": ("key", "k-2"),
    "filters": ("filters", ""),
    "filter": ("filter", "f-2"),
}


def made(
    view: str, target: str = "", plane: FakePlane | None = None, **fields: object
) -> tuple[EdgewrightApp, FakePlane]:
    store, plane = Store(clock=lambda: NOW), plane or FakePlane()
    opened = session(fill(store, None, "live"), start_view=view, start_target=target)
    opened.make_context = lambda: context_of(plane, store, opened.read_only)
    return EdgewrightApp(opened), plane


async def ready(pilot: Driven) -> None:
    await pilot.app.workers.wait_for_complete()
    await settle(pilot)


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)


def role_uid() -> str:
    from edgewright.core import roles

    return roles.uid(roles.OPERATOR)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
@pytest.mark.parametrize("name", SCREENS)
def test_sizes(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    view, target = SCREENS[name]
    app, _ = made(view, target or (role_uid() if view == "role" else ""))
    assert snap_compare(app, terminal_size=size, run_before=ready)


def shown(pilot: Driven, selector: str = "#table") -> str:
    screen = pilot.app.screen
    table = screen.query_one("#table")
    return " ".join(" ".join(span.text for span in screen._cells(key)) for key in table.keys)  # type: ignore[attr-defined]


def test_a_list_without_a_column_of_signs_freezes_its_name_alone() -> None:
    """The second column of tokens, roles, keys and filters stayed while the others moved, and could not be hidden."""
    frozen = {noun: list_screen(noun).frozen for noun in ("token", "user", "role", "key", "filter")}
    assert frozen == {"token": 1, "user": 2, "role": 1, "key": 1, "filter": 1}


async def test_a_filter_narrows_the_list() -> None:
    app, _ = made("users")
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        assert "ana@example.com" in shown(pilot) and "shops: operator" in shown(pilot)
        await press(pilot, "/", *"state:invited", "enter")
        assert shown(pilot).count("@") == 1 and "bo@example.com" in shown(pilot)


async def test_marks_are_what_a_verb_works_on() -> None:
    app, plane = made("users")
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        await press(pilot, "j", "space", "space", "r")
        await press(pilot, "tab", "enter")
        await ready(pilot)
        assert ("set_user_active", "u-ana False") in plane.calls
        assert ("set_user_active", "u-bo False") in plane.calls and len(plane.calls) < 12


async def test_a_change_in_the_audit_log_fetches_the_list_again() -> None:
    app, plane = made("users")
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        before = plane.calls.count(("users", ""))

        def audit(uid: str, kind: str) -> None:
            spec = {"actionType": "update", "actionMsg": "m", "resource": {"kind": kind, "uid": "x", "name": "x"}}
            doc = {"metadata": {"uid": uid, "creationTimestamp": "2030-01-01T00:00:00.000Z"}, "spec": spec}
            app.session.store.emit("plane", AUDITS.seen, {"docs": [doc]})

        audit("a-1", "edgehost")
        await ready(pilot)
        assert plane.calls.count(("users", "")) == before, "not for other things"
        audit("a-2", "user")
        await ready(pilot)
        assert plane.calls.count(("users", "")) == before + 1


async def test_a_change_on_the_stream_fetches_the_list_again() -> None:
    app, plane = made("users")
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        before = [call for call, _ in plane.calls].count("users")
        store = app.session.store
        store.emit("plane", USERS.seen, {"docs": [{"metadata": {"uid": "u-new"}}]})
        store.flush()
        await ready(pilot)
        assert [call for call, _ in plane.calls].count("users") == before + 1
        seen = {"metadata": {"uid": "u-new"}, "status": {"lastSignIn": "2026-11-23T08:00:00.000Z"}}
        store.emit("plane", USERS.seen, {"docs": [seen]})
        store.flush()
        await ready(pilot)
        assert [call for call, _ in plane.calls].count("users") == before + 1, "a sign-in alone is no reason"


@pytest.mark.parametrize(("view", "target"), [("keys", ""), ("key", "k-2")])
async def test_what_a_verb_changed_is_fetched_without_a_stream(view: str, target: str) -> None:
    app, plane = made(view, target)
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        await press(pilot, "ctrl+d", "tab", "enter")
        await ready(pilot)
        assert any(name == "delete_ssh_key" for name, _ in plane.calls)
        after = [name for name, _ in plane.calls][[name for name, _ in plane.calls].index("delete_ssh_key") :]
        assert "ssh_keys" in after


async def test_why_there_is_nothing_is_shown() -> None:
    plane = FakePlane()
    plane.failure = Refused("The API key noc has roles in single projects only.", "An admin can assign one.")
    app, _ = made("users", plane=plane)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        text = "\n".join(line.plain for line in app.screen.query_one("#empty").lines)  # type: ignore[attr-defined]
        assert "roles in single projects only" in text
        plane.failure = None
        app.screen.fetch()  # type: ignore[attr-defined]
        await ready(pilot)
        assert "ana@example.com" in shown(pilot)


@pytest.mark.parametrize("view", ["users", "keys", "filters"])
async def test_a_viewer_changes_nothing(view: str) -> None:
    app, plane = made(view)
    source = {"state": "live", "role": "viewer", "caller": "API key noc"}
    app.session.store.emit("plane", kinds.SOURCE_STATE, source)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await press(pilot, "ctrl+d")
        await ready(pilot)
        messages = [row.text for row in app.session.store.model.messages]
        assert any("role viewer" in text for text in messages)
        assert not any(name.startswith(("delete", "set_")) for name, _ in plane.calls)


async def test_enter_opens_and_escape_returns() -> None:
    app, _ = made("keys")
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await press(pilot, "enter")
        await ready(pilot)
        assert app.screen.view == "key" and app.screen.targets() == ("k-1",)  # type: ignore[attr-defined]
        await press(pilot, "escape")
        await ready(pilot)
        assert app.screen.view == "keys"  # type: ignore[attr-defined]


@pytest.mark.parametrize("view", ["users", "roles", "keys", "filters"])
async def test_keys_typed_ahead_reach_the_rows_they_are_meant_for(view: str) -> None:
    """The plane answers after the keys were typed."""
    gate = asyncio.Event()

    class Slow(FakePlane):
        async def users_all(self) -> list[dict[str, Any]]:
            await gate.wait()
            return await super().users_all()

        async def roles_all(self) -> list[dict[str, Any]]:
            await gate.wait()
            return await super().roles_all()

        async def ssh_keys_all(self) -> list[dict[str, Any]]:
            await gate.wait()
            return await super().ssh_keys_all()

        async def filters_all(self) -> list[dict[str, Any]]:
            await gate.wait()
            return await super().filters_all()

    app, _ = made(view, plane=Slow())
    async with app.run_test(size=(80, 24)) as pilot:
        pilot.app.simulate_key("enter")
        asyncio.get_running_loop().call_later(0.2, gate.set)
        await ready(pilot)
        await ready(pilot)
        assert app.screen.view == view.removesuffix("s")  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [40, 79, 80, 110])
def test_a_long_value_loses_no_character_in_the_detail(width: int) -> None:
    value = "A" * 300
    detail = Detail("k", {}, "k", (Section("SSH KEY", (("public key", value), ("name", "k"))),))
    lines = [each.plain for each in detail_lines(detail, width)]
    assert max(map(len, lines)) <= width
    assert "".join(lines).count("A") == len(value)
