"""Ctrl-C in each verb of a site whose host does not answer: 130, one sentence, at once; also when it comes twice."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.clients.ssh.sshd import USER, Sshd, make_key
from tests.support import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
VERBS = {
    "check": "check H", "doctor": "doctor H", "network": "network H", "logs": "logs H", "follow": "logs H --follow",
    "network-set": "network set H --dns 10.0.0.1 --yes", "confirm": "network confirm H", "undo": "network undo H",
    "fix": "fix H swap-off --yes", "bundle": "bundle H --out bundle.tgz", "get": "get H /var/log/syslog --out copy",
    "put": "put H file /oem/x --yes", "run": "run H --yes -- true",
}  # fmt: skip
SENTENCE = "Interrupted; what was already sent may have been done."


class Place(NamedTuple):
    """A user's machine: `hang` runs a shell that answers nothing, `mute` takes the connection alone."""

    folder: Path
    env: dict[str, str]
    mute: socket.socket

    def begun(self, target: str, words: str) -> subprocess.Popen[str]:
        """Return a verb that waits for its host."""
        (self.folder / "asked").unlink(missing_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "edgewright", "site", *words.replace("H", target).split()],
            env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        if target == "mute":
            self.mute.accept()
        else:
            wait(lambda: (self.folder / "asked").exists(), process)
        return process


def wait(there: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not there():
        assert process.poll() is None and time.monotonic() < end, process.communicate(timeout=5)
        time.sleep(0.02)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    host, user = make_key(tmp_path / "host"), make_key(tmp_path / "user")
    home = tmp_path / "laptop"
    (home / ".ssh").mkdir(parents=True)
    (tmp_path / "file").write_text("x")
    with (
        socket.create_server(("127.0.0.1", 0)) as mute,
        Sshd(tmp_path, [host], [f"ForceCommand echo >{tmp_path}/asked; exec sleep 60"]) as server,
    ):
        mute.settimeout(60)
        server.allow(user.with_suffix(".pub"))
        public = " ".join(host.with_suffix(".pub").read_text().split()[:2])
        (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {public}\n")
        (home / ".ssh" / "config").write_text(
            f"Host hang\nPort {server.port}\nHost mute\nPort {mute.getsockname()[1]}\n"
            f"Host *\nUser {USER}\nHostName 127.0.0.1\nIdentityFile {user}\n"
            f"UserKnownHostsFile {home}/.ssh/known_hosts\nGlobalKnownHostsFile none\n"
        )
        env = {**os.environ, "HOME": str(home), "EDGEWRIGHT_HOME": str(home / "ew"), "PYTHONPATH": str(ROOT)}
        yield Place(tmp_path, env, mute)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("target", ["hang", "mute"])
def test_one_interrupt_ends_a_verb_with_130(place: Place, verb: str, target: str) -> None:
    process = place.begun(target, VERBS[verb])
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    if verb == "run" and target == "hang":  # the first one lets a command that runs end
        assert process.stderr is not None and "Ctrl-C again" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in printed, printed
    assert time.monotonic() - sent < 15
    if verb != "run":
        assert printed.strip().endswith(SENTENCE)


@pytest.mark.parametrize("verb", ["check", "put", "bundle"])
def test_a_second_interrupt_ends_a_verb_at_once(place: Place, verb: str) -> None:
    """Where it comes when the sentence is printed, the process ends by the signal itself: a shell shows 130 too."""
    process = place.begun("hang", VERBS[verb])
    process.send_signal(signal.SIGINT)
    time.sleep(0.15)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=30)
    assert process.returncode in (130, -signal.SIGINT) and "Traceback" not in printed, printed
    assert printed.count("Interrupted;") <= 2 and len(printed) < 1000
