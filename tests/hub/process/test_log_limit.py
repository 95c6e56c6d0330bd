"""The log under a flood: what repeats is counted by kind and peer, so that nothing else is rotated away."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from edgewright.hub.process.log_limit import FIRST, FIRST_OF_PEERS, MAX_KINDS, LimitedHandler
from edgewright.hub.process.logs import JsonLines
from tests.hub.attack import PING, read_one, secure, together
from tests.hub_fixture import RunningHub, running_hub


class Lines(logging.Handler):
    """Stores what would be written."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def messages(self) -> list[str]:
        return [record.getMessage() for record in self.records]


class Rig:
    """A logger with a limited handler and a clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lines = Lines()
        self.handler = LimitedHandler([self.lines], lambda: self.now)
        self.log = logging.Logger("edgewright.hub.test")
        self.log.addHandler(self.handler)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_repetitions_become_one_line_with_peers_and_counts(rig: Rig) -> None:
    for number in range(1000):
        rig.log.warning("no request", extra={"peer": f"10.0.0.{number % 7}"})
    assert rig.lines.messages == ["no request"] * FIRST_OF_PEERS
    rig.now = 61
    rig.handler.report()
    summary = rig.lines.records[-1]
    counted = f"repeated {1000 - FIRST_OF_PEERS} times in 61 s: no request"
    assert summary.getMessage() == f"{counted} (7 addresses, the most frequent ones are listed)"
    assert len(summary.__dict__["peers"]) == 5
    line = json.loads(JsonLines().format(summary))
    assert line["level"] == "warning" and sum(line["peers"].values()) > 600


def test_a_flood_of_a_day_is_a_handful_of_lines(rig: Rig) -> None:
    for second in range(0, 86_400, 10):
        rig.now = second
        for _ in range(20):
            rig.log.warning("no request", extra={"peer": "10.0.0.1"})
    assert 24 < len(rig.lines.records) < 80


def test_a_kind_that_paused_is_written_at_once_again(rig: Rig) -> None:
    for start in (0, 1000):
        rig.now = start
        rig.log.warning("no request", extra={"peer": "10.0.0.1"})
    assert len(rig.lines.records) == 2


def test_other_lines_are_not_lost_in_a_flood(rig: Rig) -> None:
    for number in range(500):
        rig.log.warning("no request", extra={"peer": "10.0.0.1"})
        rig.log.info("pruned %d events", number)
    rig.log.error("the disk is full")
    assert "the disk is full" in rig.lines.messages
    assert sum(message.startswith("pruned") for message in rig.lines.messages) == 500


def test_lines_without_a_peer_are_of_one_kind_by_their_template(rig: Rig) -> None:
    for number in range(100):
        rig.log.error("%s failed: %d", "a", number)
    assert len(rig.lines.records) == FIRST


def test_tracebacks_are_of_one_kind_by_their_place(rig: Rig) -> None:
    def fail(number: int) -> None:
        raise ValueError(number)

    for number in range(100):
        try:
            fail(number)
        except ValueError:
            rig.log.exception("request failed")
    assert len(rig.lines.records) == FIRST_OF_PEERS
    rig.handler.close()
    assert rig.lines.records[-1].exc_info is None and "repeated 95 times" in rig.lines.messages[-1]


def test_the_kinds_are_bounded(rig: Rig) -> None:
    for number in range(3 * MAX_KINDS):
        rig.log.warning(f"kind {number}")
    assert len(rig.handler._kinds) == MAX_KINDS


def test_a_link_that_breaks_in_mid_body_is_no_error(tmp_path: Path) -> None:
    with running_hub(data=tmp_path / "d") as hub:
        token = hub.token()[1]
        host = hub.host("h-1", token)
        own = host.headers["Authorization"]
        for head in (
            b"POST /v1/edgehosts/register HTTP/1.1\r\nHost: h\r\n",
            b"PATCH /v1/edgehosts/h-1/health HTTP/1.1\r\nHost: h\r\nAuthorization: %s\r\n" % own.encode(),
            b"PUT /v1/edgehosts/h-1 HTTP/1.1\r\nHost: h\r\nAuthorization: %s\r\n" % own.encode(),
            b"POST /v1/edgehosts/tokens HTTP/1.1\r\nHost: h\r\nApiKey: %s\r\n" % hub.admin_key.encode(),
        ):
            for _ in range(3):
                with secure(hub) as link:
                    link.sendall(head + b'Content-Length: 1000\r\n\r\n{"metadata":')
        hub.client().get("/v1/users/info").raise_for_status()
    assert [line for line in hub.log() if line["level"] in ("warning", "error")] == []


def test_strangers_cannot_rotate_the_log_away(tmp_path: Path) -> None:
    upgrade = PING[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    heads = (b"no request\r\n\r\n", upgrade, PING.replace(b"Host: h\r\n", b""), b"GET /" + b"a" * 90_000)

    def attack(hub: RunningHub, number: int) -> None:
        for turn in range(30):
            with secure(hub) as link:
                link.sendall(heads[(number + turn) % len(heads)])
                assert read_one(link)

    with running_hub("--max-connections-per-address", "50", data=tmp_path / "d") as hub:
        before = (hub.data / "hub.log").stat().st_size
        together(8, lambda number: attack(hub, number))
        assert hub.stop() == 0
        assert (hub.data / "hub.log").stat().st_size - before < 8_000
        lines = hub.log()
    refused = [line for line in lines if "repeated" in line["message"]]
    assert sum(line["peers"]["127.0.0.1"] for line in refused) > 100
    assert all(line.get("peer") == "127.0.0.1" for line in lines if line["message"].startswith("a request was"))
    assert not any("trace" in line for line in lines)
