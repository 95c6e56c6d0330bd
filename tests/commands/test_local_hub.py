"""A hub of this machine: started, found again, stopped; its data in use by another is told."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from edgewright.commands.hub.addresses import machine_addresses
from edgewright.commands.hub.first_run import Guide
from edgewright.commands.hub.local import LocalHub
from edgewright.commands.installer import wizard_api as installer
from edgewright.commands.kernel.live import LiveFeed
from edgewright.config import contexts
from edgewright.core.errors import Failed, InvalidInput
from edgewright.hub.process.files import DataLock
from tests.core.installer.samples import CA
from tests.support import ROOT


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def test_it_starts_is_found_again_and_stops(tmp_path: Path) -> None:
    said: list[str] = []
    hub = LocalHub(tmp_path / "hub", "127.0.0.1:0")
    assert not hub.running()
    info = await hub.start(said.append)
    try:
        assert hub.running() and info.ca.is_file() and info.key_file.is_file()
        again = LocalHub(tmp_path / "hub")
        assert again.running() and await again.start(said.append) == info
        assert said[-1].startswith("A hub runs here already at ")
        path = await hub.token_file(info, "x", tmp_path / "token")
        assert path.read_text().startswith("ewt_") and path.stat().st_mode & 0o777 == 0o600
    finally:
        await hub.stop()
    assert not hub.running()


async def test_a_hub_whose_console_ended_before_it_was_ready_is_found_again(tmp_path: Path) -> None:
    """A closed window during the guide's start: the hub is there, its address was not written down yet."""
    first = LocalHub(tmp_path / "hub", "127.0.0.1:0")
    starting = asyncio.create_task(first.start(lambda line: None))
    while not first.running():
        await asyncio.sleep(0.01)
    starting.cancel()
    with suppress(asyncio.CancelledError):
        await starting
    again = LocalHub(tmp_path / "hub", "127.0.0.1:0")
    try:
        assert again.info() is None
        info = await again.start(lambda line: None)
        assert again._pid("hub") == first._children["hub"].pid
        assert info.key_file.is_file()
    finally:
        await first.stop()
    assert not again.running()


async def test_a_hub_that_cannot_start_says_why_in_its_own_words(tmp_path: Path) -> None:
    first = LocalHub(tmp_path / "hub", "127.0.0.1:0")
    await first.start(lambda line: None)
    try:
        (tmp_path / "hub" / "local.json").unlink()
        with pytest.raises(Failed, match="The hub did not start: "):
            await LocalHub(tmp_path / "hub", "127.0.0.1:0").start(lambda line: None)
    finally:
        first._write_note(hub=first._children["hub"].pid)
        await first.stop()


async def test_a_hub_whose_admin_key_is_elsewhere_is_a_sentence_and_ends(tmp_path: Path) -> None:
    first = LocalHub(tmp_path / "hub", "127.0.0.1:0")
    await first.start(lambda line: None)
    await first.stop()
    (tmp_path / "hub" / "admin-api-key").unlink()
    again = LocalHub(tmp_path / "hub", "127.0.0.1:0")
    with pytest.raises(Failed, match="has no admin key file") as told:
        await again.start(lambda line: None)
    assert "--new-admin-key" in told.value.hint and not again.running()


def test_a_demonstration_in_the_background_ends_by_one_signal_with_everything_it_started(tmp_path: Path) -> None:
    """A shell without job control starts what is behind `&` with SIGINT ignored."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(tmp_path),
        "EDGEWRIGHT_HOME": str(tmp_path / "h"),
    }
    words = [sys.executable, "-m", "edgewright", "demo", "--hosts", "3", "--no-console", "-o", "json"]
    words = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *words]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as demo:
        assert demo.stdout is not None
        told = json.loads(demo.stdout.readline())
        context = ssl.create_default_context(cafile=told["ca"])
        with urllib.request.urlopen(f"{told['url']}/edgewright/v1/features", context=context) as answer:
            assert json.load(answer)["product"] == "edgewright-hub"
        children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()
        assert len(children) == 2
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(30) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)
    assert list(tmp_path.glob("edgewright-demo-*")) == []


async def test_the_address_that_hosts_use_is_stored_and_the_ca_stays(tmp_path: Path) -> None:
    said: list[str] = []
    hub = LocalHub(tmp_path / "hub", "127.0.0.1:0")
    first = await hub.start(said.append)
    try:
        ca = first.ca.read_bytes()
        port = free_port()
        assert hub.hosts_url == ""
        await hub.set_address(f"hub.example.net:{port}", said.append)
        assert not hub.running() and said[-1].startswith("Stopping the hub")
        moved = await LocalHub(tmp_path / "hub", "127.0.0.1:0").start(said.append)
        again = LocalHub(tmp_path / "hub", "127.0.0.1:0")
        assert moved.url == f"https://127.0.0.1:{port}" and again.hosts_url == f"https://hub.example.net:{port}"
        assert moved.ca.read_bytes() == ca
        context = ssl.create_default_context(cafile=str(moved.ca))
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="hub.example.net"),
        ):
            pass  # the certificate is for the new name
        await LocalHub(tmp_path / "hub", f"127.0.0.1:{port}").set_address("hub.example.net", said.append)
        assert again.running()  # the port stays, so there is nothing to change
        with pytest.raises(InvalidInput):
            await again.set_address("not a name", said.append)
        assert again.running()
    finally:
        await LocalHub(tmp_path / "hub").stop()


def test_an_address_of_hosts_does_not_change_its_port_when_that_is_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert LocalHub._free_listen(f"127.0.0.1:{port}") == "127.0.0.1:0"
        assert LocalHub._free_listen(f"0.0.0.0:{port}") == f"0.0.0.0:{port}"
        assert LocalHub._free_listen(f"192.0.2.9:{port}") == f"192.0.2.9:{port}"


def test_installers_get_the_address_of_hosts_where_the_console_uses_another(tmp_path: Path) -> None:
    ca = tmp_path / "ca.crt"
    ca.write_text(CA)
    context = contexts.Context("here", "https://127.0.0.1:8443", ca=str(ca), hosts_url="https://hub.example.net:8443")
    contexts.add(context, "key", use_keyring=False)
    assert contexts.load().get("here").address_for_hosts == "https://hub.example.net:8443"
    assert [plane.url for plane in installer.planes()] == ["https://hub.example.net:8443"]
    settled = installer.settle({"plane.context": "here"})
    assert settled["plane.endpoint"] == "https://hub.example.net:8443" and "BEGIN" in settled["plane.ca"]


def test_addresses_of_this_machine_are_those_that_another_can_reach() -> None:
    for card, address, _ in machine_addresses():
        found = ipaddress.ip_address(address)
        assert card and not found.is_loopback and not found.is_link_local


class Feed:
    """Notes what the guide asks of the feed."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.store = SimpleNamespace(message=lambda text, level="info": self.steps.append(f"{level}: {text}"))

    async def complete(self) -> None:
        """Nothing is cached."""

    async def run(self) -> None:
        """Note that the plane is asked."""
        self.steps.append("feed runs")


def guide_of(data: Path) -> tuple[Guide, Feed]:
    feed = Feed()
    guide = Guide(None, cast(LiveFeed, feed), None, simulated=False)
    guide.revive(contexts.Context("here", "https://127.0.0.1:1", local_hub=str(data)))
    return guide, feed


async def test_a_hub_that_another_program_runs_on_the_data_is_used_as_it_is(tmp_path: Path) -> None:
    """A service, or `hub serve` in a shell: the console asked nothing and stayed at the last known fleet."""
    lock = DataLock(tmp_path)
    try:
        guide, feed = guide_of(tmp_path)
        await guide.run()
    finally:
        lock.release()
    assert feed.steps == ["feed runs"]


async def test_a_hub_that_does_not_start_is_a_message_and_the_plane_is_asked_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "hub.db").write_text("spoilt")
    guide, feed = guide_of(tmp_path)
    await guide.run()
    assert feed.steps[-1] == "feed runs"
    assert feed.steps[-2].startswith("bad: The hub did not start: ")
