"""The hosts screen: state first, then the picture."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from edgewright.store.engine.events import HOSTS_REMOVED, HOSTS_SEEN, SOURCE_STATE
from tests.tui.driving import frame_text as said
from tests.tui.driving import settle as settled
from tests.tui.driving import wait_until
from tests.tui.fleet import NOW, documents, host_document, session_of
from tui.app import EdgewrightApp
from tui.screens.hosts import filter_run
from tui.screens.hosts.screen import HostsScreen
from tui.session import Session
from tui.widgets.line_view import LineView

SIZES = [(80, 24), (132, 43), (200, 60)]
Snap = Callable[..., bool]


def hosts_of(app: EdgewrightApp) -> HostsScreen:
    screen = app.screen
    assert isinstance(screen, HostsScreen)
    return screen


async def typed(pilot: Pilot[Any], text: str) -> None:
    names = {"/": "slash", ":": "colon", ".": "full_stop", "<": "less_than_sign", "-": "minus", " ": "space"}
    await pilot.press(*[names.get(letter, letter) for letter in text])


async def test_worst_hosts_stand_first_and_the_title_counts() -> None:
    app = EdgewrightApp(session_of())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        table = hosts_of(app).table
        assert list(table.keys[:4]) == ["edge-3333", "edge-0c11", "edge-7f3a", "edge-2222"]
        assert "40 hosts" in said(app, "title")
        assert "2 ▲" in said(app, "title")
        assert "live" in said(app, "title")
        assert said(app, "crumb").split() == ["Hosts", "40"]
        assert "edge-0c11 is back" in said(app, "message")
        assert said(app, "keys").startswith("enter open")
        assert said(app, "keys").rstrip().endswith("delete")


def seen(app: EdgewrightApp) -> list[str]:
    table = hosts_of(app).table
    return ["".join(part.text for part in table.render_line(y)) for y in range(table.size.height)]


async def test_a_mark_is_a_sign_behind_the_state_not_a_colour_alone() -> None:
    app = EdgewrightApp(session_of())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert seen(app)[1].startswith("‼ edge-3333")
        await pilot.press("space")
        await settled(pilot)
        assert seen(app)[1].startswith("‼■edge-3333")
        assert seen(app)[2].startswith("▲ edge-0c11")


async def test_the_title_of_a_narrow_sorted_column_stays_complete_beside_its_arrow() -> None:
    app = EdgewrightApp(session_of())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("A")
        await settled(pilot)
        assert " ↑SINCE CLUSTER" in seen(app)[0], "the arrow takes no title its blank"


async def test_filter_is_tried_while_typed_kept_by_enter_and_left_by_escape() -> None:
    session = session_of()
    app = EdgewrightApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = hosts_of(app)
        await typed(pilot, "/health:unhealthy")
        await pilot.press("enter")
        await settled(pilot)
        assert set(screen.table.keys) == {"edge-0c11", "edge-7f3a"}
        assert "2 of 40" in said(app, "crumb")
        assert session.filters["hosts"] == "health:unhealthy"
        await typed(pilot, "/x")
        await pilot.press("escape")
        await settled(pilot)
        assert screen.choice.filter_text == "health:unhealthy"
        await pilot.press("escape")
        await settled(pilot)
        assert len(screen.table.keys) == 40


@pytest.mark.parametrize("parts", [["/helth:bad"], ["/helth", ":bad"]], ids=["at-once", "slowly"])
async def test_a_wrong_filter_is_said_below_the_field_and_changes_nothing(parts: list[str]) -> None:
    app = EdgewrightApp(session_of())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for part in parts:
            await typed(pilot, part)
            await settled(pilot)
        assert "health" in said(app, "keys")
        await pilot.press("enter")
        await settled(pilot)
        screen = hosts_of(app)
        assert len(screen.table.keys) == 40
        assert screen.prompt.is_open and screen.prompt.text == "helth:bad"
        assert "Did you mean health?" in said(app, "keys")
        await pilot.press("escape")
        await settled(pilot)
        assert not screen.prompt.is_open


async def test_a_filter_on_a_large_fleet_lets_keys_pass_and_the_newest_wins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(filter_run, "AT_ONCE", 10)
    monkeypatch.setattr("tui.screens.hosts.screen.PIECE", 7)
    app = EdgewrightApp(session_of())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = hosts_of(app)
        screen.action_filter("health:unhealthy")
        assert not screen.is_settled and len(screen.table.keys) == 40, "one piece, then keys have their turn"
        assert said(app, "crumb").split()[-3:] == ["…", "of", "40"]
        screen.action_filter("edge-7")
        await wait_until(pilot, lambda: screen.is_settled)
        assert list(screen.table.keys) == [key for key in app.session.store.model.hosts if key.startswith("edge-7")]
        assert len(screen.table.keys) == len(screen._rows) > 0
        screen.action_filter("edge-7f3")
        assert list(screen.table.keys) == ["edge-7f3a"], "few rows are left to ask"


async def test_keys_behind_a_filter_in_one_write_work_on_what_it_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filter_run, "AT_ONCE", 10)
    monkeypatch.setattr(filter_run, "BREATH", 0.02)
    monkeypatch.setattr("tui.screens.hosts.screen.PIECE", 7)
    app = EdgewrightApp(session_of())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for key in ("slash", *"7f3a", "enter", "space"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await wait_until(pilot, lambda: hosts_of(app).table.marks)
        assert hosts_of(app).table.marks == {"edge-7f3a"}


async def test_cursor_stays_on_its_host_when_others_change() -> None:
    session = session_of()
    app = EdgewrightApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = hosts_of(app)
        screen.table.point_at("edge-1264")
        sick = host_document(20, NOW, uid="edge-14b4", health="unhealthy", since=NOW - 10)
        session.store.emit("plane", HOSTS_SEEN, {"docs": [sick]}, at=NOW)
        session.store.emit("plane", HOSTS_REMOVED, {"uids": ["edge-11d0"]}, at=NOW)
        await settled(pilot)
        assert screen.table.cursor_key == "edge-1264"
        assert screen.table.keys[screen.table.cursor_index] == "edge-1264"
        assert "edge-11d0" not in screen.table.keys
        assert screen.table.keys.index("edge-14b4") < 5


async def test_a_new_fault_is_seen_on_a_list_that_shows_its_beginning() -> None:
    session = session_of()
    app = EdgewrightApp(session)
    async with app.run_test(size=(80, 12)) as pilot:
        await settled(pilot)
        session.store.emit("plane", HOSTS_REMOVED, {"uids": ["edge-3333"]}, at=NOW)  # the one of unknown health
        await settled(pilot)
        table = hosts_of(app).table
        first = table.cursor_key
        assert first and table.cursor_index == table.scroll_offset.y == 0 and len(table.keys) > 12
        sick = host_document(20, NOW, uid="edge-0000", name="0000", health="unhealthy", since=NOW - 1e7)
        session.store.emit("plane", HOSTS_SEEN, {"docs": [sick]}, at=NOW)
        await wait_until(pilot, lambda: "edge-0000" in table.keys)
        assert table.keys[0] != first and table.cursor_key == first
        assert table.scroll_offset.y == 0
        for number in range(20):
            worse = host_document(21, NOW, uid=f"more-{number}", health="unhealthy", since=NOW - 2e7 - number)
            session.store.emit("plane", HOSTS_SEEN, {"docs": [worse]}, at=NOW)
        await wait_until(pilot, lambda: len(table.keys) > 55)
        assert table.cursor_key == first
        assert table.scroll_offset.y <= table.cursor_index < table.scroll_offset.y + table.size.height, "it is in sight"


async def test_new_values_of_hosts_do_not_show_the_keys_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[None] = []
    app = EdgewrightApp(session_of())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        store = app.session.store
        monkeypatch.setattr(HostsScreen, "show_keys", lambda screen: shown.append(None))
        first = store.model.hosts[hosts_of(app).table.keys[0]]
        store.emit("plane", HOSTS_SEEN, {"docs": [host_document(1, uid=first.uid, name=first.name)]}, at=NOW)
        store.flush()
        assert store.model.hosts[first.uid] != first and not shown
        store.emit("plane", SOURCE_STATE, {"state": "live", "role": "viewer"})
        store.flush()
        assert len(shown) == 1, "a role refuses verbs"
        store.emit("plane", HOSTS_REMOVED, {"uids": [first.uid]})
        store.flush()
        assert len(shown) >= 2


async def test_marks_are_targets_and_go_with_their_hosts() -> None:
    session = session_of()
    app = EdgewrightApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = hosts_of(app)
        assert screen.targets() == ("edge-3333",)
        await pilot.press("space", "down", "down", "ctrl+@")
        await settled(pilot)
        assert set(screen.targets()) == {"edge-3333", "edge-0c11", "edge-7f3a"}
        assert "3 marked" in said(app, "crumb")
        session.store.emit("plane", HOSTS_REMOVED, {"uids": ["edge-0c11"]}, at=NOW)
        await settled(pilot)
        assert set(screen.targets()) == {"edge-3333", "edge-7f3a"}
        await pilot.press("ctrl+backslash")
        await settled(pilot)
        assert screen.table.marks == frozenset()


async def test_opening_a_host_and_coming_back_restores_filter_cursor_and_marks() -> None:
    app = EdgewrightApp(session_of(target="health:healthy"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = hosts_of(app)
        screen.table.point_at("edge-1264")
        await pilot.press("space", "enter")
        await settled(pilot)
        await app.workers.wait_for_complete()
        await settled(pilot)
        assert app.screen is not screen
        assert said(app, "crumb").startswith("Hosts › health:healthy › edge-1264")
        await pilot.press("escape")
        await settled(pilot)
        await pilot.press("escape") if app.screen is not screen else None
        await settled(pilot)
        assert app.screen is screen
        assert screen.table.cursor_key == "edge-1264"
        assert screen.table.marks == {"edge-1264"}
        assert screen.choice.filter_text == "health:healthy"


async def test_columns_can_be_chosen_and_are_kept() -> None:
    session = session_of()
    app = EdgewrightApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("C")
        await settled(pilot)
        await pilot.press("space", "enter")
        await settled(pilot)
        ids = [column.id for column in hosts_of(app).table.columns]
        assert "site" not in ids
        assert ids[:2] == ["sign", "name"]
        assert "site" not in session.views.load("hosts")["columns"]


async def test_a_lost_plane_is_said_with_its_age_and_the_rows_stay() -> None:
    session = session_of()
    app = EdgewrightApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        lost = {"state": "lost", "message": "no answer", "since": NOW - 240, "next_try": NOW + 12}
        session.store.emit("plane", SOURCE_STATE, lost, at=NOW)
        await settled(pilot)
        assert "▬ plane unreachable 4m, retry in 12s" in said(app, "title")
        assert len(hosts_of(app).table.keys) == 40


async def test_read_only_is_said_and_refuses() -> None:
    session = session_of()
    app = EdgewrightApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "ctrl+d delete" in said(app, "keys")
        await pilot.press("ctrl+o")
        await settled(pilot)
        assert "read-only" in said(app, "title")
        assert session.read_only
        assert "delete" not in said(app, "keys") and "reset" not in said(app, "keys")


@pytest.mark.parametrize("size", [(20, 5), (30, 8), (10, 3), (40, 12)])
async def test_small_terminals_do_not_crash(size: tuple[int, int]) -> None:
    app = EdgewrightApp(session_of())
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.press("down", "right", "slash", "x", "escape", "question_mark")
        await settled(pilot)
        await pilot.resize_terminal(200, 60)
        await settled(pilot)
        await pilot.resize_terminal(*size)
        await settled(pilot)


async def test_wide_terminals_show_the_host_beside_the_list() -> None:
    app = EdgewrightApp(session_of())
    async with app.run_test(size=(132, 43)) as pilot:
        await settled(pilot)
        hosts_of(app).table.point_at("edge-7f3a")
        await settled(pilot)
        detail = " ".join(line.plain for line in app.screen.query_one("#detail", LineView).lines)
        assert "look at the" in detail
        assert "last heartbeat" in detail


def picture(session: Session) -> EdgewrightApp:
    return EdgewrightApp(session)


async def _ready(pilot: Pilot[Any]) -> None:
    await settled(pilot)


READY: Callable[[Pilot[Any]], Awaitable[None]] = _ready


@pytest.mark.parametrize("theme", ["dark", "ansi-dark", "mono", "ascii"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_hosts(snap_compare: Snap, size: tuple[int, int], theme: str) -> None:
    """The fleet as it is most of the time: some sick, the rest quiet."""
    ascii_only = theme == "ascii"
    session = session_of(theme="mono" if ascii_only else theme, ascii_only=ascii_only)
    assert snap_compare(picture(session), terminal_size=size, run_before=READY)


@pytest.mark.parametrize("theme", ["light", "high-contrast", "ansi-light"])
def test_hosts_other_themes(snap_compare: Snap, theme: str) -> None:
    """The other themes, once each."""
    assert snap_compare(picture(session_of(theme=theme)), terminal_size=(80, 24), run_before=READY)


STATES: dict[str, dict[str, Any]] = {
    "empty": {"docs": []},
    "loading": {"docs": [], "state": "loading"},
    "filtered-none": {"target": "health:unhealthy tag.site:nowhere"},
    "stale": {"state": "lost", "message": "The plane does not answer."},
    "error": {"docs": [], "state": "refused", "message": "The plane refuses this API key: it was revoked."},
    "read-only": {"read_only": True},
    "simulated": {"simulated": True},
}


@pytest.mark.parametrize("size", [(80, 24), (132, 43)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
def test_hosts_states(snap_compare: Snap, state: str, size: tuple[int, int]) -> None:
    """Each state that is not the usual one."""
    assert snap_compare(picture(session_of(**STATES[state])), terminal_size=size, run_before=READY)


def test_hosts_filter_prompt(snap_compare: Snap, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter while it is typed, with what is wrong with it; on a busy machine the half of it would be tried."""
    monkeypatch.setattr("tui.screens.hosts.screen.TYPING_PAUSE", 2.0)

    async def ask(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await typed(pilot, "/helth:bad")
        await settled(pilot)

    assert snap_compare(picture(session_of()), terminal_size=(80, 24), run_before=ask)


def test_documents_are_seeded() -> None:
    assert documents(8) == documents(8)


async def test_a_label_selector_behind_the_verb_filters_as_kubectl_does() -> None:
    app = EdgewrightApp(session_of())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await typed(pilot, ":host -l site=kiel-02")
        await pilot.press("enter")
        await settled(pilot)
        screen = hosts_of(app)
        hosts = app.session.store.model.hosts
        assert {hosts[key].site for key in screen.table.keys} == {"kiel-02"}
