"""Voice, lifeline, outbox, status: the small parts."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from edgewright.agent import cli
from edgewright.agent.kernel.agent_log import ERROR, INFO, NOTICE, AgentLog
from edgewright.agent.kernel.outbox import Outbox
from edgewright.agent.kernel.state import StateFolder, write_checked
from edgewright.agent.kernel.status import gather, judge, table
from edgewright.agent.kernel.systemd_notify import Notifier, Stopped
from edgewright.agent.plane.client import Reply
from edgewright.agent.plane.refusals import pause_asked
from edgewright.core import times
from tests.agent.conftest import Heard


def test_under_systemd_lines_carry_their_priority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    heard = Heard()
    voice = AgentLog(heard, str(tmp_path / "console"))  # type: ignore[arg-type]
    voice(ERROR, "bad\x1b[31m\nnews")
    voice(7, "too much")
    assert heard.text == "<3>bad\ufffd[31m news\n"
    voice.announce(NOTICE, "here")
    assert (tmp_path / "console").read_bytes() == b"\r\nedgewright-agent: here\r\n"


def test_the_same_reason_is_told_again_after_an_hour_and_after_it_passed() -> None:
    heard = Heard()
    voice = AgentLog(heard, "")  # type: ignore[arg-type]
    assert voice.once("t", INFO, "a", 0.0) and not voice.once("t", INFO, "a", 3599.0)
    assert voice.once("t", INFO, "a", 3600.0) and voice.once("t", INFO, "b", 3601.0)
    voice.over("t")
    assert voice.once("t", INFO, "b", 3602.0)
    assert voice.once("t", INFO, "b", -10.0), "a clock that was set back does not silence the agent"


def test_a_missing_console_is_no_trouble() -> None:
    AgentLog(Heard(), "/dev/none-such").announce(ERROR, "x")  # type: ignore[arg-type]


@pytest.fixture
def life() -> Notifier:
    return Notifier()


def test_sigterm_ends_a_wait_and_spares_what_must_not_be_cut(life: Notifier) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    life.listen()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.kill(os.getpid(), signal.SIGTERM)  # outside of a section that may be interrupted: only noted
        assert life.stopping
        with pytest.raises(Stopped):
            life.wait(30)
        life.stopping = False
        os.kill(os.getpid(), signal.SIGHUP)
        started = time.monotonic()
        life.wait(30)
        assert time.monotonic() - started < 5, "SIGHUP means: try again now"
        with pytest.raises(Stopped), life.interruptible():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(30)
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT, signal.SIGHUP), before, strict=True):
            signal.signal(number, handler)


def test_systemd_hears_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(5)
        life = Notifier()
        life.notify("READY=1")
        assert listener.recv(100) == b"READY=1"
        life.wait(0)
        assert listener.recv(100) == b"WATCHDOG=1"
    life.notify("READY=1")
    life.notify("READY=1")


def test_p21_events_are_bounded_and_say_how_many_were_dropped(tmp_path: Path) -> None:
    folder = StateFolder(str(tmp_path), lambda priority, sentence: None)
    outbox = Outbox(folder, "u")
    for number in range(503):
        outbox.event("Tick", f"{number}")
    outbox = Outbox(folder, "u")
    seen = []
    while batch := outbox.events():
        assert len(batch) <= 100
        seen += batch
        outbox.events_taken(batch)
    assert len(seen) == 501 and len({event["metadata"]["uid"] for event in seen}) == 501
    assert seen[0]["message"] == "3" and seen[-1]["reason"] == "EventsDropped" and "3 older" in seen[-1]["message"]
    assert Outbox(folder, "u").events() == []


def test_status_of_nothing_is_not_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--data", str(tmp_path)]) == 3
    assert "No agent has run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "registered", "code", "words"),
    [
        ({"phase": "refused", "message": "The token has expired.", "hint": "Make a new one."}, False, 4, "has expired"),
        ({"phase": "waiting", "message": "waits for approval"}, False, 4, "approval"),
        ({"phase": "unreachable", "message": "No way."}, False, 5, "No way."),
        ({"phase": "registered", "lastHeartbeat": 0, "interval": 60}, True, 0, "healthy"),
        ({"phase": "registered", "lastHeartbeat": 999, "interval": 60}, True, 5, "no heartbeat"),
    ],
)
def test_status_says_what_is_and_exits_with_its_kind(
    tmp_path: Path, status: dict[str, object], registered: bool, code: int, words: str
) -> None:
    if "lastHeartbeat" in status:  # an age here: the list above is read minutes before the test runs
        status = {**status, "lastHeartbeat": times.rfc3339(times.now() - float(str(status["lastHeartbeat"])))}
    folder = StateFolder(str(tmp_path), lambda priority, sentence: None)
    folder.open()
    write_checked(str(tmp_path / "identity.json"), {"uid": "edge-1", "how": "name"})
    write_checked(str(tmp_path / "status.json"), status)
    write_checked(str(tmp_path / "registration.json"), {"credential": "secret" if registered else ""})
    facts = gather(str(tmp_path))
    found, verdict = judge(facts, times.now())
    facts["verdict"] = verdict
    lines = "\n".join(table(facts, times.now()))
    assert found == code and words in lines and "secret" not in lines + str(facts)
    folder.close()


def test_wrong_words_are_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["fly"], ["run", "--interval", "soon"], ["run", "--interval", "0"]):
        assert cli.main(words) == 2
        told = capsys.readouterr().err
        assert len(told.splitlines()) == 1 and "--help" in told


@pytest.mark.parametrize(("told", "seconds"), [("7", 7.0), ("\u00b2", 0.0), ("9" * 5000, 0.0), ("99999", 3600.0)])
def test_p4_a_pause_that_is_no_number_is_none(told: str, seconds: float) -> None:
    assert pause_asked(Reply(503, {"retry-after": told}, b"")) == seconds
