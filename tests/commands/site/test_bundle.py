"""`site bundle` as a process of its own, against a real sshd: result, exit codes, a cut link, Ctrl-C, encryption."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import cli
from tests.cli_support import Cli
from tests.clients.ssh.conftest import key_files
from tests.clients.ssh.sshd import Sshd
from tests.commands.site.test_check import known, server, ssh
from tests.forked import Forked
from tests.support import ROOT, missing

__all__ = ["cli", "key_files", "known", "server", "ssh"]  # fixtures, found here by pytest


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the program runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files_in(folder: Path) -> list[Path]:
    """Return what is in a folder beside the settings of the program."""
    return sorted(path for path in folder.iterdir() if path.name != "ew")


def index_of(path: Path) -> dict[str, object]:
    with tarfile.open(path) as tar:
        for member in tar:
            if member.name.endswith("/index.json"):
                file = tar.extractfile(member)
                assert file is not None
                document: dict[str, object] = json.load(file)
                return document
    raise AssertionError("no index")


class Link:
    """A TCP relay to a server that is cut after some bytes from it, once; `passed` counts them."""

    def __init__(self, port: int, cut_after: int = 1 << 40) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._target, self.cut_after, self.passed = port, cut_after, 0
        self.closed = False
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.closed:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            threading.Thread(target=self._copy, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._copy, args=(far, near, True), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        try:
            while data := source.recv(16_384):
                if counted:
                    self.passed += len(data)
                    if self.passed > self.cut_after:
                        self.cut_after = 1 << 40
                        break
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def link(known: Path, server: Sshd) -> Iterator[Link]:
    """`edge1` through a relay."""
    link = Link(server.port)
    config = (known / "config").read_text()
    (known / "config").write_text(config.replace(f"Port {server.port}", f"Port {link.port}"))
    line = (known / "known_hosts").read_text()
    (known / "known_hosts").write_text(line.replace(str(server.port), str(link.port)))
    yield link
    link.close()


def test_one_bundle(cli: Cli, known: Path, out: Path) -> None:
    done = cli("site", "bundle", "edge1")
    assert done.code == 0, done.err
    files = files_in(out)
    assert len(files) == 1 and files[0].name.startswith("edge1-") and files[0].name.endswith(".tar.gz")
    assert str(files[0]) in done.out and "entries" in done.err
    document = index_of(files[0])
    assert document["target"] == "edge1" and document["interruptions"] == 0
    connection = document["connection"]
    assert isinstance(connection, dict) and connection["hostKey"].startswith("ssh-ed25519 SHA256:")
    entries = document["entries"]
    assert isinstance(entries, list) and len(entries) > 100
    host = next(entry for entry in entries if entry["entry"] == "system/host.txt")
    assert host["missing"] is None and host["files"][0]["bytes"] > 100


def test_json_a_file_of_a_name_and_no_file_is_replaced(cli: Cli, known: Path, out: Path) -> None:
    done = cli("site", "bundle", "edge1", "--out", "b.tar.gz", "--since", "1h", "-o", "json")
    assert done.code == 0 and done.err == ""
    document = done.json()[0]
    assert document["file"] == str(Path("b.tar.gz")) and document["size"] == (out / "b.tar.gz").stat().st_size
    before = (out / "b.tar.gz").read_bytes()
    done = cli("site", "bundle", "edge1", "--out", "b.tar.gz")
    assert done.code == 6 and "b.tar.gz exists already" in done.err
    assert (out / "b.tar.gz").read_bytes() == before and len(files_in(out)) == 1


def test_the_plan_connects_to_nothing(cli: Cli, known: Path, server: Sshd, out: Path) -> None:
    before = server.log
    done = cli("site", "bundle", "edge1", "--plan", "--rate", "16K", "--since", "2h")
    assert done.code == 0 and server.log == before and files_in(out) == []
    for text in (
        "16.0 KB/s at most",
        "journals of the last 2 h",
        "journal/kubelet.log",
        "/var/log/kube-init.log",
        "not encrypted",
    ):
        assert text in done.out, text


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("edge1;reboot",), 7, "not a valid host name"),
        ((), 2, "TARGET"),
        (("dead",), 5, "Nothing listens at"),
        (("edge1", "--rate", "fast"), 7, "fast is not a valid rate"),
        (("edge1", "--since", "1s"), 7, "between 1m and 366d"),
        (("edge1", "--recipient", "age1x"), 7, "age1x is not a valid recipient"),
        (("edge1", "--resume", "nothing"), 3, "nothing contains no unfinished bundle"),
        (("edge1", "dead", "--resume", "x"), 2, "of one host"),
    ],
)
def test_exit_codes(arguments: tuple[str, ...], code: int, text: str, cli: Cli, known: Path, out: Path) -> None:
    done = cli("site", "bundle", *arguments)
    assert done.code == code and text in done.err
    assert files_in(out) == []


def test_several_hosts_one_after_another(cli: Cli, known: Path, out: Path) -> None:
    done = cli("site", "bundle", "edge1", "dead", "--out", "bundles/")
    assert done.code == 5 and "Nothing listens at" in done.err
    rows = [line.split()[:2] for line in done.out.splitlines()]
    assert rows == [["HOST", "RESULT"], ["edge1", "read"], ["dead", "ConnectionRefused"]]
    assert [path.name.startswith("edge1-") for path in (out / "bundles").iterdir()] == [True]


def test_a_link_that_is_cut_is_opened_again(cli: Cli, link: Link, out: Path) -> None:
    link.cut_after = 14_000
    done = cli("site", "bundle", "edge1", "--out", "b.tar.gz")
    assert done.code == 0, done.err
    assert "Trying again in 2 s." in done.err
    assert index_of(out / "b.tar.gz")["interruptions"] == 1
    assert [path.name for path in files_in(out)] == ["b.tar.gz"]


def test_ctrl_c_leaves_what_continues(link: Link, out: Path, cli: Cli, known: Path) -> None:
    command = [sys.executable, "-m", "edgewright", "site", "bundle", "edge1", "--out", "b.tar.gz", "--rate", "4K"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = Forked(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    state = out / "b.tar.gz.partial" / "state.json"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (state.exists() and len(list(state.parent.iterdir())) > 8):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Continue: edgewright site bundle edge1 --resume b.tar.gz.partial" in errors
    settled = sum(entry["complete"] for entry in json.loads(state.read_text())["entries"])
    assert 5 < settled < 120
    again = cli("site", "bundle", "edge1", "--out", "b.tar.gz")
    assert again.code == 6 and "was not finished" in again.err
    other = cli("site", "bundle", "dead", "--resume", "b.tar.gz.partial")
    assert other.code == 6 and "is the bundle of edge1" in other.err
    done = cli("site", "bundle", "edge1", "--resume", "b.tar.gz.partial", "-o", "json")
    assert done.code == 0, done.err
    assert [path.name for path in files_in(out)] == ["b.tar.gz"]
    document = index_of(out / "b.tar.gz")
    assert document["interruptions"] == 1
    assert all(entry["missing"] != "not read yet" for entry in document["entries"])  # type: ignore[attr-defined]


def test_an_encrypted_bundle(cli: Cli, known: Path, out: Path, key_files: dict[str, Path]) -> None:
    if shutil.which("age") is None:
        missing("e2e", "age is not installed")
    public = key_files["other"].with_name("other.pub").read_text().strip()
    done = cli("site", "bundle", "edge1", "--recipient", public)
    assert done.code == 0, done.err
    (path,) = files_in(out)
    assert path.name.endswith(".tar.gz.age") and path.read_bytes().startswith(b"age-encryption.org/v1\n")
    plain = out / "plain.tar.gz"
    subprocess.run(["age", "-d", "-i", str(key_files["other"]), "-o", str(plain), str(path)], check=True)
    assert index_of(plain)["target"] == "edge1"
