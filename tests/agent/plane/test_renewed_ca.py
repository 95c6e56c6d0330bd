"""What a host trusts over time: an old certificate of its CA beside the renewed one, and a certificate that ended."""

from __future__ import annotations

import email.utils
import subprocess
import time
from pathlib import Path

import pytest

from edgewright.agent.kernel.agent_log import AgentLog
from edgewright.agent.plane.beats import Pulse
from edgewright.agent.plane.clock_watch import ClockWatch
from edgewright.agent.reconcile import exchange
from edgewright.agent.reconcile.handover import Handover
from edgewright.core.errors import EdgewrightError
from tests.agent.conftest import TODAY, Authority, Heard
from tests.agent.plane.test_clock import Case
from tests.agent.plane.test_floor import BEFORE_BUILT, PROGRAM, START, _old_program, call, make_client, make_floor
from tests.agent.test_archive import interpreters
from tests.support import ROOT

__all__ = ["_old_program"]


def trusting(authority: Authority, kind: str) -> Path:
    """Return a CA file with an old certificate, which ended before the floor, beside the present one, by its kind."""
    old = authority.certificate(BEFORE_BUILT - 9, BEFORE_BUILT)
    (apart := authority.folder / "apart").mkdir(exist_ok=True)
    other = Authority(apart)  # the same name and another key
    parts = {
        "renewed": [old, authority.certificate()],
        "renewed, the new one first": [authority.certificate(), old],
        "the renewed one begins later": [authority.certificate(-9, 9), authority.certificate(8, 400)],
        "another key": [other.certificate(BEFORE_BUILT - 9, BEFORE_BUILT), authority.certificate()],
        "another key, the new one first": [authority.certificate(), other.certificate(BEFORE_BUILT - 9, BEFORE_BUILT)],
        "old alone": [old],
        "old, and another key": [old, other.certificate()],
    }[kind]
    file = authority.folder / "trusted.crt"
    file.write_bytes(b"".join(parts))
    return file


RENEWED = {
    "renewed": "204",
    "renewed, the new one first": "204",
    "the renewed one begins later": "204",
    "another key": "204",
    "another key, the new one first": "204",
    "old alone": "CertificateExpired",
    "old, and another key": "CertificateExpired",
}


@pytest.mark.parametrize("kind", RENEWED)
@pytest.mark.parametrize("wrong", [False, True], ids=["right clock", "wrong clock"])
def test_an_old_certificate_of_the_ca_beside_the_renewed_one_harms_nobody(
    kind: str, wrong: bool, authority: Authority, start_stub: START, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL takes the first one of the same CA where it does not look at dates."""
    stub = start_stub(authority.issue("leaf"))
    monkeypatch.setattr(authority, "file", trusting(authority, kind))
    client = make_client(stub, authority, make_floor(tmp_path) if wrong else None)
    assert call(client) == RENEWED[kind]
    assert (b"s3cret" in b"".join(stub.received)) == (RENEWED[kind] == "204")
    if not wrong and kind == "old alone":
        with pytest.raises(EdgewrightError, match="is valid, and that of its CA has expired by the clock") as caught:
            client.call("GET", "/x")
        assert caught.value.hint.startswith("Add the present certificate of the CA")


@pytest.mark.parametrize("python", interpreters() or ["none"])
def test_every_python_takes_the_dates_of_the_ca_that_signed(
    python: str, authority: Authority, start_stub: START, tmp_path: Path
) -> None:
    if python == "none" or subprocess.run([python, "-c", "import ssl"], capture_output=True, check=False).returncode:
        pytest.skip(f"{python} does not run or has no ssl")
    stub = start_stub(authority.issue("renewed-leaf"))
    for kind, wanted in RENEWED.items():
        words = [python, "-I", "-c", PROGRAM, str(ROOT), stub.url, str(trusting(authority, kind)), str(tmp_path)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
        assert done.stdout.strip() == wanted, (kind, done.stderr)


def test_who_has_the_key_of_an_ended_certificate_sets_no_clock_ahead(
    authority: Authority, start_stub: START, tmp_path: Path
) -> None:
    """From the connection to the root part: the latest time that a host believes is the certificate's end."""
    stub, now = start_stub(authority.issue("stolen-2", first=-20, last=-2)), time.time()
    date = TODAY.timestamp() - 2 * 86400 - 600
    stub.header = lambda name, value: email.utils.formatdate(date, usegmt=True) if name == "Date" else value
    floor = make_floor(tmp_path)
    assert call(make_client(stub, authority, floor)) == "204"
    heard = Heard()
    handover = Handover(str(tmp_path), run=str(tmp_path / "run"), root=str(tmp_path / "root"))
    watch = ClockWatch(floor, handover, AgentLog(heard, ""), False)  # type: ignore[arg-type]
    case = Case(tmp_path / "own")
    for asked in (now + 9e6, now - 86400.0, date):
        watch.look(Pulse(1, None, asked, clock_doubted=False), "b")
    request = exchange.get(str(tmp_path / "operations"), exchange.CLOCK)
    assert request is not None and request["date"] == date
    assert case.take(**{**request, "since": 38.0}) == [date + 2] and case.clock.shows < now - 2 * 86400
