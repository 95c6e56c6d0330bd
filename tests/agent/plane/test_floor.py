"""Certificates while the clock is wrong: what is compared with what, and that no credential leaves before (P137)."""

from __future__ import annotations

import datetime
import email.utils
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.state import StateFolder
from edgewright.agent.plane.client import Client, parse_endpoint
from edgewright.agent.plane.floor import LATEST, NAME, Floor
from edgewright.agent.plane.tls import make_context
from edgewright.core.certificate_clock import BUILT
from edgewright.core.errors import EdgewrightError
from tests.agent.conftest import TODAY, Authority, Pair, StubPlane
from tests.agent.test_archive import interpreters
from tests.hub.fake_clock import fake_clock
from tests.support import ROOT

Y2000 = 946_684_800.0
BEFORE_BUILT = (datetime.datetime.fromtimestamp(BUILT, datetime.UTC) - TODAY).days - 1
"""Days from today to one before the build date."""
PING = b"GET /v1/health/ping HTTP/1.1\r\n"
START = Callable[[Pair], StubPlane]


class Steady:
    """Seconds since boot, moved by the test."""

    at = 100.0

    def __call__(self) -> float:
        return self.at


def make_floor(folder: Path, now: Callable[[], float] = lambda: Y2000, root: str = "root") -> Floor:
    state = StateFolder(str(folder), lambda priority, sentence: None)
    return Floor(state, Root(str(folder / root)), now, Steady())


@pytest.fixture(autouse=True)
def _old_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The program that runs has a file time, too; here it is an old one."""
    program = tmp_path / "program"
    program.write_text("")
    os.utime(program, (Y2000, Y2000))
    monkeypatch.setattr(sys, "argv", [str(program)])


def make_client(stub: StubPlane, authority: Authority, floor: Floor | None) -> Client:
    context = make_context(str(authority.file), timeless=floor is not None)
    return Client(parse_endpoint(stub.url), context, str(authority.file), floor=floor)


def call(client: Client) -> str:
    """Send a credential; return the code of the error, or the status."""
    try:
        return str(client.call("PUT", "/own", {"token": "s3cret"}, {"Authorization": "s3cret"}).status)
    except EdgewrightError as error:
        assert error.message.endswith(".") and error.hint.endswith("."), error
        return error.code
    finally:
        client.close()


PAIRS: dict[str, tuple[Callable[[Authority], Pair], str]] = {
    "valid": (lambda ca: ca.issue("valid"), "204"),
    "not-yet": (lambda ca: ca.issue("not-yet", first=3), "CertificateNotYetValid"),
    "ended-before-the-floor": (
        lambda ca: ca.issue("old", first=BEFORE_BUILT - 9, last=BEFORE_BUILT), "CertificateExpired"
    ),
    "ended-by-the-planes-own-clock": (lambda ca: ca.issue("ended", first=-20, last=-1), "CertificateExpired"),
    "intermediate": (lambda ca: ca.below("middle").issue("leaf"), "204"),
    "old-intermediate": (
        lambda ca: ca.below("old middle", BEFORE_BUILT - 9, BEFORE_BUILT).issue("leaf-2"), "CertificateExpired"
    ),
    "later-intermediate": (lambda ca: ca.below("later middle", 3).issue("leaf-3"), "CertificateNotYetValid"),
    "wrong-name": (lambda ca: ca.issue("name", host="other.example"), "WrongHostName"),
    "wrong-ca": (lambda ca: Authority(ca.folder, "foreign").issue("foreign"), "UnknownCa"),
}  # fmt: skip


@pytest.mark.parametrize("kind", PAIRS)
def test_each_certificate_is_judged_without_the_clock_and_before_a_credential(
    kind: str, authority: Authority, start_stub: START, tmp_path: Path
) -> None:
    make, wanted = PAIRS[kind]
    stub = start_stub(make(authority))
    assert call(make_client(stub, authority, make_floor(tmp_path))) == wanted
    received = b"".join(stub.received)
    if wanted == "204":
        assert received.startswith(PING) and received.index(b"s3cret") > received.index(b"\r\n\r\n")
    else:
        assert b"s3cret" not in received
        assert received.count(b"GET ") == (
            0 if kind.startswith("wrong") or "floor" in kind or kind == "old-intermediate" else 1
        )


def test_without_a_floor_the_dates_are_verified_as_ever(authority: Authority, start_stub: START) -> None:
    stub = start_stub(authority.issue("ended-2", first=-20, last=-1))
    assert call(make_client(stub, authority, None)) == "CertificateExpired"
    assert b"s3cret" not in b"".join(stub.received)


def test_the_request_before_the_check_has_nothing_of_this_host(
    stub: StubPlane, authority: Authority, tmp_path: Path
) -> None:
    client = make_client(stub, authority, make_floor(tmp_path))
    assert client.call("GET", "/x").status == 204
    ask = stub.requests[0]
    assert (ask.method, ask.path, ask.body) == ("GET", "/v1/health/ping", None)
    assert set(ask.headers) == {"host", "accept-encoding"}
    client.close()
    assert client.call("GET", "/y").status == 204, "the time is known: it is not asked for again"
    assert [request.path for request in stub.requests] == ["/v1/health/ping", "/x", "/y"]
    client.close()


def test_the_lean_requests_are_sent_after_the_check_too(
    authority: Authority, start_stub: START, tmp_path: Path
) -> None:
    stub = start_stub(authority.issue("later", first=3))
    client = make_client(stub, authority, make_floor(tmp_path))
    with pytest.raises(EdgewrightError):
        client.lean("/h", b"x", "s3cret")
    with pytest.raises(EdgewrightError):
        client.send_lean("GET", "/wake", b"", "s3cret")
    assert b"s3cret" not in b"".join(stub.received)


@pytest.mark.parametrize(
    ("date", "wanted"),
    [
        (lambda: "", "PlaneTimeRefused"),
        (lambda: "nonsense", "PlaneTimeRefused"),
        (lambda: email.utils.formatdate(BUILT - 3600, usegmt=True), "PlaneTimeRefused"),
        (lambda: email.utils.formatdate(LATEST + 60, usegmt=True), "PlaneTimeRefused"),
        (lambda: email.utils.formatdate(time.time() + 90 * 86400, usegmt=True), "CertificateExpired"),
        (lambda: email.utils.formatdate(time.time(), usegmt=True), "204"),
    ],
)  # fmt: skip
def test_the_time_that_the_plane_reports_must_be_possible(
    date: Callable[[], str], wanted: str, stub: StubPlane, authority: Authority, tmp_path: Path
) -> None:
    stub.header = lambda name, value: date() if name == "Date" else value
    assert call(make_client(stub, authority, make_floor(tmp_path))) == wanted
    assert (b"s3cret" in b"".join(stub.received)) == (wanted == "204")


def test_an_ended_certificate_with_a_time_of_its_own_is_bounded_by_the_floor(
    authority: Authority, start_stub: START, tmp_path: Path
) -> None:
    """What remains (docs/agent.md): who has its key is believed until the host has seen its plane after its end."""
    stub = start_stub(authority.issue("stolen", first=-20, last=-2))
    now = time.time()
    stub.header = lambda name, value: email.utils.formatdate(now - 9 * 86400, usegmt=True) if name == "Date" else value
    floor = make_floor(tmp_path)
    assert call(make_client(stub, authority, floor)) == "204"
    assert floor.look(now - 1 * 86400, False) is None, "not after the end of this certificate"
    assert floor.look(now - 9 * 86400, False) == now - 9 * 86400
    received = len(stub.received)
    assert StateFolder(str(tmp_path), lambda priority, sentence: None).save(NAME, {"seen": now - 86400})
    assert call(make_client(stub, authority, make_floor(tmp_path))) == "CertificateExpired"
    assert b"s3cret" not in b"".join(stub.received[received:])


def test_a_plane_that_closes_each_connection_is_checked_on_the_next_one(
    stub: StubPlane, authority: Authority, tmp_path: Path
) -> None:
    stub.script = lambda request: (204, None, {"Connection": "close"})
    client = make_client(stub, authority, make_floor(tmp_path))
    assert call(client) == "204"
    assert [request.method for request in stub.requests] == ["GET", "PUT"]


def test_no_connection_is_opened_behind_the_check(stub: StubPlane, authority: Authority, tmp_path: Path) -> None:
    """`http.client` opens a closed connection again by itself, which would be one that nobody has checked."""
    client = make_client(stub, authority, make_floor(tmp_path))
    client.call("GET", "/x")
    assert client._open is not None
    client._open.close()
    with pytest.raises(http.client.NotConnected):
        client._open.request("GET", "/behind")
    client.close()


def test_a_clock_that_is_right_again_decides_though_the_context_ignores_dates(
    authority: Authority, start_stub: START, tmp_path: Path
) -> None:
    for label, first, last, wanted in (
        ("good-2", -1, 9, "204"), ("early-2", 3, 9, "CertificateNotYetValid"), ("late-2", -9, -1, "CertificateExpired"),
    ):  # fmt: skip
        stub = start_stub(authority.issue(label, first=first, last=last))
        assert call(make_client(stub, authority, make_floor(tmp_path, time.time))) == wanted
        assert all(request.path == "/own" for request in stub.requests)


def test_what_the_plane_showed_moves_the_floor_and_it_never_goes_back(
    stub: StubPlane, authority: Authority, tmp_path: Path
) -> None:
    now = time.time()
    floor = make_floor(tmp_path)
    assert floor.wrong and floor.least() == (BUILT, "the build date of the agent")
    assert floor.look(now, False) is None, "no plane was admitted yet"
    assert call(make_client(stub, authority, floor)) == "204"
    assert floor.look(now, True) is None, "the plane doubts its own clock"
    assert floor.look(now + 90 * 86400, False) is None, "after the end of its certificate"
    assert floor.look(None, False) is None
    assert floor.look(now, False) == now
    assert floor.least() == (now, "the plane's time when it was seen last")
    assert floor.look(now - 7200, False) is None and floor.least()[0] == now
    again = make_floor(tmp_path, lambda: now - 3600)
    assert again.wrong and again.least()[0] == now, "an hour before the last time is wrong, too"
    right = make_floor(tmp_path, lambda: now + 5)
    assert not right.wrong and right.look(now - 7200, False) is None
    assert right.least()[0] == now, "a plane that is two hours behind by now"
    assert (tmp_path / f"{NAME}.json").stat().st_mode & 0o777 == 0o600


def test_the_earlier_of_two_clocks_moves_the_floor(tmp_path: Path) -> None:
    """A plane that was years ahead for a day must not lock its hosts out afterwards; nor must a host's own clock."""
    now = time.time()
    for clock, date in ((now, now + 5e7), (now + 5e7, now)):
        folder = tmp_path / str(clock > date)
        floor = make_floor(folder, lambda clock=clock: clock)  # type: ignore[misc]
        assert floor.look(date, False) is None
        assert floor.least()[0] == now


def test_a_floor_that_is_too_late_has_a_way_out_that_the_sentence_names(
    stub: StubPlane, authority: Authority, tmp_path: Path
) -> None:
    """A plane whose clock was ahead moved it while the host's own was wrong: to set the clock is not enough then."""
    state = StateFolder(str(tmp_path), lambda priority, sentence: None)
    for days, code in ((5, "PlaneTimeRefused"), (400, "CertificateExpired")):
        for seen in (time.time(), time.time() + days * 86400):
            assert state.save(NAME, {"seen": seen})
        with pytest.raises(EdgewrightError) as caught:
            make_client(stub, authority, make_floor(tmp_path, time.time)).call("GET", "/x")
        assert caught.value.code == code and "remove floor.json*" in caught.value.hint
        for path in tmp_path.glob("floor.json*"):
            path.unlink()
        assert not make_floor(tmp_path, time.time).wrong
        assert call(make_client(stub, authority, make_floor(tmp_path, time.time))) == "204"


@pytest.mark.parametrize("text", [b"", b"{", b'{"seen": 1e99}', b"\0" * 64, b'{"sha256":"x","body":"{}"}'])
def test_a_broken_file_leaves_the_build_date(text: bytes, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.json").write_bytes(text)
    assert make_floor(tmp_path).least()[0] == BUILT


@pytest.mark.parametrize("seen", [LATEST + 1, BUILT - 1, -1.0, 1e300, True, "2027", None])
def test_a_stored_time_that_cannot_be_leaves_the_build_date(seen: Any, tmp_path: Path) -> None:
    StateFolder(str(tmp_path), lambda priority, sentence: None).save(NAME, {"seen": seen})
    assert make_floor(tmp_path).least()[0] == BUILT


def test_the_copy_before_is_taken_when_the_file_is_torn(tmp_path: Path) -> None:
    state = StateFolder(str(tmp_path), lambda priority, sentence: None)
    for seen in (BUILT + 1000.0, BUILT + 9000.0):
        assert state.save(NAME, {"seen": seen})
    (tmp_path / f"{NAME}.json").write_bytes(b'{"sha')
    assert make_floor(tmp_path).least()[0] == BUILT + 1000


def test_a_folder_that_cannot_be_written_keeps_the_floor_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    floor = make_floor(tmp_path / "file", time.time)
    now = time.time()
    assert floor.look(now, False) is None
    assert abs(floor.least()[0] - now) < 1


def test_the_newest_file_counts_while_the_clock_is_wrong(tmp_path: Path) -> None:
    status = tmp_path / "root/var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_text("")
    os.utime(status, (BUILT + 91_400, BUILT + 91_400))  # a day less counts
    assert make_floor(tmp_path).least() == (BUILT + 5000, "the time of the file /var/lib/dpkg/status")
    assert not make_floor(tmp_path, lambda: BUILT + 100).wrong, (
        "a clock that may be right is not called wrong by a file"
    )
    os.utime(status, (LATEST + 86_409, LATEST + 86_409))
    assert make_floor(tmp_path).least()[0] == BUILT


PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1]); sys.argv[0] = "/nothing"
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.state import StateFolder
from edgewright.agent.plane.client import Client, parse_endpoint
from edgewright.agent.plane.floor import Floor
from edgewright.agent.plane.tls import make_context
from edgewright.core.errors import EdgewrightError
_, _, url, ca, folder = sys.argv
floor = Floor(StateFolder(folder, print), Root(folder), lambda: 946684800.0)
client = Client(parse_endpoint(url), make_context(ca, (), True), ca, floor=floor)
try:
    print(client.call("PUT", "/own", {"token": "s3cret"}).status)
except EdgewrightError as error:
    print(error.code)
"""


@pytest.mark.parametrize("python", interpreters() or ["none"])
def test_every_python_checks_the_whole_chain(
    python: str, authority: Authority, start_stub: START, tmp_path: Path
) -> None:
    """Python 3.9 does not show the chain: what is below the CA itself gets in, an intermediate gets a sentence."""
    if python == "none" or subprocess.run([python, "-c", "import ssl"], capture_output=True, check=False).returncode:
        pytest.skip(f"{python} does not run or has no ssl")
    shown = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout
    no_chain = " 3.9." in shown
    for kind, (make, wanted) in PAIRS.items():
        stub = start_stub(make(authority))
        words = [python, "-I", "-c", PROGRAM, str(ROOT), stub.url, str(authority.file), str(tmp_path)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
        expected = "CertificateUnreadable" if no_chain and "intermediate" in kind else wanted
        assert done.stdout.strip() == expected, (kind, done.stderr)
        assert (b"s3cret" in b"".join(stub.received)) == (expected == "204")


@pytest.fixture
def run_agent(tmp_path: Path, authority: Authority) -> Iterator[Callable[[StubPlane, str], dict[str, Any]]]:
    """Return what runs the agent's process at a date until its status says how the first tries went."""
    (tmp_path / "clock").mkdir()
    environment, shift = fake_clock(tmp_path / "clock")
    processes: list[subprocess.Popen[bytes]] = []

    def run(stub: StubPlane, date: str) -> dict[str, Any]:
        shift.write_text(f"@{date}\n")
        (tmp_path / "token").write_text("s3cret-token\n")
        words = ["run", "--endpoint", stub.url, "--ca", str(authority.file), "--token-file", str(tmp_path / "token")]
        words += ["--data", str(tmp_path / "data"), "--console", "", "--relay", str(tmp_path / "relay")]
        with (tmp_path / "agent.log").open("wb") as log:
            command = [sys.executable, "-m", "edgewright.agent", *words, "--observe"]
            processes.append(subprocess.Popen(command, env={**os.environ, **environment}, stderr=log, cwd=tmp_path))
        status: dict[str, Any] = {}
        for _ in range(300):
            time.sleep(0.1)
            try:
                status = json.loads(json.loads((tmp_path / "data/status.json").read_text())["body"])
            except (OSError, ValueError):
                continue
            if status.get("phase") in ("registered", "unreachable", "refused", "faulty"):
                break
        return status

    yield run
    for process in processes:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("date", ["1970-01-02 00:00:00", "2000-01-01 00:00:00"])
@pytest.mark.parametrize("kind", PAIRS)
def test_the_agents_process_at_a_date_before_it_was_built(
    kind: str, date: str, authority: Authority, start_stub: START, run_agent: Callable[[StubPlane, str], dict[str, Any]]
) -> None:
    make, wanted = PAIRS[kind]
    stub = start_stub(make(authority))
    status = run_agent(stub, date)
    received = b"".join(stub.received)
    if wanted == "204":
        assert status["phase"] == "registered", status
        assert "is before 2026-11-01 00:00 UTC" in status["clock"] or "is before 20" in status["clock"]
        assert received.startswith(PING) and received.index(b"s3cret-token") > received.index(b"\r\n\r\n")
        assert stub.sent("PATCH", "/health")
    else:
        assert (status["phase"], status["code"]) == ("unreachable", wanted), status
        assert b"s3cret" not in received and b"uthorization" not in received and b"register" not in received


def test_a_clock_far_ahead_gets_one_sentence_and_no_credential_leaves(
    stub: StubPlane, run_agent: Callable[[StubPlane, str], dict[str, Any]]
) -> None:
    status = run_agent(stub, "2031-05-01 00:00:00")
    assert (status["phase"], status["code"]) == ("unreachable", "CertificateExpired")
    assert "ahead of the clock of 127.0.0.1" in status["message"] and "Set the clock of this host" in status["hint"]
    assert b"s3cret" not in b"".join(stub.received)
