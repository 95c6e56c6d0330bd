"""P72: one reboot, judged by the boot id, whoever was killed in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgewright.agent.reconcile.exchange import REQUESTS, RESULTS, folders, get, put
from edgewright.agent.reconcile.journal import Journal
from edgewright.agent.reconcile.reboot import LIMIT, Reboot
from edgewright.agent.reconcile.requests import Request, Requests
from edgewright.agent.reconcile.steps import Step

ID = "a" * 24


class Box:
    """A host that counts how often it was asked to reboot."""

    def __init__(self, folder: Path) -> None:
        self.places = folders(str(folder / "data"))
        self.now, self.boot = 1000.0, "boot-1"
        self.count = folder / "count"
        self.running: list[Step] = []
        self.command = ("/bin/sh", "-c", f"echo x >> {self.count}")
        self.possible = True
        put(self.places[REQUESTS], ID, {"kind": "reboot", "params": {}})

    def start(self) -> tuple[Requests, Journal]:
        journal = Journal(self.places["reconciler"])
        journal.open()
        reboot = Reboot(self.boot, lambda: self.now, lambda: self.running, self.command, lambda: self.possible)
        clock: Callable[[], float] = lambda: self.now  # noqa: E731
        requests = Requests(
            self.places,
            journal,
            {"reboot": reboot.start},
            {"reboot": reboot.judge},
            clock,
            self.boot,
            lambda p, s: None,
        )
        requests.recover()
        return requests, journal

    def take(self) -> float | None:
        requests, journal = self.start()
        again = requests.take()
        journal.close()
        return again

    @property
    def asked(self) -> int:
        return self.count.read_text().count("x") if self.count.exists() else 0

    @property
    def result(self) -> str:
        return str((get(self.places[RESULTS], ID) or {}).get("state", ""))


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_p72_a_reboot_is_asked_once_and_succeeds_with_another_boot_id(box: Box) -> None:
    assert box.take() is not None and box.asked == 1 and box.result == ""
    for _ in range(3):  # the reconciler is killed and starts again while the host goes down
        box.now += 5
        box.take()
    assert box.asked == 1 and box.result == ""
    box.boot, box.now = "boot-2", box.now + 60
    assert box.take() is None
    assert box.asked == 1 and box.result == "succeeded"
    box.boot = "boot-3"
    put(box.places[REQUESTS], ID, {"kind": "reboot", "params": {}})
    assert box.take() is None and box.asked == 1, "the same id is never asked again"


def test_p72_a_host_that_stays_has_failed_and_is_not_asked_again(box: Box) -> None:
    box.take()
    box.now += LIMIT + 1
    assert box.take() is None
    assert box.asked == 1 and box.result == "failed"


def test_p72_it_is_refused_while_a_step_runs_and_without_systemd(box: Box, tmp_path: Path) -> None:
    box.running = [Step("trial-1", "trial", "t")]
    assert box.take() is None and box.asked == 0 and box.result == "refused"
    assert "trial-1" in str(get(box.places[RESULTS], ID))
    other = Box(tmp_path / "other")
    other.possible = False
    other.take()
    assert other.asked == 0 and other.result == "refused"


@pytest.mark.parametrize("command", [("/bin/sh", "-c", "echo busy >&2; exit 1"), ("/no/such/program",)])
def test_a_host_that_refuses_is_a_failure_with_its_reason(box: Box, command: tuple[str, ...]) -> None:
    box.command = command  # type: ignore[assignment]
    box.take()
    assert box.result == "failed"


def test_the_record_is_there_before_the_host_is_asked(box: Box) -> None:
    seen: list[str] = []
    requests, journal = box.start()
    real = requests._handlers["reboot"]

    def look(request: Request) -> object:
        seen.append(journal.records["op-" + ID]["boot"])
        return real(request)

    requests._handlers = {"reboot": look}  # type: ignore[dict-item]
    requests.take()
    journal.close()
    assert seen == ["boot-1"]
