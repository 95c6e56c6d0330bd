"""`site check` as a process of its own, against real sshd and a real hub; questions in a real terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from edgewright.commands.site.terminal import TerminalAsker
from tests.cli.conftest import cli, hub, plane
from tests.cli_support import Cli
from tests.clients.ssh.conftest import key_files
from tests.clients.ssh.hostkeys.test_known_hosts import found_by_ssh_keygen
from tests.clients.ssh.sshd import USER, Sshd, free_port
from tests.clients.ssh.test_host_keys import fingerprint
from tests.hub_fixture import RunningHub
from tests.support import ROOT

__all__ = ["cli", "hub", "key_files", "plane"]  # fixtures, found here by pytest


@pytest.fixture(scope="module")
def server(key_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd"), [key_files["host-ed25519"]]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        yield server


@pytest.fixture
def ssh(quiet_home: Path, server: Sshd, key_files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `~/.ssh` of a user with a configuration: `edge1`, and `behind` through it."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    folder = quiet_home / ".ssh"
    folder.mkdir(mode=0o700)
    host = f"  HostName 127.0.0.1\n  Port {server.port}\n  IdentityFile {key_files['user']}\n"
    dead = f"Host dead\n  HostName 127.0.0.1\n  Port {free_port()}\n"
    (folder / "config").write_text(f"Host edge1\n{host}Host behind\n{host}  ProxyJump edge1\n{dead}")
    (folder / "config").chmod(0o600)
    return folder


@pytest.fixture
def known(ssh: Path, server: Sshd, key_files: dict[str, Path]) -> Path:
    line = " ".join(key_files["host-ed25519"].with_name("host-ed25519.pub").read_text().split()[:2])
    (ssh / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {line}\n")
    return ssh


def test_one_host_as_text_and_as_json(cli: Cli, known: Path, server: Sshd, key_files: dict[str, Path]) -> None:
    done = cli("site", "check", "edge1")
    assert done.code == 0, done.err
    for text in (
        "edge1 (127.0.0.1) is reached over SSH.",
        "SHA256:",
        f"{known}/known_hosts line 1",
        "direct",
        "OpenSSH",
    ):
        assert text in done.out
    document = cli("site", "check", "behind", "-o", "json").json()
    assert document["via"] == ["edge1"] and document["address"] == f"127.0.0.1:{server.port}"
    named = cli("site", "check", "edge1,edge1", "-o", "json").json()
    assert named["target"] == "edge1,edge1" and named["via"] == ["edge1"]
    assert document["hostKey"]["fingerprint"] == fingerprint(key_files["host-ed25519"])
    assert document["user"] == USER and document["method"].startswith("publickey ssh-ed25519")
    assert 0 < document["roundTripMs"] < 5000 and document["connectMs"] > 0
    assert document["sudo"] == ("root" if USER == "root" else document["sudo"])


def test_several_hosts_with_a_result_for_each(cli: Cli, known: Path) -> None:
    done = cli("site", "check", "edge1", "dead", "behind")
    assert done.code == 5 and "Nothing listens at 127.0.0.1:" in done.err and "2 of 3 hosts reached." in done.err
    rows = [line.split()[:2] for line in done.out.splitlines()]
    assert rows == [["TARGET", "RESULT"], ["edge1", "reached"], ["dead", "ConnectionRefused"], ["behind", "reached"]]
    documents = cli("site", "check", "edge1", "dead", "-o", "json").json()
    assert documents[0]["target"] == "edge1" and documents[1]["error"]["code"] == "ConnectionRefused"


def test_an_unknown_key_is_refused_without_a_terminal(cli: Cli, ssh: Path, key_files: dict[str, Path]) -> None:
    done = cli("site", "check", "edge1")
    assert done.code == 4 and fingerprint(key_files["host-ed25519"]) in done.err and "at a terminal" in done.err
    assert not (ssh / "known_hosts").exists()
    error = cli("site", "check", "edge1", "-o", "json").err
    assert '"code": "HostKeyUnknown"' in error


def test_a_changed_key_is_refused_with_file_and_line(
    cli: Cli, ssh: Path, server: Sshd, key_files: dict[str, Path]
) -> None:
    line = " ".join(key_files["other"].with_name("other.pub").read_text().split()[:2])
    (ssh / "known_hosts").write_text(f"# one\n[127.0.0.1]:{server.port} {line}\n")
    done = cli("site", "check", "edge1")
    assert done.code == 4 and f"{ssh}/known_hosts line 2" in done.err and "ssh-keygen -R" in done.err
    assert fingerprint(key_files["other"]) in done.err and fingerprint(key_files["host-ed25519"]) in done.err


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("edge1;reboot",), 7, "edge1;reboot is not a valid host name or address"),
        (("edge1", "-o"), 2, "-o"),
        ((), 2, "TARGET"),
        (("dead",), 5, "Nothing listens at"),
        (tuple(f"h{number}" for number in range(201)), 2, "at most 200 targets"),
    ],
)
def test_exit_codes(words: tuple[str, ...], code: int, text: str, cli: Cli, known: Path) -> None:
    done = cli("site", "check", *words)
    assert done.code == code and text in done.err


def test_a_broken_configuration_is_named(cli: Cli, ssh: Path) -> None:
    (ssh / "config").write_text("Host edge1\n  Port many\n")
    done = cli("site", "check", "edge1")
    assert done.code == 7 and f"{ssh}/config line 2: many is not a number" in done.err


def register(hub: RunningHub, name: str, key: Path) -> None:
    """Register a host at 127.0.0.1 that hands over a key."""
    line = " ".join(key.with_name(key.name + ".pub").read_text().split()[:2])
    _, token = hub.token(name)
    document = {
        "metadata": {"uid": f"uid-{name}", "name": name},
        "spec": {
            "device": {"archType": "amd64", "nics": [{"nicName": "eth0", "ip": "127.0.0.1", "isDefault": True}]},
            "host": {"hostUid": f"uid-{name}", "hostAddress": "127.0.0.1", "hostAuthToken": token},
            "edgewright": {"registrationId": "a" * 32, "sshHostKeys": [line]},
        },
    }
    hub.anonymous().post("/v1/edgehosts/register", json=document).raise_for_status()


def test_a_registered_host_is_known_by_its_name(
    plane: Cli, hub: RunningHub, ssh: Path, server: Sshd, key_files: dict[str, Path]
) -> None:
    register(hub, "store-7", key_files["host-ed25519"])
    register(hub, "store-8", key_files["other"])
    register(hub, "edge1", key_files["other"])
    (ssh / "config").write_text((ssh / "config").read_text() + f"Match all\n  IdentityFile {key_files['user']}\n")
    document = plane("site", "check", f"store-7:{server.port}", "-o", "json", "--timeout", "60s").json()
    assert document["hostKey"]["knownBy"] == "management plane" and document["warnings"] == []
    assert document["address"] == f"127.0.0.1:{server.port}" and not (ssh / "known_hosts").exists()
    done = plane("site", "check", f"store-8:{server.port}", "--timeout", "60s")
    assert done.code == 4 and "(management plane)" in done.err and "has changed" in done.err
    # `Host edge1` of the configuration is at the address of the plane's host: its key is wanted
    assert plane("site", "check", "edge1", "--timeout", "60s").code == 4


def test_a_plane_that_does_not_answer_is_a_warning(cli: Cli, known: Path, tmp_path: Path) -> None:
    key = tmp_path / "api-key"
    key.write_text("ewk_nothing\n")
    key.chmod(0o600)
    away = {"EDGEWRIGHT_URL": f"https://127.0.0.1:{free_port()}", "EDGEWRIGHT_API_KEY_FILE": str(key)}
    document = cli("site", "check", "edge1", "-o", "json", "--timeout", "60s", **away).json()
    assert "The management plane cannot be asked" in document["warnings"][0]


def terminal(tmp_path: Path, *words: str, ignored: bool = False) -> pexpect.spawn[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEWRIGHT_HOME": str(tmp_path / "ew"), "TERM": "linux"}
    command = ["-m", "edgewright", "site", "check", *words]
    return pexpect.spawn(
        sys.executable,
        command,
        env=environment,
        timeout=20,
        encoding="utf-8",
        dimensions=(24, 200),
        ignore_sighup=ignored,
    )


def test_a_new_key_is_asked_for_at_a_terminal(
    ssh: Path, tmp_path: Path, server: Sshd, key_files: dict[str, Path]
) -> None:
    refused = terminal(tmp_path, "edge1")
    refused.expect_exact(fingerprint(key_files["host-ed25519"]))
    refused.expect_exact(f"Accept it and add it to {ssh}/known_hosts? [y/N] ")
    refused.sendline("")
    refused.expect_exact("was not accepted")
    refused.expect(pexpect.EOF)
    refused.close()
    assert refused.exitstatus == 4 and not (ssh / "known_hosts").exists()
    accepted = terminal(tmp_path, "edge1", "behind")  # three times the same host: asked once
    accepted.expect_exact("[y/N] ")
    accepted.sendline("y")
    accepted.expect_exact("2 of 2 hosts reached.")
    accepted.expect(pexpect.EOF)
    accepted.close()
    assert accepted.exitstatus == 0 and "[y/N]" not in str(accepted.before)
    # Debian's own configuration hashes names
    assert found_by_ssh_keygen(ssh / "known_hosts", f"[127.0.0.1]:{server.port}") == {1}
    assert len((ssh / "known_hosts").read_text().splitlines()) == 1


def test_a_passphrase_is_not_shown_and_ctrl_c_leaves_the_terminal_as_it_was(
    known: Path, tmp_path: Path, server: Sshd, key_files: dict[str, Path]
) -> None:
    config = (known / "config").read_text().replace(str(key_files["user"]), str(key_files["locked"]))
    (known / "config").write_text(config)
    server.allow(key_files["locked"].with_name("locked.pub"))
    asked = terminal(tmp_path, "edge1")
    asked.expect_exact(f"Passphrase of the key {key_files['locked']}: ")
    asked.waitnoecho(5)
    asked.sendline("pass-canary-7f3a")
    asked.expect_exact("is reached over SSH.")
    assert "pass-canary" not in str(asked.before)
    asked.expect(pexpect.EOF)
    stopped = terminal(tmp_path, "edge1")
    stopped.expect_exact("Passphrase of the key")
    stopped.waitnoecho(5)
    stopped.sendintr()
    stopped.expect(pexpect.EOF)
    stopped.close()
    assert stopped.exitstatus == 130


@pytest.mark.parametrize("ignored", [False, True], ids=["ended", "nohup"])
def test_a_terminal_that_is_closed_during_a_question_is_no_crash(
    ignored: bool, known: Path, server: Sshd, tmp_path: Path, key_files: dict[str, Path]
) -> None:
    server.allow(key_files["locked"].with_name("locked.pub"))
    config = (known / "config").read_text().replace(str(key_files["user"]), str(key_files["locked"]))
    (known / "config").write_text(config)
    asked = terminal(tmp_path, "edge1", ignored=ignored)
    asked.expect_exact("Passphrase of the key")
    asked.waitnoecho(5)
    os.close(asked.child_fd)
    end = time.monotonic() + 10
    while asked.isalive() and time.monotonic() < end:
        time.sleep(0.05)
    assert not asked.isalive() and asked.exitstatus == 129
    assert not list(tmp_path.rglob("crashes/*"))


def test_an_answer_is_not_read_without_a_terminal() -> None:
    async def ask() -> str | None:
        keys, screen = pty.openpty()
        question = asyncio.create_task(TerminalAsker(screen).secret("Password: ", shown=False))
        await asyncio.sleep(0.1)
        os.close(keys)
        try:
            return await asyncio.wait_for(question, 5)
        finally:
            os.close(screen)

    assert asyncio.run(ask()) is None


@pytest.mark.parametrize("shown", [True, False])
def test_ctrl_c_leaves_a_question_open_where_the_terminal_is_lent(shown: bool) -> None:
    """It ended nothing there, and stayed a part of what was typed next."""

    async def ask(*typed: bytes) -> list[str | None]:
        keys, screen = pty.openpty()
        before = termios.tcgetattr(screen)
        answers: list[str | None] = []
        try:
            for text in typed:
                question = asyncio.create_task(TerminalAsker(screen, lent=True).secret("Password: ", shown=shown))
                while not question.done() and termios.tcgetattr(screen)[3] & termios.ISIG:
                    await asyncio.sleep(0.01)
                os.write(keys, text)
                answers.append(await asyncio.wait_for(question, 5))
            assert termios.tcgetattr(screen) == before
        finally:
            os.close(keys)
            os.close(screen)
        return answers

    assert asyncio.run(ask(b"sec\x03", b"\x03", b"secret\r", b"\x04")) == [None, None, "secret", None]
