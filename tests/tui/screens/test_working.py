"""What is on its way, on Pulse and on the screen of a host."""

from __future__ import annotations

from typing import Any

from edgewright.store.collections.operations import OPERATIONS
from edgewright.store.engine.model import Model
from edgewright.store.engine.store import Store
from tests.tui.driving import console, newest_message, press, said, settle
from tests.tui.samples import NOW, fill, operation
from tui.screens.host.operations import operation_lines
from tui.screens.pulse.detail import detail_lines
from tui.screens.pulse.list import problem_lines
from tui.screens.pulse.select import aged, pulse_of
from tui.widgets.lines import text_of


def model_of(*docs: dict[str, Any]) -> Model:
    store = fill(Store(clock=lambda: NOW))
    store.emit("plane", "operations.seen", {"docs": list(docs)}, NOW - 2)
    store.flush()
    return store.model


def working(model: Model, now: float = NOW, width: int = 80) -> list[str]:
    lines = text_of(problem_lines(aged(pulse_of(model, now), now), width)).splitlines()
    start = next((place for place, one in enumerate(lines) if one.startswith("WORKING")), len(lines))
    return lines[start:]


def test_what_is_waited_for_has_host_kind_age_and_time_left() -> None:
    lines = working(model_of(operation("op1", "kiel-03")))
    assert lines[1].split() == ["►", "kiel-03", "reset,", "asked", "by", "noc-2", "1m", "14m", "left"]
    assert all(len(one) <= 80 for one in lines)


def test_past_its_deadline_it_is_overdue_and_first() -> None:
    model = model_of(operation("op1", "kiel-03"), operation("op2", "kiel-04", left=-120, kind="collect-logs"))
    lines = working(model)
    assert lines[1].startswith("‼ kiel-04") and "log did not answer in time" in lines[1]
    assert lines[1].rstrip().endswith("overdue")
    pulse = pulse_of(model, NOW)
    item = next(one for one in pulse.items if one.key == "operation/op2")
    detail = text_of(detail_lines(item, pulse, 60))
    assert "overdue for 2 min" in detail and "at the next heartbeat" in detail


def test_the_clock_alone_makes_it_overdue() -> None:
    pulse = pulse_of(model_of(operation("op1", "kiel-03", left=2)), NOW)
    assert "2s left" in text_of(problem_lines(pulse, 80))
    assert "overdue" in text_of(problem_lines(aged(pulse, NOW + 3), 80))


def test_one_verb_on_many_hosts_is_one_line() -> None:
    model = model_of(*(operation(f"op{number}", f"kiel-{number:02}") for number in range(12)))
    lines = working(model)
    assert len(lines) == 2 and lines[1].split()[:3] == ["►", "12", "hosts"]


def test_a_host_tells_what_came_of_it() -> None:
    model = model_of(
        operation("op1", "kiel-03", left=700, state="succeeded", message="the cluster is forgotten"),
        operation("op2", "kiel-03", left=800),
        operation("op3", "kiel-03", left=-100, state="expired"),
    )
    rows = sorted(model.rows(OPERATIONS).values(), key=lambda row: -row.at)
    lines = text_of(operation_lines(rows, NOW, 78)).splitlines()
    assert lines[0].startswith("OPERATIONS")
    assert "► reset" in lines[1] and "waits for the host, 13 min left" in lines[1]
    assert "• reset" in lines[2] and "done after 3 min" in lines[2] and "the cluster is forgotten" in lines[2]
    assert "‼ reset" in lines[3] and "overdue for" in lines[3]
    assert operation_lines([], NOW, 78) == []


async def test_operations_come_and_go_on_the_screens() -> None:
    async with console("pulse") as (pilot, _, made):
        assert "WORKING" not in said(pilot)
        made.store.emit("plane", "operations.seen", {"docs": [operation("op1", "kiel-03")]}, NOW)
        await settle(pilot)
        assert "WORKING" in said(pilot) and "kiel-03" in said(pilot)
        over = operation("op1", "kiel-03", state="succeeded", message="done")
        made.store.emit("plane", "operations.seen", {"docs": [over]}, NOW)
        await settle(pilot)
        assert "WORKING" not in said(pilot)
        assert newest_message(made).startswith("kiel-03: reset done")


async def test_only_what_is_overdue_can_be_acknowledged() -> None:
    async with console("pulse") as (pilot, _, made):
        docs = [operation("op1", "kiel-03"), operation("op2", "kiel-04", left=-60)]
        made.store.emit("plane", "operations.seen", {"docs": docs}, NOW)
        await settle(pilot)
        await press(pilot, "G", "a")
        assert newest_message(made).startswith("Select a problem first")
        await press(pilot, "k", "a")
        assert "operation/op2" in made.store.model.acknowledged


async def test_the_screen_of_a_host_shows_its_operations() -> None:
    async with console("host", "uid-kiel-03", size=(100, 40)) as (pilot, _, made):
        made.store.emit("plane", "operations.seen", {"docs": [operation("op1", "kiel-03")]}, NOW)
        await settle(pilot)
        assert "OPERATIONS" in said(pilot) and "waits for the host" in said(pilot)
