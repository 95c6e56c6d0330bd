"""Hosts that are not let in: each cause has its own sentence, on the host (journal and console) and at the plane.

One lab; each case makes one of its hosts a new one (fresh identity, other token, CA or clock), looks, and heals it.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.console import Console
from tests.e2e.fleet import UNIT, Fleet, Plane, until

pytestmark = [pytest.mark.e2e, pytest.mark.core]

ETC = "etc/edgewright"
DATA = "/var/lib/edgewright"


@pytest.fixture(scope="module")
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    made = make_fleet("--hosts", "2", "--silence-limit", "15", "--heartbeat", "5")
    plane = made.plane()
    until("both hosts are registered", 20, lambda: len(plane.hosts()) == 2)
    return made


@pytest.fixture(scope="module")
def plane(fleet: Fleet) -> Plane:
    return fleet.plane()


@pytest.fixture(scope="module")
def console(fleet: Fleet, tmux: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """The console on the lab's hub, with its Events screen open."""
    hub = fleet.shown["hub"]
    opened = Console(tmp_path_factory.mktemp("console"), hub["url"], Path(hub["ca"]), Path(hub["apiKeyFile"]), 220, 50)
    try:
        opened.wait("Pulse", patience=20)
        opened.press("4")
        opened.wait("Events", patience=20)
        yield opened
    finally:
        opened.close()


class Newcomer:
    """`edge2` as a machine that nobody has seen: what it holds can be exchanged before its agent starts."""

    def __init__(self, fleet: Fleet, uid: str) -> None:
        self._fleet = fleet
        self._etc = fleet.disk("edge2") / ETC
        self.kept = {name: (self._etc / name).read_text() for name in ("token", "ca.crt", "user-data")}
        self.token = self.kept["token"].strip()
        self.ca = self.kept["ca.crt"]
        self.uid = uid

    def start(self) -> str:
        """Start the agent afresh and return where the journal ended before."""
        fleet = self._fleet
        fleet.within("edge2", "systemctl", "stop", UNIT)
        fleet.within("edge2", "sh", "-c", f"rm -rf {DATA}/*")
        data = self.kept["user-data"].replace(self.kept["token"].strip(), self.token)
        data = data.replace(f"name: {fleet.uid('edge2')}", f"name: {self.uid}")
        (self._etc / "user-data").write_text(data)
        (self._etc / "token").write_text(self.token + "\n")
        (self._etc / "ca.crt").write_text(self.ca)
        cursor = fleet.cursor("edge2")
        fleet.within("edge2", "systemctl", "start", UNIT)
        return cursor

    def leave(self) -> None:
        """Stop the agent and put back what it held."""
        self._fleet.within("edge2", "systemctl", "stop", UNIT)
        for name, text in self.kept.items():
            (self._etc / name).write_text(text)


def newcomer_says(fleet: Fleet, newcomer: Newcomer, sentence: str) -> None:
    """Start a newcomer and wait for `sentence` in its journal and on its console."""
    shown = len(fleet.console("edge2"))
    cursor = newcomer.start()
    until(f"the journal says {sentence!r}", 20, lambda: sentence in fleet.journal("edge2", cursor), 0.3)
    until(f"the console says {sentence!r}", 5, lambda: sentence in fleet.console("edge2")[shown:])


def plane_tells(plane: Plane, about: str, sentence: str) -> None:
    """Wait until an event of the plane about `about` holds `sentence`."""

    def told() -> bool:
        return any(sentence in event["message"] and about in event["message"] for event in plane.events())

    until(f"an event about {about} says {sentence!r}", 10, told, 0.3)


def console_shows(console: Console, *words: str) -> None:
    """Wait until one row of the Events screen holds all these words."""
    deadline, shown = time.monotonic() + 15, ""
    while not any(all(word in row for word in words) for row in shown.splitlines()):
        assert time.monotonic() < deadline, f"no row with {words} within 15 s:\n{shown}"
        time.sleep(0.1)
        shown = console.screen()


def test_a_wrong_token(fleet: Fleet, plane: Plane, console: Console) -> None:
    newcomer = Newcomer(fleet, "case-wrong-token")
    newcomer.token = "ewt_" + "0" * 40
    try:
        newcomer_says(fleet, newcomer, "does not know the registration token of this host")
        plane_tells(plane, "case-wrong-token", "is not known here")
        console_shows(console, "case-wrong-token", "RegistrationRefused")
        # the right token in its place lets it in, without a restart
        (fleet.disk("edge2") / ETC / "token").write_text(newcomer.kept["token"])
        fleet.within("edge2", "systemctl", "reload", UNIT)
        until("the host is in", 20, lambda: plane.host("case-wrong-token"), 0.3)
    finally:
        newcomer.leave()


def test_an_expired_token(fleet: Fleet, plane: Plane, console: Console) -> None:
    newcomer = Newcomer(fleet, "case-expired")
    soon = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 2))
    _, newcomer.token = plane.make_token("short-lived", soon)
    time.sleep(3)
    try:
        newcomer_says(fleet, newcomer, "The registration token of this host has expired")
        plane_tells(plane, "case-expired", "'short-lived' expired at")
        console_shows(console, "case-expired", "RegistrationRefused")
    finally:
        newcomer.leave()


def test_a_revoked_token(fleet: Fleet, plane: Plane, console: Console) -> None:
    newcomer = Newcomer(fleet, "case-revoked")
    uid, newcomer.token = plane.make_token("taken-back")
    status, _ = plane.ask("PUT", f"/v1/edgehosts/tokens/{uid}/state", {"spec": {"isActive": False}})
    assert status == 204
    try:
        newcomer_says(fleet, newcomer, "The registration token of this host was revoked")
        plane_tells(plane, "case-revoked", "'taken-back' was revoked")
        console_shows(console, "case-revoked", "RegistrationRefused", "was revoked")
    finally:
        newcomer.leave()


def test_a_uid_that_another_host_has(fleet: Fleet, plane: Plane, console: Console) -> None:
    taken = fleet.uid("edge1")
    before = plane.host(taken)
    newcomer = Newcomer(fleet, taken)
    try:
        newcomer_says(fleet, newcomer, f"Another registration already uses the host UID {taken}")
        plane_tells(plane, taken, "belongs to a host that is registered already")
        console_shows(console, "'edge1' was refused", "RegistrationRefused")  # the screen has the name of that host
        after = plane.host(taken)
        assert after["status"]["edgewright"]["registeredAt"] == before["status"]["edgewright"]["registeredAt"]
        assert after["spec"]["host"]["hostAddress"] == before["spec"]["host"]["hostAddress"]
        assert after["status"]["edgewright"]["healthState"] == "healthy"
    finally:
        newcomer.leave()


def test_a_ca_that_is_not_the_planes(fleet: Fleet, plane: Plane, console: Console, tmp_path: Path) -> None:
    newcomer = Newcomer(fleet, "case-wrong-ca")
    newcomer.ca = another_ca(tmp_path)
    try:
        newcomer_says(fleet, newcomer, "was not signed by a CA in")
        address = fleet.shown["hosts"][1]["address"]
        plane_tells(plane, address, "does not trust this hub's certificate")
        console_shows(console, address, "does not trust")
    finally:
        newcomer.leave()


def test_a_clock_fifty_years_ahead(fleet: Fleet, plane: Plane, console: Console) -> None:
    newcomer = Newcomer(fleet, "case-clock50y")
    fleet.lab("fault", "clock", "edge2", "+50y")
    try:
        newcomer_says(fleet, newcomer, "has expired")
        until("the host's clock is named", 5, lambda: "clock" in fleet.journal("edge2"))
        address = fleet.shown["hosts"][1]["address"]
        plane_tells(plane, address, "certificate expired")
        console_shows(console, address, "certificate expired")
        # the true time lets it in
        fleet.lab("fault", "clock", "edge2", "true")
        until("the host is in", 30, lambda: plane.host(newcomer.uid), 0.3)
    finally:
        fleet.lab("fault", "clock", "edge2", "true")
        newcomer.leave()


def test_a_clock_fifty_years_behind_is_no_reason(fleet: Fleet, plane: Plane) -> None:
    """It is before the agent's build date, so certificates are compared with that (P137); the plane sees the clock."""
    newcomer = Newcomer(fleet, "case-clock-50y")
    fleet.lab("fault", "clock", "edge2", "-50y")
    try:
        cursor = newcomer.start()
        until("the host is in", 60, lambda: plane.host(newcomer.uid), 0.3)
        until("its clock is its condition", 30, lambda: "clock" in plane.judgement(newcomer.uid)["reason"], 0.3)
        assert "The clock of this host is wrong." in fleet.journal("edge2", cursor)
        fleet.lab("fault", "clock", "edge2", "true")
        until("the host is healthy", 60, lambda: plane.judgement(newcomer.uid)["healthState"] == "healthy", 0.3)
    finally:
        fleet.lab("fault", "clock", "edge2", "true")
        newcomer.leave()


def test_a_clock_that_is_a_little_off_is_a_condition(fleet: Fleet, plane: Plane) -> None:
    uid = fleet.uid("edge1")
    fleet.lab("fault", "clock", "edge1", "+1h")
    try:
        until("the host calls itself unhealthy", 30, lambda: plane.judgement(uid)["healthState"] == "unhealthy", 0.3)
        reason = plane.judgement(uid)["reason"]
        assert "clock" in reason, reason
    finally:
        fleet.lab("fault", "clock", "edge1", "true")
    until("the host is healthy", 30, lambda: plane.judgement(uid)["healthState"] == "healthy", 0.3)


def another_ca(folder: Path) -> str:
    """Return a CA certificate that signed nothing here."""

    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=another plane"]
    words += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "ca.pem")]
    subprocess.run(words, check=True, capture_output=True)
    return (folder / "ca.pem").read_text()
