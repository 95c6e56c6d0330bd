"""Addresses and host keys of a plane that does not answer: what the console saw last is used, and that is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.clients.ssh.config.resolve import Files, HostSettings, route_of
from edgewright.clients.ssh.config.settings import this_machine
from edgewright.clients.ssh.target import read_target
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.site.plane_hosts import PlaneHosts
from edgewright.config.contexts import Context
from edgewright.config.settings import Settings
from edgewright.core.errors import Unreachable
from edgewright.store.engine.store import Store
from tests.tui.samples import NOW, fill


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


def context(store: Store | None) -> CommandContext:
    plane = Context("prod", "https://hub:8443", ca="", key="path:/nowhere")
    return CommandContext(Settings(), context=plane, store=store, client=Away())  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["edge-7f3a", "uid-edge-7f3a"])
async def test_the_console_knows_the_address_of_a_host_while_the_plane_is_away(tmp_path: Path, word: str) -> None:
    store = fill(Store(clock=lambda: NOW), state="lost")
    hosts = PlaneHosts(context(store))
    settings = (await hosts.apply(route(tmp_path, word)))[0]
    assert settings.host == "10.4.1.7" and settings.host_key_alias == word
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
