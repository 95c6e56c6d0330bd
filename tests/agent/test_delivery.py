"""P47: an agent that sends too much waits as long as the plane asks, keeps its heartbeats, and loses nothing by it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from edgewright.agent.kernel import logs
from edgewright.wire import protocol
from tests.agent.conftest import Answer, Bench, Request

LATER = {"code": "TooManyRequests", "message": "too many events"}


def reasons(bench: Bench) -> list[str]:
    """Return the reasons of the events that the plane took."""
    return [event["reason"] for request in bench.stub.sent("POST", "/bulk") for event in request.body]


def test_p47_a_pause_for_events_is_observed_and_heartbeats_continue(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = bench.start()
    agent.step()
    bench.stub.requests.clear()
    refused: list[list[dict[str, Any]]] = []

    def script(request: Request) -> Answer | None:
        if request.path.endswith("/bulk"):
            refused.append(request.body)
            return 429, LATER, {"Retry-After": "40"}
        return None

    bench.stub.script = script
    for number in range(3):
        agent.outbox.event(f"Kept{number}", "x")
    clock = time.monotonic()
    monkeypatch.setattr("edgewright.agent.plane.delivery.time.monotonic", lambda: clock)
    for seconds in (0, 10, 20, 39):
        monkeypatch.setattr("edgewright.agent.plane.delivery.time.monotonic", lambda at=clock + seconds: at)
        assert 57 <= agent.step() <= 63  # an ordinary interval, not a failed try
    assert len(refused) == 1 and len(bench.stub.sent("PATCH", "/health")) == 4
    assert "wait" in bench.heard.text
    bench.stub.script = lambda request: None
    bench.stub.requests.clear()
    monkeypatch.setattr("edgewright.agent.plane.delivery.time.monotonic", lambda: clock + 41)
    agent.step()
    assert reasons(bench) == ["Kept0", "Kept1", "Kept2"]
    assert agent.outbox.events() == []


def test_p47_a_pause_survives_on_disk_what_it_delays(bench: Bench) -> None:
    agent = bench.start()
    agent.step()
    bench.stub.script = lambda request: (429, LATER, {}) if request.path.endswith(("/bulk", "/intents")) else None
    agent.outbox.event("Kept", "x")
    intent = agent.outbox.offer("metadata.labels", {"a": "b"}, 1, {}, "operator", "")
    agent.step()
    agent.step()
    assert len(bench.stub.sent("POST", "/intents")) == 1  # without a number: a minute
    bench.kill(agent)
    bench.stub.requests.clear()
    bench.stub.script = lambda request: None
    bench.start().step()
    assert [request.body["id"] for request in bench.stub.sent("POST", "/intents")] == [intent]
    assert "Kept" in reasons(bench)


def test_p21_one_event_that_the_plane_refuses_takes_no_other_with_it(bench: Bench) -> None:
    agent = bench.start()
    agent.step()
    bench.stub.requests.clear()

    def script(request: Request) -> Answer | None:
        if request.path.endswith("/bulk") and any(event["reason"] == "Bad" for event in request.body):
            return 413, {"code": "DocumentTooLarge", "message": "Event 1 is too large"}, {}
        return None

    bench.stub.script = script
    for reason in ("Good1", "Bad", "Good2"):
        agent.outbox.event(reason, "x")
    agent.step()
    taken = [request.body[0]["reason"] for request in bench.stub.sent("POST", "/bulk") if len(request.body) == 1]
    assert taken == ["Good1", "Bad", "Good2"]
    assert agent.outbox.events() == []
    assert "refused the event Bad" in bench.heard.text


@pytest.mark.parametrize(("character", "most"), [("x", 100), ("\u8a9e", 100), ("\U0001f600", 100)])
def test_p29_a_piece_of_a_log_fits_into_a_request_in_any_script(character: str, most: int) -> None:
    lines = [character * protocol.MAX_LOG_LINE for _ in range(250)]
    offset, pieces = 0, []
    while offset < len(lines):
        part = logs._piece(lines, offset)
        assert 1 <= len(part) <= most
        assert len(json.dumps({"operationId": "0" * 24, "offset": offset, "lines": part})) <= protocol.MAX_BODY
        pieces.append(part)
        offset += len(part)
    assert [line for part in pieces for line in part] == lines
    assert logs._piece(lines, len(lines)) == []
