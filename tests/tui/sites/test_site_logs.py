"""Logs of open sites on the screen: what is shown, what the keys do, merging, interruptions, bounds."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key

from edgewright.commands.site.opened import Site
from edgewright.core.text import cells
from tests.tui.driving import Driven, console, frame_text, newest_message, press, settle, until, view
from tests.tui.driving import said as said_of_all
from tests.tui.samples import NOW
from tests.tui.sites.log_host import LogHost
from tests.tui.sites.site_host import Sites
from tui.frame.links import open_key
from tui.screens.doctor.logs import SiteLogScreen

TARGET = "kairos@edge-7f3a"


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)
    monkeypatch.setattr("tui.screens.doctor.logs.EVERY", 0.03)


def shown(pilot: Driven) -> list[str]:
    """Return the rows of the log that are in sight."""
    entries = screen_of(pilot).entries
    return [entries.render_line(y).text.rstrip() for y in range(entries.size.height)]


def said(pilot: Driven) -> str:
    screen = pilot.app.screen
    return "\n".join(shown(pilot)) if isinstance(screen, SiteLogScreen) else said_of_all(pilot)


def screen_of(pilot: Driven) -> SiteLogScreen:
    screen = pilot.app.screen
    assert isinstance(screen, SiteLogScreen)
    return screen


async def open_log(pilot: Driven, unit: str = "kubelet") -> SiteLogScreen:
    await until(pilot, lambda: "read 0s ago" in said(pilot))
    open_key(pilot.app, f"site-log/{TARGET}/{unit}")
    await until(pilot, lambda: view(pilot) == "site-log")
    return screen_of(pilot)


def doctor(*hosts: LogHost, size: tuple[int, int] = (100, 24), **fields: Any) -> Any:
    return console("doctor", TARGET, size=size, make_site=Sites(*hosts).make, **fields)


async def test_lines_come_as_they_are_written_with_level_and_message_first_and_without_secrets() -> None:
    host = LogHost()
    host.write('{"level":"error","ts":"x","msg":"no route","token":"ewt_secretcanary99","node":"n1"}', NOW - 60)
    host.write("\x1b[31mE1129 19:47:22.123456    12 kubelet.go:5] lost\x1b[0m", NOW - 59)
    async with doctor(host) as (pilot, _, _):
        await open_log(pilot)
        await until(pilot, lambda: "no route" in said(pilot))
        assert view(pilot) == "site-log" and "site edge-7f3a by SSH" in frame_text(pilot.app, "title")
        host.write("plain", NOW)
        await until(pilot, lambda: "plain" in said(pilot))
        rows = shown(pilot)
        assert [row.split()[1:] for row in rows[:3]] == [
            ["error", "no", "route", "token=********", "node=n1"], ["error", "lost", "caller=kubelet.go:5"],
            ["info", "plain"],
        ], rows  # fmt: skip
        assert "following  3 lines" in frame_text(pilot.app, "crumb") and "log of kubelet" in frame_text(
            pilot.app, "crumb"
        )
        assert "_SYSTEMD_UNIT=kubelet.service" in host.streams[0].script
        await press(pilot, "escape")
        await until(pilot, lambda: host.streams[0].closed)


async def test_level_search_hits_and_since_choose_lines() -> None:
    host = LogHost()
    for number in range(200):
        host.write(f"line {number}", NOW - 1000 + number, priority=4 if number % 50 == 0 else 6)
    async with doctor(host) as (pilot, _, _):
        screen = await open_log(pilot)
        await until(pilot, lambda: "line 199" in said(pilot))
        await press(pilot, "L", "L")
        assert [row.split()[-1] for row in shown(pilot) if row] == ["0", "50", "100", "150"]
        assert "warn and worse  4 of 200 lines" in frame_text(pilot.app, "crumb")
        await press(pilot, "L", "L", "slash", *"line 15", "enter")
        assert "line 15: 11 hits" in frame_text(pilot.app, "crumb")
        assert screen._at_hit is not None and screen._at_hit.text in ("line 15", "line 150")
        first = screen._at_hit.text
        await press(pilot, "n")
        assert screen._at_hit.text != first and screen._at_hit.text in said(pilot)
        await press(pilot, "N")
        assert screen._at_hit.text == first
        await press(pilot, "f")
        assert len([row for row in shown(pilot) if row]) == 11
        await press(pilot, "f", "T")
        assert "since 5m" in frame_text(pilot.app, "crumb")


async def test_what_is_looked_at_stays_when_the_view_changes_its_size() -> None:
    host = LogHost()
    for number in range(300):
        host.write(f"line {number}", NOW - 1000 + number)
    async with doctor(host) as (pilot, _, made):
        screen = await open_log(pilot)
        await until(pilot, lambda: "line 299" in said(pilot))
        entries = screen.entries
        for lines in (18, 30):
            await pilot.resize_terminal(100, lines)
            await settle(pilot)
            assert entries.at_end and entries.max_scroll_y > 200, "the end stays in sight"
            assert entries.vertical_scrollbar.position == entries.scroll_offset.y
        made.store.message("a message below the lines takes one " * 4, "warn")
        await settle(pilot)
        assert entries.at_end
        await press(pilot, "pageup", "pageup")
        before = entries.scroll_offset.y
        assert 0 < before < entries.max_scroll_y
        await pilot.resize_terminal(90, 24)
        await settle(pilot)
        assert entries.scroll_offset.y == before


async def test_what_is_looked_at_stays_while_lines_come_and_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    host = LogHost()
    for number in range(300):
        host.write(f"line {number}", NOW - 1000 + number)
    async with doctor(host) as (pilot, _, _):
        screen = await open_log(pilot)
        screen.ring._most = 400
        await until(pilot, lambda: "line 299" in said(pilot))
        await press(pilot, "pageup", "pageup")
        before = shown(pilot)
        for number in range(300, 450):
            host.write(f"line {number}", NOW - 1000 + number)
        await until(pilot, lambda: "50 older dropped" in frame_text(pilot.app, "crumb"))
        assert shown(pilot) == before
        await press(pilot, "G")
        assert "line 449" in said(pilot)
        host.write("at the end", NOW)
        await until(pilot, lambda: "at the end" in said(pilot))


async def test_pause_stops_reading_and_it_continues_where_it_ended() -> None:
    host = LogHost()
    host.write("one", NOW - 3)
    async with doctor(host) as (pilot, _, _):
        await open_log(pilot)
        await until(pilot, lambda: "one" in said(pilot))
        await press(pilot, "s")
        await until(pilot, lambda: host.streams[0].closed)
        host.write("two", NOW - 2)
        assert "Paused" in said(pilot) and "two" not in said(pilot)
        await press(pilot, "s")
        await until(pilot, lambda: "two" in said(pilot))
        assert len(screen_of(pilot).ring.lines) == 2


async def test_a_lost_connection_is_said_and_it_continues_and_a_gap_is_said() -> None:
    host = LogHost()
    host.write("before", NOW - 9)
    async with doctor(host) as (pilot, _, made):
        screen = await open_log(pilot)
        await until(pilot, lambda: "before" in said(pilot))
        site: Site = made.sites[TARGET]
        site._pauses = (0.3,)
        host.alive = False
        await until(pilot, lambda: "The connection is lost" in said(pilot))
        assert "before" in said(pilot) and "connection lost" in frame_text(pilot.app, "title")
        host.write("meanwhile", NOW - 5)
        await until(pilot, lambda: "meanwhile" in said(pilot))
        assert [entry.text for entry in screen.ring.lines] == ["before", "meanwhile"]
        host.lines.clear()  # rotated away
        host.alive = False
        host.write("after", NOW - 1)
        await until(pilot, lambda: "after" in said(pilot))
        assert "lines may be missing" in said(pilot)
        host.streams[-1].report("left 41")
        host.write("cut", NOW)
        host.write("end", NOW)
        await until(pilot, lambda: "··· 42 lines left out: the link is slower than the log ···" in said(pilot))
        assert "42 lines left out by the host" in said(pilot) and "cut" not in said(pilot)


async def test_two_hosts_are_merged_by_time_and_a_wrong_clock_is_taken_out() -> None:
    one, two = LogHost(), LogHost(ahead=3600)
    one.write("first", NOW - 60)
    one.write("third", NOW - 20)
    two.write("second", NOW - 40)
    async with doctor(one) as (pilot, _, made):
        await open_log(pilot)
        await until(pilot, lambda: "third" in said(pilot))
        assert "add hosts" not in frame_text(pilot.app, "keys")
        other = Sites(two).make("edge-other")
        made.sites["edge-other"] = other
        await other.connect(None)  # type: ignore[arg-type]
        await press(pilot, "m")
        await until(pilot, lambda: view(pilot) == "ChooseModal")
        await press(pilot, "enter")
        await until(pilot, lambda: "second" in said(pilot))
        rows = [row.split()[1:] for row in shown(pilot)[:3]]
        assert rows == [
            ["edge-7f3a", "info", "first"], ["edge-other", "info", "second"], ["edge-7f3a", "info", "third"],
        ]  # fmt: skip
        assert "edge-other: The clock of this host is 1 h ahead; the times of its lines are corrected." in said(pilot)
        assert "on 2 hosts" in frame_text(pilot.app, "crumb")
        await press(pilot, "u")
        await until(pilot, lambda: view(pilot) == "ChooseModal")
        await press(pilot, "home", "enter")
        await until(pilot, lambda: len(one.streams) == 2 and len(two.streams) == 2)
        assert "_SYSTEMD_UNIT=" not in two.streams[1].script and one.streams[0].closed


async def test_the_name_of_a_unit_is_typed_and_the_rows_below_are_reached() -> None:
    async with doctor(LogHost()) as (pilot, _, _made):
        screen = await open_log(pilot)
        for typed, unit in ((("s", "t", "y", "l", "down"), "stylus-operator"), ((*"k3s-agent",), "k3s-agent")):
            await press(pilot, "u")
            await until(pilot, lambda: view(pilot) == "ChooseModal")
            await press(pilot, *typed, "enter")
            await until(pilot, lambda wanted=unit: screen.crumb == f"log of {wanted}")  # type: ignore[misc]
        await press(pilot, "u")
        await until(pilot, lambda: view(pilot) == "ChooseModal")
        pilot.app.post_message(Key("j", "j"))
        pilot.app.post_message(Key("o", "o"))  # at once, as a terminal sends what is typed fast
        await press(pilot, "u", "r")
        assert pilot.app.screen.query_one("#narrow").value == "jour"


async def test_what_is_shown_is_saved_for_this_user_alone_and_copied_without_secrets(
    quiet_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(quiet_home / "own"))
    host = LogHost()
    host.write(json.dumps({"level": "info", "msg": "login", "password": "canary-7f3a"}), NOW - 3)
    host.write("other", NOW - 2, unit="k3s.service")
    async with doctor(host) as (pilot, _, made):
        screen = await open_log(pilot)
        await until(pilot, lambda: "other" in said(pilot))
        await press(pilot, "S")
        await until(pilot, lambda: "2 lines written to" in newest_message(made))
        files = list((quiet_home / "own" / "data" / "logs").iterdir())
        text = files[0].read_text()
        assert len(files) == 1 and stat.S_IMODE(files[0].stat().st_mode) == 0o600
        assert files[0].name.startswith("edge-7f3a-kubelet-") and "canary" not in text
        assert text.splitlines()[1].endswith(" k3s info other")
        copied = screen.copies()[0]
        assert copied.label == "2 lines" and "canary" not in copied.text


@pytest.mark.parametrize("size", [(20, 5), (40, 12), (80, 24), (200, 60)], ids=str)
async def test_no_row_is_longer_than_the_screen(size: tuple[int, int]) -> None:
    host = LogHost()
    host.write(json.dumps({"msg": "w" * 300 + " 日本語" * 40, "k": "v" * 100, "level": "warn"}), NOW - 2)
    host.write("short", NOW - 1)
    async with doctor(host, size=size) as (pilot, _, _):
        screen = await open_log(pilot)
        await until(pilot, lambda: len(screen.ring.lines) == 2)
        for _ in range(2):
            rows: list[str] = [row.plain for row in screen.entries.lines]
            assert all(cells(row) <= screen.entries.size.width for row in rows)
            await press(pilot, "w")
        await press(pilot, "w")
        text = "".join(row.plain.strip() for row in screen.entries.lines)
        assert text.count("日本語") >= 1 or size[0] < 80
        assert screen.entries.rows == len(screen.entries.lines)


async def test_thousands_of_lines_a_second_are_stored_and_few_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    host = LogHost()
    async with doctor(host) as (pilot, _, _):
        screen = await open_log(pilot)
        drawn: list[int] = []
        real: Callable[..., Any] = screen._looks.draw

        def counted(*args: Any) -> Any:
            drawn.append(1)
            return real(*args)

        monkeypatch.setattr(screen._looks, "draw", counted)
        for number in range(30_000):
            host.write(f"line {number}", NOW - 100 + number / 1000)
        await until(pilot, lambda: "line 29999" in said(pilot))
        assert len(screen.ring.lines) == 20_000 and screen.ring.dropped == 10_000
        assert len(drawn) < 3000
        assert "10,000 older dropped" in frame_text(pilot.app, "crumb")
