"""P24 and P25: an operation starts at most once, whenever the agent dies; its result is repeated until taken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.logs import collector
from edgewright.agent.kernel.operations import INTERRUPTED, NAME, Journal, Outcome
from edgewright.agent.kernel.state import StateFolder
from edgewright.core import times
from edgewright.wire import protocol

OFFER = {"id": "a" * 24, "kind": "reset", "params": {}, "generation": 4}


class Killed(BaseException):
    """The process ended here."""


class Rig:
    """A journal that can be killed and started again, and a handler that counts."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "data"
        self.starts = 0
        self.die_in_handler = False
        self.restart()

    def restart(self) -> None:
        self.folder = StateFolder(str(self.path), lambda priority, sentence: None)
        self.path.mkdir(exist_ok=True)
        self.journal = Journal(self.folder)

    def handler(self, operation: str, params: Mapping[str, Any]) -> Outcome:
        self.starts += 1
        if self.die_in_handler:
            raise Killed
        return Outcome("succeeded", "done")

    def run(self, offer: Mapping[str, Any] = OFFER, **more: Any) -> bool:
        return self.journal.run(offer, {"reset": self.handler}, **more)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_p24_an_id_runs_once_however_often_it_is_offered(rig: Rig) -> None:
    assert rig.run() and not rig.run()
    rig.restart()
    assert not rig.run()
    assert rig.starts == 1


def test_p24_the_record_is_durable_before_the_first_step(rig: Rig) -> None:
    def look(operation: str, params: Mapping[str, Any]) -> Outcome:
        other = StateFolder(str(rig.path), lambda priority, sentence: None)
        body = other.load(NAME)
        assert body is not None and body["records"][0]["state"] == "started"
        return Outcome("succeeded", "")

    assert rig.journal.run(OFFER, {"reset": look})
    assert rig.journal.unacknowledged()[0]["state"] == "succeeded"


def test_p24_death_in_the_midst_is_reported_as_failed_and_never_started_again(rig: Rig) -> None:
    rig.die_in_handler = True
    with pytest.raises(Killed):
        rig.run()
    rig.restart()
    (record,) = rig.journal.unacknowledged()
    assert (record["state"], record["message"]) == ("failed", INTERRUPTED)
    rig.die_in_handler = False
    assert not rig.run() and rig.starts == 1


@pytest.mark.parametrize("deadly", range(1, 8))
def test_p24_death_at_any_write_never_starts_it_twice(rig: Rig, monkeypatch: pytest.MonkeyPatch, deadly: int) -> None:
    import os

    count = 0
    real = os.replace

    def replace(source: Any, target: Any) -> None:
        nonlocal count
        count += 1
        if count == deadly:
            raise Killed
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    try:
        rig.run()
        rig.journal.acknowledge("a" * 24)
    except Killed:
        pass
    monkeypatch.setattr(os, "replace", real)
    rig.restart()
    before = rig.starts
    rig.run()
    assert rig.starts <= 1 or before == 0
    assert rig.starts == 1 or rig.journal.unacknowledged()[0]["message"] == INTERRUPTED


def test_p25_a_result_is_repeated_over_restarts_until_acknowledged(rig: Rig) -> None:
    rig.run()
    rig.restart()
    (record,) = rig.journal.unacknowledged()
    result = rig.journal.result(record)
    assert result["state"] == "succeeded" and result["generation"] == 4 and times.parse(result["finishedAt"])
    rig.journal.acknowledge(record["id"])
    rig.restart()
    assert rig.journal.unacknowledged() == [] and rig.journal.knows("a" * 24)


def test_p24_unknown_kinds_and_observed_hosts_refuse(rig: Rig) -> None:
    rig.run({**OFFER, "kind": "explode\x1b[31m"})
    assert rig.run({**OFFER, "id": "b" * 24}, refusal="only watched")
    first, second = rig.journal.unacknowledged()
    assert first["state"] == second["state"] == "refused" and rig.starts == 0
    assert "\x1b" not in first["message"] and second["message"] == "only watched"


def test_p24_past_its_deadline_it_is_not_started(rig: Rig) -> None:
    late = {**OFFER, "deadline": times.rfc3339(1000.0)}
    assert not rig.run(late, now=2000.0)
    assert rig.starts == 0 and rig.journal.unacknowledged() == []
    assert rig.run(late, now=999.0)


def test_an_operation_that_cannot_be_recorded_is_not_done(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "edgewright.agent.kernel.state.write_checked", lambda *a: (_ for _ in ()).throw(OSError(28, "full"))
    )
    rig.run()
    (record,) = rig.journal.unacknowledged()
    assert record["state"] == "failed" and "disk is full" in record["message"] and rig.starts == 0


def test_a_handler_that_breaks_is_a_result_not_an_end(rig: Rig) -> None:
    def broken(operation: str, params: Mapping[str, Any]) -> Outcome:
        raise RuntimeError("boom")

    rig.journal.run(OFFER, {"reset": broken})
    (record,) = rig.journal.unacknowledged()
    assert record["state"] == "failed" and "RuntimeError" in record["message"]


@pytest.mark.parametrize("offer", [{}, {"id": 5}, {"id": ""}, {"id": None, "kind": []}])
def test_a_faulty_offer_is_left_alone(rig: Rig, offer: dict[str, Any]) -> None:
    assert not rig.run(offer)


def test_p29_lines_are_sent_in_pieces_and_cleaned(tmp_path: Path) -> None:
    log = tmp_path / "var/log/syslog"
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"line {number} \x1b]0;title\x07\n" for number in range(600)))
    sent: list[dict[str, Any]] = []
    collect = collector(Root(str(tmp_path)), lambda piece: sent.append(piece) or True)  # type: ignore[func-returns-value]
    assert collect("op", {"lines": 250}) == Outcome("succeeded", "250 lines sent.")
    assert [(piece["offset"], len(piece["lines"]), piece["last"]) for piece in sent] == [
        (0, 100, False), (100, 100, False), (200, 50, True)
    ]  # fmt: skip
    assert sent[0]["lines"][0].startswith("line 350 ") and "\x1b" not in str(sent[0]["lines"])


def test_p29_limits_and_a_plane_that_forgot(tmp_path: Path) -> None:
    (tmp_path / "var/log").mkdir(parents=True)
    (tmp_path / "var/log/messages").write_text("one\n")
    collect = collector(Root(str(tmp_path)), lambda piece: False)
    for lines in (0, 501, "7", True):
        assert collect("op", {"lines": lines}).state == protocol.OP_REFUSED
    assert collect("op", {"unit": "--file=/etc/shadow"}).state == protocol.OP_REFUSED
    for since in (-1, "yesterday", True, 10**15):
        assert collect("op", {"since": since}).state == protocol.OP_REFUSED
    assert collect("op", {}).state == protocol.OP_FAILED
