"""What the link does about a clock that cannot be right: it asks the reconciler, and `status` shows it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.kernel import status
from edgewright.agent.kernel.agent_log import AgentLog
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.state import StateFolder
from edgewright.agent.plane.beats import Pulse
from edgewright.agent.plane.clock_watch import ClockWatch
from edgewright.agent.plane.floor import Floor, Known
from edgewright.agent.reconcile import exchange
from edgewright.agent.reconcile.handover import Handover
from edgewright.core import times
from edgewright.core.certificate_clock import BUILT
from tests.agent.conftest import Bench, Heard, StubPlane

Y2000 = 946_684_800.0
SET = {"boot": "b", "before": Y2000, "date": BUILT + 86_400.0, "reason": ""}


@pytest.fixture(autouse=True)
def _old_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of the program that runs would move the floor."""
    monkeypatch.setattr(sys, "argv", ["/nothing"])


class Watched:
    """A link's clock watch on a data folder; `shows` is the host's clock."""

    def __init__(self, folder: Path, observe: bool = False) -> None:
        self.shows, self.heard, self.folder = Y2000, Heard(), folder
        floor = Floor(StateFolder(str(folder), print), Root(str(folder / "root")), lambda: self.shows)
        floor._known = Known(BUILT, 0.0, BUILT + 1e8)
        handover = Handover(str(folder), run=str(folder / "run"), root=str(folder / "root"))
        self.watch = ClockWatch(floor, handover, AgentLog(self.heard, ""), observe)  # type: ignore[arg-type]

    def look(self, date: float | None = BUILT + 500, doubted: bool = False) -> str:
        return self.watch.look(Pulse(1, None, date, clock_doubted=doubted), "b")

    def request(self) -> dict[str, Any] | None:
        return exchange.get(str(self.folder / "operations"), exchange.CLOCK)

    def report(self, **changes: Any) -> None:
        exchange.put(str(self.folder / "reconciler"), exchange.CLOCK, {**SET, **changes})


def test_the_reconciler_is_asked_once_in_ten_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched, steady = Watched(tmp_path), time.monotonic()
    assert "is before 2026-11-01" in watched.look()
    request = watched.request()
    assert request is not None and (request["date"], request["boot"]) == (BUILT + 500, "b")
    assert request["floor"] == BUILT + 500 and abs(request["since"] - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5
    exchange.drop(str(tmp_path / "operations"), exchange.CLOCK)
    watched.look()
    assert watched.request() is None
    monkeypatch.setattr(time, "monotonic", lambda: steady + 700)
    watched.look()
    assert watched.request() is not None
    assert watched.heard.text.count("The clock of this host is wrong.") == 1


@pytest.mark.parametrize("case", ["observed", "doubted", "no time", "right"])
def test_it_is_not_asked_when_it_must_not_act(case: str, tmp_path: Path) -> None:
    watched = Watched(tmp_path, observe=case == "observed")
    watched.shows = BUILT + 500 if case == "right" else Y2000
    watched.look(None if case == "no time" else BUILT + 500, doubted=case == "doubted")
    assert watched.request() is None


def test_what_became_of_it_is_shown(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    assert watched.watch.source("", "b") == "none"
    watched.report(reason="chronyd runs")
    assert watched.look().endswith("; not set: chronyd runs")
    assert watched.watch.source("", "b") == "none"
    watched.report()
    watched.shows = BUILT + 86_400
    assert watched.look() == "was 2000-01-01 00:00 UTC, set to the plane's time 2026-11-02 00:00 UTC in this boot"
    assert watched.watch.source("", "b") == "plane" and watched.watch.source("chronyd", "b") == "chronyd"
    watched.report(boot="earlier")
    assert watched.look() == "" and watched.watch.source("", "b") == "none"


def test_a_folder_that_cannot_be_written_is_shown(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    (tmp_path / "operations").write_text("")
    assert "; it cannot be set: " in watched.look()


@pytest.fixture
def wrong_clock() -> Iterator[Callable[[float], None]]:
    yield lambda shift: times.use_clock(lambda: time.time() + shift)
    times.use_clock()


def test_an_agent_of_another_decade_registers_and_status_shows_why(
    bench: Bench, stub: StubPlane, wrong_clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    wrong_clock(-20 * 365 * 86_400.0)
    agent = bench.start()
    agent.step()
    assert stub.sent("POST", "/register") and stub.sent("PATCH", "/health")
    facts = (stub.sent("POST", "/register") + stub.sent("PUT", "/host"))[0].body["spec"]["edgewright"]
    assert facts["clockSource"] in ("none", facts["timeService"])
    request = exchange.get(str(bench.folder / "data/operations"), exchange.CLOCK)
    assert request is None or abs(request["date"] - time.time()) < 5, "its reconciler may have taken it already"
    stored = status.gather(str(bench.folder / "data"))
    assert "is before 20" in stored["clock"]
    row = [line for line in status.table({**stored, "verdict": "-"}, times.now()) if line.startswith("Clock")]
    assert len(row) == 1 and "certificates are compared with that instead" in row[0]
    body = json.loads(json.loads((bench.folder / "data/floor.json").read_text())["body"])
    assert abs(body["seen"] - time.time()) < 10
    bench.kill(agent)


def test_an_agent_whose_clock_is_right_shows_nothing(bench: Bench) -> None:
    agent = bench.start()
    agent.step()
    stored = status.gather(str(bench.folder / "data"))
    assert not stored["clock"] and not [
        line for line in status.table({**stored, "verdict": "-"}, 0.0) if "Clock" in line
    ]
    assert (bench.folder / "data/floor.json").stat().st_mode & 0o777 == 0o600
    bench.kill(agent)
