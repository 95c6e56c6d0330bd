"""Alerts over the database: what was seen lies over the rows, is stored once, and several hubs add up (rule P39)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from edgewright.core.roles import EVERYTHING
from edgewright.hub.controllers import alert_rows
from edgewright.hub.db.alerts import Alert, load_alerts
from edgewright.hub.db.events import host_event
from edgewright.hub.process.app import Hub
from edgewright.hub.readmodel import alert_board
from tests.hub_fleet import open_hub


def rejected(last: float = 1000.0, text: str = "t", **more: Any) -> Alert:
    values = {"quiet": 300.0, "project_uid": "", **more}
    return Alert(
        uid="rejected/box", kind="rejected", subject="box", text=text, message="m", hint="h", code="c", host_uids=(),
        since=last, last=last, **values,
    )  # fmt: skip


@pytest.fixture
async def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("edgewright.hub.process.app._SWEEPS", ())
    made = open_hub(tmp_path / "data", sweep=1e9)
    await made.start()
    yield made
    await made.stop()


def rows(hub: Hub) -> dict[str, Alert]:
    with hub.readers.connect() as connection:
        return load_alerts(connection)


async def test_what_was_seen_shows_at_once_and_is_stored_together(hub: Hub) -> None:
    board = hub.alerts
    for number in range(3):
        board.report(rejected(1000.0 + number), f"10.0.0.{number}")
    (shown,) = board.all()
    assert (shown.count, shown.since, shown.last) == (3, 1000.0, 1002.0) and rows(hub) == {}
    await alert_rows.store(hub)
    assert rows(hub)["rejected/box"] == shown == board.get("rejected/box")
    assert not board.waits


async def test_the_same_again_waits_and_another_text_does_not(hub: Hub) -> None:
    board = hub.alerts
    board.report(rejected())
    assert board.due.is_set()
    await alert_rows.store(hub)
    board.report(rejected(1001.0))
    assert board.waits and not board.due.is_set(), "only count and time changed"
    board.report(rejected(1002.0, text="other"))
    assert board.due.is_set()


async def test_p81_sightings_of_another_hub_add_up_and_the_event_is_one(hub: Hub) -> None:
    board = hub.alerts
    other = alert_board.AlertBoard(hub.changes)  # of a hub that has not followed yet
    event = host_event("box", "box", "Warning", "DuplicateIdentity", "m")
    for each in (board, other):
        each.report(rejected(), "10.0.0.1", host_event("box", "box", "Warning", "DuplicateIdentity", "m"))
    other.report(rejected(1005.0, text="newest"), "10.0.0.2", event)
    hub.alerts = board
    await alert_rows.store(hub)
    hub.alerts = other
    await alert_rows.store(hub)
    hub.alerts = board
    (alert,) = board.all()
    assert (alert.count, alert.text, alert.addresses) == (3, "newest", ("10.0.0.1", "10.0.0.2"))
    with hub.readers.connect() as connection:
        events = connection.exec_driver_sql("SELECT count(*) FROM events WHERE reason = 'DuplicateIdentity'").scalar()
    assert events == 1


async def test_an_alert_that_ended_elsewhere_does_not_come_back_by_an_older_sighting(hub: Hub) -> None:
    board = hub.alerts
    board.report(rejected())
    await alert_rows.store(hub)
    board.report(rejected(1001.0))
    board.forget("rejected/box")  # the box was let in at another hub
    assert board.all() == [] and not board.waits
    board.report(rejected(1002.0))
    assert board.get("rejected/box") is not None, "a new attempt is a new alert"


async def test_an_end_and_a_new_attempt_before_it_is_stored(hub: Hub) -> None:
    board = hub.alerts
    board.report(rejected())
    await alert_rows.store(hub)
    board.drop("rejected/box")
    assert board.all() == []
    board.report(rejected(1002.0))
    assert [alert.count for alert in board.all()] == [1]
    await alert_rows.store(hub)
    assert [alert.count for alert in board.all()] == [1] == [alert.count for alert in rows(hub).values()]
    board.drop("rejected/box")
    await alert_rows.store(hub)
    assert rows(hub) == {} and board.all() == []


async def test_p81_an_alert_that_another_hub_saw_later_does_not_expire(hub: Hub) -> None:
    board = hub.alerts
    board.report(rejected())
    await alert_rows.store(hub)
    later = alert_board.AlertBoard(hub.changes)
    later.report(rejected(1200.0))
    hub.alerts = later
    later._seen["rejected/box"].first = False
    board.expire(1301.0)
    await alert_rows.store(hub)
    hub.alerts = board
    await alert_rows.store(hub)
    assert rows(hub)["rejected/box"].last == 1200.0


async def test_what_could_not_be_stored_is_shown_and_stored_later(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    board, changes = hub.alerts, hub.changes
    monkeypatch.setattr(hub.storage, "since", 1.0)
    number = changes.ring.number
    board.report(rejected())
    assert changes.ring.number == number + 1, "readers get it although it is not stored"

    async def fail(_job: Any) -> None:
        raise OSError("disk")

    with monkeypatch.context() as patch:
        patch.setattr(hub, "write", fail)
        with pytest.raises(OSError, match="disk"):
            await alert_rows.store(hub)
    board.report(rejected(1001.0))
    monkeypatch.setattr(hub.storage, "since", None)
    await alert_rows.store(hub)
    assert rows(hub)["rejected/box"].count == 2


async def test_alerts_are_there_after_a_restart_and_those_of_the_plane_are_not(hub: Hub, tmp_path: Path) -> None:
    hub.alerts.report(rejected())
    plane = rejected()
    plane.uid, plane.kind = "plane/clock", "plane"
    hub.alerts.report(plane)
    await alert_rows.store(hub)
    assert len(hub.alerts.documents(EVERYTHING)) == 2
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    again = open_hub(tmp_path / "copy", sweep=1e9)
    assert [alert.uid for alert in again.alerts.all()] == ["rejected/box"]
    again.engine.dispose()
