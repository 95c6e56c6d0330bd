"""`edgewright site open` on a real sshd, without a plane: its rows in Hosts and Clusters, the cut link, the end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.ssh.conftest import key_files
from tests.clients.ssh.reach import Laptop
from tests.clients.ssh.sshd import USER, Sshd
from tests.e2e.console import Terminal
from tests.e2e.fleet import command_environment
from tests.e2e.kubernetes.workloads.host_sshd import Host
from tests.support import missing

__all__ = ["key_files"]
pytestmark = [pytest.mark.e2e]
SIZE = (132, 43)


@pytest.fixture
def server(key_files: dict[str, Path], tmp_path: Path) -> Iterator[Sshd]:
    (tmp_path / "sshd").mkdir()
    with Host(tmp_path / "sshd", [key_files["host-ed25519"]]) as made:
        made.allow(key_files["user"].with_name("user.pub"))
        made.with_files({"/etc/machine-id": f"{32 * 'a'}\n"})
        yield made


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(30)
        yield made


@pytest.fixture
def console(server: Sshd, silent: socket.socket, key_files: dict[str, Path], tmp_path: Path) -> Iterator[Terminal]:
    """A console without a context, on the site `edge1`; `edge2` and `asks` lead there, `asks` with an unknown key."""
    if shutil.which("tmux") is None:
        missing("e2e", "tmux is not installed")
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    laptop = Laptop(home / ".ssh")
    for name in ("edge1", "edge2"):
        laptop.block(name, server.port, key_files["user"], "StrictHostKeyChecking accept-new",
                     f"UserKnownHostsFile {home}/.ssh/known_hosts", user=USER)  # fmt: skip
    laptop.block("asks", server.port, key_files["user"], f"UserKnownHostsFile {home}/.ssh/others", user=USER)
    laptop.block("void", silent.getsockname()[1], key_files["user"], user=USER)
    config = home / ".ssh" / "config"
    config.write_text(laptop.text)
    config.chmod(0o600)
    environment = {**command_environment(home), "EDGEWRIGHT_HOME": str(home / "ew"), "TERM": "xterm-256color"}
    terminal = Terminal(environment, ("site", "open", "edge1"), SIZE)
    yield terminal
    terminal.close()


def go(console: Terminal, view: str) -> None:
    console.press(f":{view}", "Enter")


def cut(server: Sshd) -> None:
    """End the server with its sessions, without a word to the other end."""
    assert server.process is not None
    pid = server.process.pid
    sessions = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    assert sessions
    server.stop()
    for session in sessions:
        os.kill(session, signal.SIGKILL)


def test_a_site_is_listed_opened_lost_and_closed(console: Terminal, server: Sshd) -> None:
    console.wait("read ", patience=90)
    go(console, "hosts")
    console.wait("1 by SSH", patience=30)
    console.wait_row("edge1", "by SSH", 30)
    assert "no plane" in console.screen() and "1 site" in console.screen()
    console.press("Enter")
    console.wait("By the probes", patience=30)
    console.wait("MACHINE", patience=30)
    console.press("Escape")
    console.wait_row("edge1", "by SSH", 30)
    console.press("l")  # a verb of a plane
    console.wait("known by SSH alone (edge1)", patience=30)
    go(console, "clusters")
    console.wait("Clusters", patience=30)
    console.press("Escape")
    go(console, "hosts")
    console.wait_row("edge1", "by SSH", 30)
    cut(server)
    console.wait_row("edge1", "SSH lost", 60)
    row = console.row("edge1")
    assert "▬" in row, row
    server.start()
    console.wait_row("edge1", "by SSH", 90)
    go(console, "sites")
    console.wait("LIKELY CAUSE", patience=30)
    console.press("C-d")
    console.wait("is closed", patience=30)
    go(console, "hosts")
    console.wait("no site is open", patience=30)
    assert not console.row("edge1")


def test_two_names_of_one_host_are_one_row_and_the_other_one_stays(console: Terminal) -> None:
    console.wait("read ", patience=90)
    go(console, "site open edge2")
    console.wait("site edge2", patience=30)
    console.wait("read ", patience=90)
    go(console, "hosts")
    console.wait_row("edge1,", "edge2", 60)
    console.wait("1 by SSH", patience=30)
    go(console, "sites")
    console.wait("same host as edge1", patience=30)
    console.wait("same host as edge2", patience=30)
    console.wait("2 of 8", patience=30)
    console.press("C-d")
    console.wait("The connection to edge1 is closed", patience=30)
    go(console, "hosts")
    console.wait_row("edge2", "by SSH", 30)
    assert "1 by SSH" in console.screen() and not console.row("edge1,")


def test_ctrl_c_ends_the_connecting_to_which_the_terminal_is_lent(console: Terminal, silent: socket.socket) -> None:
    console.wait("read ", patience=90)
    go(console, "site open asks,void")
    console.wait("Accept it", patience=30)
    console.press("y", "Enter")
    reached, _ = silent.accept()  # nothing is asked now, and nothing answers
    with reached:
        assert "Ctrl-C leaves a question open" in console.screen()
        began = time.monotonic()
        console.press("C-c")
        console.wait("Connecting was ended.", patience=8)
        assert time.monotonic() - began < 8, "the server would be given up after 10 s"
    console.press("C-c")
    go(console, "hosts")
    console.wait_row("edge1", "by SSH", 30)
    assert not console.ended
