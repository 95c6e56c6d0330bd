"""P24 and P25: an operation starts at most once, whenever the agent dies; its result is repeated until taken."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.logs import collector, read_journal
from edgewright.agent.kernel.operations import INTERRUPTED, Operations, Outcome
from edgewright.agent.kernel.state import StateFolder
from edgewright.agent.reconcile.exchange import REQUESTS, RESULTS, folders, get, names, put
from edgewright.agent.reconcile.journal import Journal
from edgewright.agent.reconcile.requests import MAX_RESULTS, Request, Requests
from edgewright.core import times
from edgewright.wire import protocol
from tests.agent.conftest import exchange_on

OFFER = {"id": "a" * 24, "kind": "reset", "params": {}, "generation": 4}


class Killed(BaseException):
    """The process ended here."""


class Rig:
    """Link and reconciler on one folder, each of which can be killed, and a handler that counts."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "data"
        self.path.mkdir()
        self.places = folders(str(self.path))
        self.starts = 0
        self.die_in_handler = False
        self.restart()

    def restart(self) -> None:
        self.folder = StateFolder(str(self.path), lambda priority, sentence: None)
        self.operations = Operations(self.folder, exchange_on(str(self.path)))

    def handler(self, request: Request) -> Outcome:
        self.starts += 1
        if self.die_in_handler:
            raise Killed
        return Outcome("succeeded", "done")

    def work(self, now: float = 1000.0) -> float | None:
        """Run a reconciler over the requests, from its start."""
        journal = Journal(self.places["reconciler"])
        try:
            journal.open()
            handlers = {"reset": self.handler}
            requests = Requests(self.places, journal, handlers, {}, lambda: now, "boot", lambda p, s: None)
            requests.recover()
            return requests.take()
        finally:
            journal.close()

    def run(self, offer: Mapping[str, Any] = OFFER, **more: Any) -> bool:
        taken = self.operations.take(offer, **more)
        self.work()
        self.operations.collect()
        return taken


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_p24_an_id_runs_once_however_often_it_is_offered(rig: Rig) -> None:
    assert rig.run() and not rig.run()
    rig.restart()
    assert not rig.run()
    assert rig.starts == 1 and names(rig.places[REQUESTS]) == []


def test_p24_a_link_that_lost_its_records_does_not_start_it_again(rig: Rig) -> None:
    rig.run()
    for path in rig.path.glob("operations.json*"):
        path.unlink()
    rig.restart()
    assert rig.run() and rig.starts == 1
    (record,) = rig.operations.unacknowledged()
    assert record["message"] == "done", "the reconciler has the result"


def test_p24_the_record_is_durable_before_the_first_step(rig: Rig) -> None:
    def look(request: Request) -> Outcome:
        journal = Journal(rig.places["reconciler"])
        journal.open()
        assert journal.records["op-" + "a" * 24]["state"] == "running"
        journal.close()
        return Outcome("succeeded", "")

    rig.handler = look  # type: ignore[method-assign]
    assert rig.run()
    assert rig.operations.unacknowledged()[0]["state"] == "succeeded"


def test_p24_death_in_the_midst_is_reported_as_failed_and_never_started_again(rig: Rig) -> None:
    rig.die_in_handler = True
    with pytest.raises(Killed):
        rig.run()
    rig.restart()
    rig.die_in_handler = False
    assert not rig.run() and rig.starts == 1
    (record,) = rig.operations.unacknowledged()
    assert (record["state"], record["message"]) == ("failed", INTERRUPTED)


@pytest.mark.parametrize("name", ["replace", "fsync", "write", "unlink"])
@pytest.mark.parametrize("deadly", range(1, 14))
def test_p24_death_at_any_write_never_starts_it_twice(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, name: str, deadly: int
) -> None:
    count = 0
    real = getattr(os, name)

    def dying(*args: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        if count == deadly:
            raise Killed
        return real(*args, **more)

    monkeypatch.setattr(os, name, dying)
    try:
        rig.run()
        rig.operations.acknowledge("a" * 24)
    except Killed:
        pass
    monkeypatch.setattr(os, name, real)
    rig.restart()
    rig.operations.hand_over_again()
    rig.run()
    assert rig.starts <= 1
    if rig.starts == 0:
        assert get(rig.places[RESULTS], "a" * 24)["message"] == INTERRUPTED  # type: ignore[index]


def test_p25_a_result_is_repeated_over_restarts_until_acknowledged(rig: Rig) -> None:
    rig.run()
    rig.restart()
    (record,) = rig.operations.unacknowledged()
    result = rig.operations.result(record)
    assert result["state"] == "succeeded" and result["generation"] == 4 and times.parse(result["finishedAt"])
    rig.operations.acknowledge(record["id"])
    rig.restart()
    assert rig.operations.unacknowledged() == [] and rig.operations.knows("a" * 24)


def test_p24_unknown_kinds_and_observed_hosts_refuse(rig: Rig) -> None:
    rig.run({**OFFER, "kind": "explode\x1b[31m"})
    assert rig.run({**OFFER, "id": "b" * 24}, refusal="only watched")
    first, second = rig.operations.unacknowledged()
    assert first["state"] == second["state"] == "refused" and rig.starts == 0
    assert "\x1b" not in first["message"] and second["message"] == "only watched"


def test_p24_past_its_deadline_it_is_not_started(rig: Rig) -> None:
    late = {**OFFER, "deadline": times.rfc3339(1000.0)}
    assert not rig.run(late, now=2000.0)
    assert rig.starts == 0 and rig.operations.unacknowledged() == []
    assert rig.run(late, now=999.0)


@pytest.mark.parametrize(("off", "starts"), [(0.0, 0), (-60.0, 0), (600.0, 1)])
def test_p24_a_request_that_waited_past_its_deadline_is_not_started(rig: Rig, off: float, starts: int) -> None:
    """The deadline is the plane's; this host's clock may be ahead of it."""
    rig.operations.take({**OFFER, "deadline": times.rfc3339(1000.0)}, "", 999.0, clockOff=off)
    rig.work(now=1100.0)
    rig.operations.collect()
    assert rig.starts == starts
    assert rig.operations.unacknowledged()[0]["state"] == ("succeeded" if starts else "refused")


def test_an_operation_that_the_link_cannot_record_is_not_done(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "edgewright.agent.kernel.state.write_checked", lambda *a: (_ for _ in ()).throw(OSError(28, "full"))
    )
    rig.run()
    (record,) = rig.operations.unacknowledged()
    assert record["state"] == "failed" and "disk is full" in record["message"] and rig.starts == 0


def test_a_request_waits_while_the_reconciler_cannot_record_it(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.operations.take(OFFER)
    journal = Journal(rig.places["reconciler"])
    journal.open()
    requests = Requests(rig.places, journal, {"reset": rig.handler}, {}, lambda: 0.0, "b", lambda p, s: None)
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "full")))
    assert requests.take() is not None and "disk is full" in requests.trouble and rig.starts == 0
    assert names(rig.places[REQUESTS]) == ["a" * 24], "it stays until there is space"
    monkeypatch.setattr(os, "fsync", real)
    assert requests.take() is None and not requests.trouble and rig.starts == 1
    journal.close()


def test_a_handler_that_breaks_is_a_result_not_an_end(rig: Rig) -> None:
    def broken(request: Request) -> Outcome:
        raise RuntimeError("boom")

    rig.handler = broken  # type: ignore[method-assign]
    rig.run()
    (record,) = rig.operations.unacknowledged()
    assert record["state"] == "failed" and "RuntimeError" in record["message"]


def test_a_result_that_cannot_be_stored_waits_in_memory(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.operations.take(OFFER)
    journal = Journal(rig.places["reconciler"])
    journal.open()
    requests = Requests(rig.places, journal, {"reset": rig.handler}, {}, lambda: 0.0, "b", lambda p, s: None)
    real = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (_ for _ in ()).throw(OSError(28, "full")))
    assert requests.take() is not None and requests.trouble and rig.starts == 1
    monkeypatch.setattr(os, "replace", real)
    assert requests.take() is None and rig.starts == 1
    journal.close()
    (record,) = rig.operations.collect()
    assert record["state"] == "succeeded"


def test_p24_a_result_on_disk_counts_when_its_end_did_not_reach_the_journal(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link may have sent it: a reconciler started again made `interrupted` of an operation that succeeded."""
    rig.operations.take(OFFER)
    real = Journal.append

    def append(journal: Journal, step: str, record: dict[str, Any]) -> None:
        if record["state"] == "ended":
            raise Killed
        real(journal, step, record)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Journal, "append", append)
        rig.work()
    assert (get(rig.places[RESULTS], "a" * 24) or {})["state"] == "succeeded"
    rig.work()
    (record,) = rig.operations.collect()
    assert (record["state"], record["message"]) == ("succeeded", "done") and rig.starts == 1


def test_the_newest_result_stays_after_a_clock_was_set_back(rig: Rig) -> None:
    for number in range(MAX_RESULTS):
        rig.run({**OFFER, "id": f"{number:024d}"})
    rig.operations.take({**OFFER, "id": "b" * 24})
    for path in Path(rig.places[RESULTS]).iterdir():
        os.utime(path, (4_000_000_000, 4_000_000_000))  # the clock of this host was wrong until now
    rig.work()
    (record,) = rig.operations.collect()
    assert record["id"] == "b" * 24 and len(names(rig.places[RESULTS])) == MAX_RESULTS


def test_a_request_that_is_torn_is_dropped(rig: Rig) -> None:
    put(rig.places[REQUESTS], "b" * 24, {"kind": "reset"})
    (Path(rig.places[REQUESTS]) / f"{'b' * 24}.json").write_text('{"sum":')
    assert rig.work() is None and names(rig.places[REQUESTS]) == [] and rig.starts == 0


@pytest.mark.parametrize("offer", [{}, {"id": 5}, {"id": ""}, {"id": None, "kind": []}, {"id": "../../etc/x"}])
def test_a_faulty_offer_is_left_alone(rig: Rig, offer: dict[str, Any]) -> None:
    assert not rig.run(offer)


def test_what_v0_1_0_left_started_is_reported_as_interrupted(rig: Rig) -> None:
    rig.folder.save("operations", {"records": [{"id": "c" * 24, "state": "started", "acknowledged": False}]})
    rig.restart()
    (record,) = rig.operations.unacknowledged()
    assert (record["state"], record["message"]) == ("failed", INTERRUPTED)


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


def test_p29_the_log_of_the_kernel_begins_with_its_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 0, b"one\ntwo\nthree\n")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(Root, "text", lambda *_: "root=LABEL=COS_PASSIVE upgrade_failure")
    assert read_journal(Root(), 3, "kernel") == ["root=LABEL=COS_PASSIVE upgrade_failure", "two", "three"]
    assert read_journal(Root(), 3, "kernel", 1000) == ["one", "two", "three"], "what follows does not begin again"
    assert read_journal(Root(), 2, "edgewright-step-*") == ["two", "three"]
    assert ["-k" in command for command in ran] == [True, True, False] and ran[2][-2:] == ["-u", "edgewright-step-*"]


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
