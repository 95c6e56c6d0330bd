"""What the console may ask for beside its plane: another plane, a hub on this machine, a demonstration."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from edgewright.clients.http import peer
from edgewright.commands.hub.addresses import Address, machine_addresses
from edgewright.commands.hub.local import LocalHub
from edgewright.config import contexts, locations
from edgewright.config.contexts import Context
from edgewright.config.credentials import read_key_file
from edgewright.core.errors import EdgewrightError
from edgewright.core.slow_files import read_in_time

if TYPE_CHECKING:
    from edgewright.clients.http.peer import Peer
    from edgewright.commands.kernel.live import LiveFeed

DEMO_HUB = ("--heartbeat", "10", "--silence-limit", "60")
"""A demonstration's hub gets heartbeats more often, so that faults show within a minute."""


class Deployment(NamedTuple):
    """What a host needs to register with a plane: the address that it calls and the file of its CA.

    `movable` means that the hub runs here and can be given another address.
    """

    url: str
    ca: str
    movable: bool


def demo_hub(data: Path | None = None) -> LocalHub:
    """Return a hub for a demonstration, in a folder of its own that is thrown away unless `data` names one."""
    temporary = data is None
    folder = data or Path(tempfile.mkdtemp(prefix="edgewright-demo-"))
    return LocalHub(folder, "127.0.0.1:0", extra=DEMO_HUB, temporary=temporary)


async def start_demo(hub: LocalHub, hosts: int, report: Callable[[str], None], clusters: int = 30) -> Context:
    """Start hub and simulated hosts, which form clusters in the background; returns the context, which is not stored.

    Raises `EdgewrightError`.
    """
    demo_clusters = import_module("edgewright.commands.hub.demo_clusters")
    info = await hub.start(report)
    await hub.simulate(info, hosts, report, *demo_clusters.fault_options())
    demo_clusters.start(info, hosts, clusters)
    return Context("demo", info.url, ca=str(info.ca), key=f"path:{info.key_file}")


def describe(session: Any, feed: LiveFeed, simulated: bool) -> None:
    """Print which plane the session shows."""
    context = feed.context
    session.context_name = context.name if context else ""
    session.plane = urlsplit(context.url).netloc if context else ""
    session.project = feed.project
    session.read_only = feed.read_only or (context is not None and context.read_only)
    session.simulated = simulated


def deployment_of(context: Context | None) -> Deployment:
    """Return what hosts need to register with the plane of a context; empty without one."""
    if context is None:
        return Deployment("", "", False)
    return Deployment(context.address_for_hosts, context.ca, bool(context.local_hub))


class Guide:
    """What the console may ask of the composition root: other planes, a hub here, a demo."""

    def __init__(self, session: Any, feed: LiveFeed, hub: LocalHub | None, simulated: bool) -> None:
        self.session = session
        self.feed = feed
        self.hub = hub
        self.own_hub = False
        self.simulated = simulated
        self._begin: list[Callable[[], Awaitable[object]]] = []

    def revive(self, context: Context) -> None:
        """Start the hub of this machine again if it does not run (after a reboot, or when it was stopped)."""
        self.hub = LocalHub(Path(context.local_hub), urlsplit(context.url).netloc)
        self.own_hub = True
        if not self.hub.running():
            self._begin.append(self._start_again)

    async def _start_again(self) -> None:
        """Start the hub of this machine, unless another program runs one on its data. Raises `EdgewrightError`."""
        assert self.hub is not None
        if self.hub.in_use():
            return
        try:
            await self.start_hub(lambda line: self.feed.store.message(line))
        except EdgewrightError:
            if not self.hub.in_use():  # else another console was first
                raise

    async def run(self) -> None:
        """Feed the console until it is left; a hub of this machine that does not start is a message."""
        await self.feed.complete()
        for begin in self._begin:
            try:
                await begin()
            except EdgewrightError as error:
                self.feed.store.message(f"{error.message} {error.hint}".strip(), "bad")
        await self.feed.run()

    async def switch_context(self, name: str) -> None:
        """Go to another plane. Raises `NotFound`."""
        if self.simulated and self.feed.context is not None and name == self.feed.context.name:
            return
        await self.feed.use(contexts.use(name))
        describe(self.session, self.feed, simulated=False)

    async def switch_project(self, uid: str) -> None:
        """Show another project of the same plane."""
        if self.feed.context is not None:
            await self.feed.use(self.feed.context, uid or "all")
            self.session.project = uid

    async def start_hub(self, report: Callable[[str], None], address: str = "") -> str:
        """Start a hub here, register this machine as observed, and return the name of the hub's context.

        `address` is the one that hosts use (`NAME_OR_IP[:PORT]`); "" leaves it as it is. Raises `EdgewrightError`.
        """
        if self.hub is None:
            self.hub = LocalHub(locations.folder("data") / "hub", self.feed.settings.hub_listen)
        self.own_hub = True
        if address:
            await self.hub.set_address(address, report)
        info = await self.hub.start(report)
        hosts_url = self.hub.hosts_url
        context = contexts.Context(
            "here",
            info.url,
            ca=str(info.ca),
            local_hub=str(self.hub.data),
            hosts_url=hosts_url if hosts_url != info.url else "",
        )
        key = await read_in_time(lambda: read_key_file(str(info.key_file)), str(info.key_file))
        contexts.add(context, key, use_keyring=self.feed.settings.keyring)
        await self.hub.observe_this_machine(info, report)
        return "here"

    def addresses(self) -> list[Address]:
        """Return the addresses of this machine that sites could use, the most likely first."""
        return machine_addresses()

    def deployment(self) -> Deployment:
        """Return what an installer and an install command need to know about the plane that is shown."""
        deployment = deployment_of(self.feed.context)
        return deployment._replace(movable=deployment.movable and not self.simulated)

    async def connect(self, url: str, api_key: str, ca: str = "", project: str = "", name: str = "") -> str:
        """Make a context for a plane that lets this key in, and return its name. Raises `EdgewrightError`."""
        from edgewright.commands.kernel.greet import greet

        url = contexts.check_url(url)
        name = name or (urlsplit(url).hostname or "plane").replace(":", "-")[:40]
        context = contexts.Context(name, url, ca=ca, project=project)
        await greet(context, api_key.strip(), self.feed.settings.timeout)
        contexts.add(context, api_key.strip(), use_keyring=self.feed.settings.keyring)
        return name

    async def inspect(self, url: str) -> Peer:
        """Fetch the authority that a plane shows, for the user to compare. Raises `EdgewrightError`."""
        folder = locations.ensure(locations.folder("config") / "authorities")
        return await peer.inspect(contexts.check_url(url), folder, self.feed.settings.timeout)

    async def start_demo(self, hosts: int, report: Callable[[str], None]) -> str:
        """Start a demo fleet that ends with the console, and show it. Raises `EdgewrightError`."""
        self.hub = self.hub or demo_hub()
        self.simulated = True
        context = await start_demo(self.hub, hosts, report)
        await self.feed.use(context)
        describe(self.session, self.feed, simulated=True)
        return context.name

    def hub_running(self) -> bool:
        """Whether a hub runs here that would outlive the console; one of a demo never does."""
        asks = self.feed.settings.leave_hub == "ask"
        return asks and self.own_hub and self.hub is not None and self.hub.running()

    def hub_log(self) -> Path | None:
        """Return the log of the hub that is shown, None when it does not run from this machine."""
        if self.simulated and self.hub is not None:
            return self.hub.data / "hub.log"
        folder = self.feed.context.local_hub if self.feed.context is not None else ""
        return Path(folder) / "hub.log" if folder else None

    async def stop_hub(self) -> None:
        """Stop the hub of this machine and its agent."""
        if self.hub is not None:
            await self.hub.stop()

    def close(self) -> None:
        """End what must not outlive the console."""
        if self.hub is not None and self._ends_with_console():
            self.hub.stop_now()

    def end_now(self) -> None:
        """End the same within a second, from any thread: the console itself did not end in time."""
        if self.hub is not None and self._ends_with_console():
            self.hub.end_now()

    def _ends_with_console(self) -> bool:
        return self.simulated or bool(self.feed.settings.leave_hub == "stop")
