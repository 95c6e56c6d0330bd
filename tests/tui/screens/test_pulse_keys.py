"""Keys of the start screen: the filter, the next step, and who handles a problem."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events

from edgewright.core.problems import Problem
from edgewright.core.times import rfc3339
from edgewright.store.collections.handling import HANDLING
from tests.tui.driving import Driven, console, newest_message, press, said, settle, until, view
from tests.tui.plane import FakePlane
from tests.tui.samples import NOW
from tui.frame.links import VIEWS
from tui.screens.pulse.filter import _wrong
from tui.screens.pulse.items import step_of
from tui.session import Session
from tui.widgets.line_view import LineView
from tui.widgets.prompt import Prompt


class HandlingPlane(FakePlane):
    """A plane that stores who handles a problem and sends each change to the console."""

    def __init__(self) -> None:
        super().__init__()
        self.session: Session | None = None
        self.records: dict[str, dict[str, Any]] = {}

    async def problems_set(self, key: str, **change: Any) -> dict[str, Any]:
        self._called("set_handling", key)
        record = self.records.setdefault(key, {"key": key})
        if "acknowledged" in change:
            by = "noc-2@x" if change["acknowledged"] else ""
            record.update(acknowledgedBy=by, acknowledgedAt=rfc3339(NOW - 60) if by else None)
        record.update({name: change[name] for name in ("assignee", "note") if name in change})
        if "silenced_until" in change:
            until_ = change["silenced_until"]
            record["silencedUntil"] = None if until_ is None else rfc3339(until_)
        assert self.session is not None
        self.session.store.emit("plane", HANDLING.seen, {"docs": [dict(record)]})
        return record


def stores_handling(plane: HandlingPlane, made: Session) -> None:
    plane.session = made
    made.store.emit("plane", HANDLING.seen, {"docs": [], "complete": True})
    made.store.flush()
    assert made.store.model.source.handling


async def typed(pilot: Driven, text: str, *after: str) -> None:
    """Type a text in one burst, as over a slow link, then further keys."""
    for letter in text:
        pilot.app.post_message(events.Key({"/": "slash", " ": "space"}.get(letter, letter), letter))
    await settle(pilot)
    await press(pilot, *after)


async def test_slash_filters_the_problems_and_letters_behind_it_run_nothing() -> None:
    async with console() as (pilot, plane, made):
        await typed(pilot, "/cpuabnAsw")
        assert pilot.app.screen.query_one(Prompt).text == "cpuabnAsw"
        assert not made.store.model.acknowledged and not plane.calls
        assert view(pilot) == "pulse"
        assert "None of 5 problems matches cpuabnAsw; esc removes the filter." in " ".join(said(pilot).split())
        await press(pilot, "escape")
        assert "hamburg-01" in said(pilot)


async def test_a_filter_shows_the_matching_problems_and_escape_removes_it() -> None:
    async with console() as (pilot, _, made):
        await typed(pilot, "/kind:disk", "enter")
        assert "edge-0c11" in said(pilot) and "hamburg-01" not in said(pilot).split("FLEET")[0]
        assert pilot.app.screen.crumb == "Pulse › kind:disk"  # type: ignore[attr-defined]
        assert pilot.app.screen.count().startswith("1 of 5")  # type: ignore[attr-defined]
        await press(pilot, "escape")
        assert view(pilot) == "pulse" and "edge-7f3a" in said(pilot)
        made.store.flush()


async def test_a_filter_of_hosts_opens_hosts_with_it() -> None:
    async with console() as (pilot, _, _):
        await typed(pilot, "/cpu>=4", "enter")
        await until(pilot, lambda: view(pilot) == "hosts")
        assert pilot.app.screen.target == "cpu>=4"  # type: ignore[attr-defined]


async def test_a_wrong_value_of_a_field_of_hosts_is_named() -> None:
    async with console() as (pilot, _, _):
        await typed(pilot, "/cpu>abc", "enter")
        prompt = pilot.app.screen.query_one(Prompt)
        assert prompt.is_open and prompt.text == "cpu>abc", "it can be corrected"
        assert "cpu" in _wrong("cpu>abc") and "no field" not in _wrong("cpu>abc")
        assert "There is no field helth" in _wrong("helth:x")


async def test_the_next_step_has_a_key() -> None:
    async with console() as (pilot, _, _):
        assert pilot.app.screen.query_one("#problems", LineView).point_at("host/uid-edge-0c11/disk:/")
        await press(pilot, "n")
        await until(pilot, lambda: view(pilot) == "disk")


@pytest.mark.parametrize("action", ["host list", "host show", "host logs", "host disk", "event list", "token show"])
def test_each_action_of_the_rules_opens_a_view(action: str) -> None:
    problem = Problem("k", "kind", 1, "a", "text", None, "host", ("uid-1",), "Do it.", action, "x")
    step = step_of(problem)
    assert step.label and step.opens.partition("/")[0] in VIEWS


async def test_acknowledge_is_stored_on_the_plane_with_who_and_when() -> None:
    plane = HandlingPlane()
    async with console(plane=plane, size=(132, 43)) as (pilot, _, made):
        stores_handling(plane, made)
        await press(pilot, "tab", "a")
        await until(pilot, lambda: "seen noc-2" in said(pilot))
        assert plane.calls[-1] == ("set_handling", "site/hamburg-01/link")
        assert newest_message(made) == "hamburg-01 acknowledged for all consoles."
        assert "Acknowledged by noc-2@x 1m ago." in said(pilot)
        await press(pilot, "a")
        await until(pilot, lambda: "seen noc-2" not in said(pilot))
        assert newest_message(made) == "hamburg-01 is open again."


async def test_what_another_console_changed_is_shown() -> None:
    async with console() as (pilot, _, made):
        record = {"key": "host/uid-edge-7f3a/silent", "assignee": "anna", "note": "on the way"}
        made.store.emit("plane", HANDLING.seen, {"docs": [record]})
        await settle(pilot)
        row = next(line for line in said(pilot).splitlines() if "edge-7f3a" in line)
        assert row.split()[-1] == "anna"


@pytest.mark.parametrize(
    ("key", "answer", "change", "message"),
    [
        ("A", "anna", {"assignee": "anna"}, "hamburg-01 assigned to anna."),
        ("w", "provider called", {"note": "provider called"}, "Note on hamburg-01 saved."),
        ("s", "4h", {"silencedUntil": rfc3339(NOW + 14400)}, "hamburg-01 silenced for 4h."),
    ],
)
async def test_assign_note_and_silence(
    monkeypatch: pytest.MonkeyPatch, key: str, answer: str, change: dict[str, Any], message: str
) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)
    plane = HandlingPlane()
    async with console(plane=plane) as (pilot, _, made):
        stores_handling(plane, made)
        await press(pilot, "tab", key)
        await until(pilot, lambda: view(pilot) == "FormModal")
        await press(pilot, "ctrl+u")
        await typed(pilot, answer, "enter")
        await until(pilot, lambda: "site/hamburg-01/link" in plane.records)
        record = plane.records["site/hamburg-01/link"]
        assert {name: record.get(name) for name in change} == change
        await until(pilot, lambda: newest_message(made) == message)


async def test_a_silence_without_a_duration_is_refused_in_the_form() -> None:
    plane = HandlingPlane()
    async with console(plane=plane) as (pilot, _, made):
        stores_handling(plane, made)
        await press(pilot, "tab", "s")
        await until(pilot, lambda: view(pilot) == "FormModal")
        await press(pilot, "ctrl+u")
        await typed(pilot, "ever", "enter")
        assert view(pilot) == "FormModal" and not plane.records
        await press(pilot, "escape")
        assert view(pilot) == "pulse"


async def test_keys_that_need_a_problem_are_offered_with_one_only() -> None:
    async with console() as (pilot, _, _):
        screen = pilot.app.screen
        assert {"next step", "acknowledge"} <= {hint.label for hint in screen.key_hints()}  # type: ignore[attr-defined]
        await typed(pilot, "/xyz", "enter")
        labels = {hint.label for hint in screen.key_hints()}  # type: ignore[attr-defined]
        assert not labels & {"next step", "acknowledge", "assign", "note", "silence"} and "filter" in labels


async def test_a_plane_that_stores_nothing_leaves_it_to_this_console_and_the_message_is_plain() -> None:
    async with console() as (pilot, plane, made):
        await press(pilot, "tab", "a")
        only = "in this console only; this plane does not store who handles a problem."
        assert newest_message(made) == f"hamburg-01 acknowledged {only}"
        await press(pilot, "A")
        assert "does not store" in newest_message(made) and newest_message(made).count(":") <= 1
        assert view(pilot) == "pulse" and not plane.calls


async def test_read_only_refuses_to_change_who_handles_a_problem() -> None:
    plane = HandlingPlane()
    async with console(plane=plane, read_only=True) as (pilot, _, made):
        stores_handling(plane, made)
        for key in ("a", "A", "w", "s"):
            await press(pilot, "tab", key)
            assert "read-only" in newest_message(made)
        assert not plane.calls and view(pilot) == "pulse"
