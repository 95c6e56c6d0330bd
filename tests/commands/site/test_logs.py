"""`site logs` as a process of its own against two real sshd, whose journals are files of the test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgewright.commands.site.logs.reading import LOOKED_AT, asked
from edgewright.commands.site.open_verbs import LEVELS
from edgewright.core.errors import EdgewrightError, UsageError
from edgewright.core.logs import readable
from tests.cli.conftest import cli
from tests.cli_support import Cli
from tests.clients.ssh.conftest import key_files
from tests.clients.ssh.logs.local import LocalHost, row
from tests.clients.ssh.sshd import Sshd
from tests.forked import Forked
from tests.support import ROOT

__all__ = ["cli", "key_files"]  # fixtures, found here by pytest
AHEAD = "echo $(($(/bin/date +%s) + 3600))"


@pytest.fixture(scope="module")
def hosts(
    key_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[tuple[Sshd, LocalHost]]]:
    made = []
    for name in ("one", "two"):
        folder = tmp_path_factory.mktemp(name)
        enter = folder / "enter"
        enter.write_text(f'#!/bin/sh\nPATH={folder}:$PATH exec sh -c "$SSH_ORIGINAL_COMMAND"\n')
        enter.chmod(0o755)
        server = Sshd(folder, [key_files["host-ed25519"]], [f"ForceCommand {enter}"])
        server.start()
        server.allow(key_files["user"].with_name("user.pub"))
        made.append((server, LocalHost(folder)))
    made[1][1].program("date", f'#!/bin/sh\ncase $1 in +%s*) {AHEAD} ;; *) exec /bin/date "$@" ;; esac\n')
    yield made
    for server, _ in made:
        server.stop()


@pytest.fixture
def ssh(
    quiet_home: Path, hosts: list[tuple[Sshd, LocalHost]], key_files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> list[LocalHost]:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    folder = quiet_home / ".ssh"
    folder.mkdir(mode=0o700)
    key = " ".join(key_files["host-ed25519"].with_name("host-ed25519.pub").read_text().split()[:2])
    text = ""
    for name, (server, host) in zip(("one", "two"), hosts, strict=True):
        text += f"Host {name}\n  HostName 127.0.0.1\n  Port {server.port}\n  IdentityFile {key_files['user']}\n"
        with (folder / "known_hosts").open("a") as file:
            file.write(f"[127.0.0.1]:{server.port} {key}\n")
        host.journal.write_text("")
    (folder / "config").write_text(text)
    (folder / "config").chmod(0o600)
    return [host for _, host in hosts]


def test_lines_of_two_hosts_by_time_without_the_skew_of_a_clock(cli: Cli, ssh: list[LocalHost]) -> None:
    now = time.time()
    ssh[0].write(row(1, "first", now - 60), row(2, "third", now - 20, token="x"))
    zap = {"level": "error", "ts": "x", "msg": "second", "token": "ewt_secretcanary99", "n": 1}
    ssh[1].write(row(1, json.dumps(zap), now - 40 + 3600, "palette-agent.service"))
    done = cli("site", "logs", "one", "two")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert [line.split()[1:5] for line in lines] == [
        ["one", "kubelet", "info", "first"], ["two", "palette-agent", "error", "second"],
        ["one", "kubelet", "info", "third"],
    ]  # fmt: skip
    assert "canary" not in done.out and lines[1].endswith("n=1")
    assert "two: its clock is " in done.err and "ahead; the times are corrected" in done.err
    documents = cli("site", "logs", "one", "two", "--level", "error", "-o", "json").json()
    assert [(each["host"], each["message"], each["fields"]["n"]) for each in documents] == [("two", "second", "1")]
    assert documents[0]["hostTime"] > documents[0]["time"]
    assert "canary" not in json.dumps(documents)
    found = cli("site", "logs", "one", "two", "--grep", "THI")
    assert found.out.splitlines() == [lines[2]]


def test_units_and_spans_reach_journalctl_and_nothing_else_does(cli: Cli, ssh: list[LocalHost]) -> None:
    ssh[0].write(row(1, "x", time.time()))
    assert cli("site", "logs", "one", "--unit", "k3s", "--unit", "kernel", "--since", "10m").code == 0
    asked_for = (ssh[0].folder / "asked").read_text()
    assert "_SYSTEMD_UNIT=k3s.service + _PID=1 UNIT=k3s.service + _TRANSPORT=kernel" in asked_for
    assert "--since @" in asked_for
    done = cli("site", "logs", "one", "--unit", "a;reboot")
    assert done.code == 7 and "is not the name of a unit" in done.err
    assert cli("site", "logs").code == 2
    empty = cli("site", "logs", "two")
    assert empty.code == 0 and "Nothing was logged." in empty.err


def test_hosts_that_are_not_reached_are_named_and_the_others_are_read(cli: Cli, ssh: list[LocalHost]) -> None:
    ssh[0].write(row(1, "here", time.time()))
    done = cli("site", "logs", "one", "nobody@127.0.0.1:9")
    assert done.code == 5 and "here" in done.out and "127.0.0.1:9" in done.err


def test_it_follows_several_hosts_until_it_is_interrupted(cli: Cli, ssh: list[LocalHost]) -> None:
    now = time.time()
    ssh[0].write(row(1, "before", now - 5))
    ssh[1].write(row(0, "before", now - 4 + 3600))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "edgewright", "site", "logs", "one", "two", "--follow", "-o", "json"]
    with Forked(command, stdout=subprocess.PIPE, env=environment, text=True, bufsize=1) as process:
        assert process.stdout is not None

        def line() -> dict[str, Any]:
            assert process.stdout is not None
            document: dict[str, Any] = json.loads(process.stdout.readline())
            return document

        try:
            assert [line()["message"], line()["message"]] == ["before", "before"]  # both are followed now
            at = time.time()
            ssh[0].write(row(2, "b", at + 2))
            ssh[1].write(row(1, "a", at + 3600))  # a skew is known to parts of a second
            assert [line()["message"], line()["message"]] == ["a", "b"]
        finally:
            process.send_signal(2)
        assert process.wait(20) == 130


@pytest.mark.parametrize(
    "args",
    [{"since": "yesterday"}, {"since": "-5"}, {"since": "2999-01-01T00:00:00Z"}, {"lines": 10**6}, {"unit": ["a b"]},
     {"until": "1h", "follow": True}, {"since": "1h", "until": "2h"}],
)  # fmt: skip
def test_arguments_that_cannot_be_are_refused(args: dict[str, Any]) -> None:
    with pytest.raises(EdgewrightError):
        asked(args, 1_800_000_000.0)


def test_what_is_asked_of_a_host() -> None:
    what = asked({"since": "2h", "level": "warn", "unit": ["k3s", "k3s"]}, 1_800_000_000.0)
    assert what.request.ago == 7200 and what.request.units == ("k3s.service",) and what.wanted.level == 4
    assert asked({"grep": "X"}, 1.0).request.lines == LOOKED_AT and asked({}, 1.0).request.lines == 100
    with pytest.raises(UsageError):
        asked({"unit": [f"u{number}" for number in range(40)]}, 1.0)


def test_the_levels_of_the_declaration_are_those_of_the_lines() -> None:
    assert LEVELS == readable.LEVELS
