"""Addresses and host keys of the plane, also of one that does not answer: whose they are, and what they may refuse."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgewright.clients.ssh.config.resolve import Files, HostSettings, route_of
from edgewright.clients.ssh.config.settings import this_machine
from edgewright.clients.ssh.hostkeys.keys import HostKey
from edgewright.clients.ssh.hostkeys.known_hosts import add_line
from edgewright.clients.ssh.hostkeys.trust import KnownFiles
from edgewright.clients.ssh.hostkeys.verdict import judge
from edgewright.clients.ssh.target import read_target
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.site.plane_hosts import PlaneHosts
from edgewright.config.contexts import Context
from edgewright.config.settings import Settings
from edgewright.core.errors import NotFound, Unreachable
from edgewright.store.engine.store import Store
from tests.tui.samples import NOW, fill, host


class Away:
    """A plane that is not reached."""

    peer = "hub:8443"
    project_uid = None

    async def port(self, wanted: object) -> object:
        raise Unreachable("Nothing answers at hub:8443.")

    async def aclose(self) -> None:
        return None


def route(tmp_path: Path, name: str) -> tuple[HostSettings, ...]:
    machine = this_machine()._replace(home=tmp_path, environment={})
    return tuple(route_of(Files(None, None, None), machine, read_target(name)))


def context(store: Store | None, client: object | None = None) -> CommandContext:
    plane = Context("prod", "https://hub:8443", ca="", key="path:/nowhere")
    return CommandContext(Settings(), context=plane, store=store, client=client or Away())  # type: ignore[arg-type]


def key(name: str) -> HostKey:
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + name.encode().ljust(32, b".")
    return HostKey("ssh-ed25519", blob)


class Plane(Away):
    """A plane with hosts, all at 10.4.1.7 as behind jump hosts; each reports a key of its own. `asked`: at a time."""

    def __init__(self, *hosts: tuple[str, str]) -> None:
        self.documents = {}
        for uid, name in hosts:
            document = copy.deepcopy(host(name, "berlin"))
            document["metadata"]["uid"] = uid
            document.setdefault("spec", {}).setdefault("edgewright", {})["sshHostKeys"] = [key(uid).line]
            self.documents[uid] = document
        self.at_once = self.asked = 0

    async def port(self, wanted: object) -> object:
        return self

    async def get(self, uid: str) -> dict[str, Any]:
        self.asked += 1
        self.at_once = max(self.at_once, self.asked)
        await asyncio.sleep(0.01)
        self.asked -= 1
        if uid not in self.documents:
            raise NotFound(f"There is no {uid}.")
        return self.documents[uid]

    async def search(self, spec: Mapping[str, Any]) -> object:
        return SimpleNamespace(items=list(self.documents.values()))


@pytest.mark.parametrize("word", ["edge-7f3a", "uid-edge-7f3a"])
async def test_the_console_knows_the_address_of_a_host_while_the_plane_is_away(tmp_path: Path, word: str) -> None:
    store = fill(Store(clock=lambda: NOW), state="lost")
    hosts = PlaneHosts(context(store))
    settings = (await hosts.apply(route(tmp_path, word)))[0]
    assert settings.host == "10.4.1.7" and settings.key_name == word
    assert hosts.note == (
        "The management plane cannot be asked (Nothing answers at hub:8443): its last known answer is used."
    )
    again = (await hosts.apply(route(tmp_path, "edge-0c11")))[0]
    assert again.host == "10.4.1.7"  # it is not asked a second time


async def test_a_host_that_nobody_knows_is_dialled_by_its_name(tmp_path: Path) -> None:
    for store in (None, fill(Store(clock=lambda: NOW), state="lost")):
        hosts = PlaneHosts(context(store))
        settings = (await hosts.apply(route(tmp_path, "edge-none")))[0]
        assert settings.host == "edge-none" and "its addresses and host keys are not used." in hosts.note


async def test_hosts_with_the_same_address_have_their_own_keys(tmp_path: Path) -> None:
    hosts = PlaneHosts(context(None, Plane(("u-7", "store-7"), ("u-8", "store-8"))))
    for name, uid in (("store-7", "u-7"), ("store-8", "u-8")):
        await hosts.apply(route(tmp_path, name))
        for other in ("store-7", "store-8"):
            await hosts.apply(route(tmp_path, other))
        settings = (await hosts.apply(route(tmp_path, name)))[0]
        known = await hosts.keys.known(settings)
        assert settings.host == "10.4.1.7" and [entry.key for entry in known.entries] == [key(uid)]
        assert hosts.uids[name] == uid


async def test_a_host_does_not_take_the_name_of_another_by_its_uid(tmp_path: Path) -> None:
    hosts = PlaneHosts(context(None, Plane(("u-7", "store-7"), ("store-7", "evil"))))
    settings = (await hosts.apply(route(tmp_path, "store-7")))[0]
    assert settings.host == "store-7" and not (await hosts.keys.known(settings)).entries
    both = "store-7 is the name of one host and the uid of another."
    assert settings.warnings == (f"{both} Its addresses and host keys of the plane are not used.",)
    assert (await hosts.apply(route(tmp_path, "u-7")))[0].host == "10.4.1.7"


async def test_a_name_of_two_hosts_is_a_warning(tmp_path: Path) -> None:
    hosts = PlaneHosts(context(None, Plane(("u-7", "store-7"), ("u-8", "store-7"))))
    settings = (await hosts.apply(route(tmp_path, "store-7")))[0]
    assert settings.host == "store-7" and "2 hosts are called store-7." in settings.warnings[0]


async def test_the_name_of_a_host_at_another_port_has_its_port(tmp_path: Path) -> None:
    """A key at port 22 of the name refuses none at another one, and a key that is accepted there counts there only."""
    settings = (await PlaneHosts(context(None, Plane(("u-7", "store-7")))).apply(route(tmp_path, "store-7:2222")))[0]
    file = str(tmp_path / "known_hosts")
    settings = settings._replace(user_files=(file,), global_files=())
    assert (settings.host, settings.key_name, settings.certified_name) == ("10.4.1.7", "[store-7]:2222", "store-7")
    add_line(file, "store-7", key("port-22"), hash_name=False)
    assert judge(key("new"), await KnownFiles().known(settings), "store-7", NOW).status == "unknown"
    assert judge(key("port-22"), await KnownFiles().known(settings), "store-7", NOW).status == "known"
    add_line(file, settings.key_name, key("new"), hash_name=False)
    at_22 = await KnownFiles().known(settings._replace(port=22))
    assert judge(key("new"), at_22, "store-7", NOW).status == "changed"


async def test_a_plane_that_answers_is_asked_for_many_hosts_at_once(tmp_path: Path) -> None:
    plane = Plane(*((f"u-{n}", f"store-{n}") for n in range(8)))
    hosts = PlaneHosts(context(None, plane))
    await hosts.apply(route(tmp_path, "store-0"))
    await asyncio.gather(*(hosts.apply(route(tmp_path, f"store-{n}")) for n in range(8)))
    assert plane.at_once == 8
