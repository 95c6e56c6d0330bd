"""The live part of a host, as it comes back when the hub starts again."""

from __future__ import annotations

from types import SimpleNamespace

from edgewright.core.hosts.health import Reported, judge
from edgewright.hub.db import schema
from edgewright.hub.db.records import HostRecord, Live, loaded_host


def test_the_state_of_a_host_does_not_begin_anew_with_each_heartbeat_after_a_restart() -> None:
    before = Live()
    before.at, before.count, before.state, before.message = 1000.0, 5, "unhealthy", "temperature 94"
    live = Live.from_row(SimpleNamespace(**before.row("edge-1")))
    for beat in (1060.0, 1120.0, 1180.0):
        verdict = judge(beat, 1010.0, beat, True, Reported(False, live.message, live.since))
        assert verdict.since == 1000.0


def test_a_host_that_never_spoke_has_no_since() -> None:
    assert Live.from_row(SimpleNamespace(**Live().row("edge-1"))).since is None


def test_p69_the_progress_of_a_host_comes_back_with_its_heartbeat_and_reaches_other_hubs() -> None:
    before = Live()
    before.at, before.count, before.state, before.vitals = 1000.0, 5, "healthy", {"load1": 1.0}
    before.progress = {"step": "trial-1", "percent": 40}
    row = SimpleNamespace(**before.row("edge-1"))
    live, other = Live.from_row(row), Live()
    other.follow(row)
    assert live.progress == other.progress == before.progress
    assert live.vitals == other.vitals == {"load1": 1.0}, "it is no vital sign"
    before.progress = None
    other.follow(SimpleNamespace(**before.row("edge-1")))
    assert other.progress is None


def test_a_host_is_read_from_its_row_by_the_order_of_its_columns() -> None:
    assert tuple(schema.hosts.columns.keys()) == HostRecord.__struct_fields__
    row = ("edge-1", "p", "ready", "{}", 1.0, 2.0, 3, None, "r", "c", None, None, "t", "10.0.0.1")
    assert loaded_host(row) == HostRecord(*row)
    assert loaded_host((*row[:-2], None, "")).token_uid is None
