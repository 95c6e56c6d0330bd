"""The API of a cluster through one of its hosts that is open by SSH: the host's kubeconfig, a channel to the API.

No plane is asked. `ssh:TARGET` names such a cluster wherever a verb takes one; on screens it is the site that is open,
and while its connection is away another one that is open and proven to lead to the same cluster (`core.hosts.same`).
The kubeconfig is in memory as long as the API is, and what kubectl gets is a file of the user alone while it runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

from edgewright.clients.ssh.kube.kubeconfig import HostKubeconfig, kubeconfig_of
from edgewright.clients.ssh.kube.reading import read_files
from edgewright.clients.ssh.target import Target, read_target
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kube import ways
from edgewright.commands.kube.route import DIRECT, SITE, Api
from edgewright.commands.kube.ways import CHUNK, DIRECT_WITHIN, Direct, Measured, Way
from edgewright.commands.site.connecting import connect
from edgewright.core.errors import EdgewrightError, NotFound, Unreachable, UsageError
from edgewright.core.text import clean
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow

if TYPE_CHECKING:
    from edgewright.clients.ssh.streams import HostStream

HERE = "127.0.0.1"
CHANNEL = "channel"
"""The way through the host, as `direct` and `relay` are."""
Report = Callable[[str], None]


class SiteHost(Protocol):
    """A host that is open; `commands.site.opened.Site` is one."""

    target: str

    def to_cluster(self, sites: Mapping[str, Any]) -> Any:
        """Return itself, while it is not connected another one of `sites` that leads to its cluster."""

    async def use(self) -> Any:
        """Return its connection. Raises `Unreachable` where there is none."""


class Channel:
    """A connection from the host to the API, as a way."""

    def __init__(self, stream: HostStream) -> None:
        self._stream = stream

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end. Raises `Unreachable`."""
        return await self._stream.read(CHUNK)

    async def write(self, data: bytes) -> None:
        """Send bytes. Raises `Unreachable`."""
        await self._stream.write(data)

    def close(self) -> None:
        """End it; the host is not waited for."""
        _closing.add(task := asyncio.get_running_loop().create_task(self._stream.aclose()))
        task.add_done_callback(_closing.discard)


_closing: set[asyncio.Task[None]] = set()


class SiteApi(Api):
    """The API that a host reaches."""

    def __init__(
        self,
        row: ClusterRow,
        site: SiteHost,
        kubeconfig: HostKubeconfig,
        report: Report,
        sites: Mapping[str, SiteHost] | None = None,
    ) -> None:
        """`sites`: those that are open, of which others may lead to the API too."""
        super().__init__(row, kubeconfig.document(), None, report, only_relay=False)
        self.site, self.kubeconfig_of_host, self._sites = site, kubeconfig, sites or {}
        self.server_name = kubeconfig.server_name or ways.SERVER_NAME
        self.bearer, self.node = kubeconfig.bearer, kubeconfig.node
        self._place: tuple[str, int] | None = None
        self._first: Way | None = None

    @property
    def shown(self) -> str:
        """Return the way for users."""
        if self.way == DIRECT:
            return f"directly at {self.kubeconfig_of_host.host}:{self.kubeconfig_of_host.port}"
        host, port = self._place or (HERE, self.kubeconfig_of_host.port)
        return f"by SSH through {clean(self.site.target, 80)}, which reaches it at {host}:{port}"

    async def choose(self) -> str:
        """Return the way that works: the API of the host itself, the address of its kubeconfig, or that from here.

        The connection is used first by who connects next. Raises `Unreachable` where no way works, with all reasons.
        """
        known, reasons = self.kubeconfig_of_host, []
        places = [(known.host, known.port)] if known.node else [(HERE, known.port), (known.host, known.port)]
        connection = await self.site.use()
        for place in dict.fromkeys(places):
            try:
                self._first = Channel(await connection.open_stream(*place))
            except EdgewrightError as error:
                if error.code != "NotReachedFromHost":
                    raise
                reasons.append(f"{place[0]}:{place[1]}")
                continue
            self._place, self.way = place, CHANNEL
            return self.way
        if not known.host.startswith("127.") and known.host not in ("localhost", "::1"):
            try:
                self._first = await self._reach_directly()
            except (OSError, TimeoutError):
                reasons.append("directly from here")
            else:
                self.way = DIRECT
                return self.way
        raise Unreachable(
            f"The API is not reached through {clean(self.site.target, 80)} (tried {', '.join(reasons)}).",
            "Check that kube-apiserver runs, and AllowTcpForwarding of the host's SSH server.",
            "ApiNotReached",
        )

    async def connect(self) -> Way:
        """Open a connection over the way that was chosen. Raises `EdgewrightError`."""
        first, self._first = self._first, None
        if first is not None:
            return first
        if self.way == DIRECT:
            try:
                return await self._reach_directly()
            except (OSError, TimeoutError):
                place = f"{self.kubeconfig_of_host.host}:{self.kubeconfig_of_host.port}"
                raise Unreachable(f"{place} does not answer any more.", "It is tried again.") from None
        assert self._place is not None
        here = self.site.target
        if here in self._sites and (other := self.site.to_cluster(self._sites)) is not self.site:
            self._report(_through(here, other.target))
            self.site = other
            await self.choose()
            return await self.connect()
        return Channel(await (await self.site.use()).open_stream(*self._place))

    def leave(self) -> None:
        """End the connection that was not taken."""
        if self._first is not None:
            self._first.close()
            self._first = None

    async def measure(self) -> tuple[Measured, Measured]:
        """Raise `UsageError`: the ways of a cluster of the plane are measured."""
        raise _of_planes_alone()

    async def relayed(self) -> Measured:
        """Raise `UsageError`."""
        raise _of_planes_alone()

    async def _reach_directly(self) -> Direct:
        known = self.kubeconfig_of_host
        async with asyncio.timeout(DIRECT_WITHIN):
            return Direct(*await asyncio.open_connection(known.host, known.port, limit=CHUNK * 2))


def _through(target: str, other: str) -> str:
    return f"{clean(target, 80)} is not connected: its cluster is asked through {clean(other, 80)}."


def _of_planes_alone() -> UsageError:
    return UsageError("The ways to a cluster of the plane are measured, not those of a host.", "See: edgewright site")


async def of_site(ctx: CommandContext, row: ClusterRow, report: Report) -> SiteApi:
    """Return the API of a host that is open, or that is connected to on the command line.

    On a worker the kubeconfig of a control plane that is open too is used, where both have the same CA; else that of
    the kubelet, which sees its own node alone; then the target of a control plane is reported. Raises `NotFound`,
    `Refused`, `Unreachable`, `Failed`.
    """
    target = row.uid.removeprefix(SITE)
    site = await _site(ctx, target, report)
    report(f"The kubeconfig of {clean(target, 80)} is read.")
    known = kubeconfig_of(await read_files(await site.use()))
    if known.node and (neighbour := await _neighbour(ctx, site, known)) is not None:
        return SiteApi(row, neighbour[0], neighbour[1], report, ctx.sites)
    if known.node:
        report(f"The host is a worker: what belongs to its node is seen. For all of it: {way_on(target, known)}")
    return SiteApi(row, site, known, report, ctx.sites)


def way_on(target: str, known: HostKubeconfig) -> str:
    """Return the target of the control plane that a worker's kubelet talks to, through the worker.

    The kubelet of k3s and of RKE2 talks to a proxy on the worker itself: which control planes there are is not known.
    """
    if known.host == "localhost" or known.host.startswith("127.") or known.host == "::1":
        return "open a control plane as a site"
    last = read_target(target)
    return str(Target(last.user, known.host, 0, (*last.through, last._replace(through=()))))


async def _site(ctx: CommandContext, target: str, report: Report) -> SiteHost:
    sites: Mapping[str, SiteHost] | None = ctx.sites
    if sites is not None:
        if target in sites:
            site: SiteHost = sites[target].to_cluster(sites)
            if site is not sites[target]:
                report(_through(target, site.target))
            return site
        raise NotFound(f"{clean(target, 80)} is not open any more.", f"Open it: :site open {clean(target, 80)}")
    known = _connected.get(ctx)
    if known is None or known.target != target:
        report(f"{clean(target, 80)} is connected to.")
        connection = await connect(target, ctx)
        ctx.at_end(connection.aclose)
        known = _connected[ctx] = _Connected(target, connection)
    return known


async def _neighbour(
    ctx: CommandContext, site: SiteHost, known: HostKubeconfig
) -> tuple[SiteHost, HostKubeconfig] | None:
    """Return a control plane of the same cluster among the sites that are open, with its kubeconfig."""
    authorities = known.authority_keys()
    for other in tuple((ctx.sites or {}).values()):
        if other is site:
            continue
        try:
            theirs = kubeconfig_of(await read_files(await other.use()))
        except EdgewrightError:
            continue
        if not theirs.node and authorities & theirs.authority_keys():
            return other, theirs
    return None


class _Connected:
    """A host that a verb of the command line has connected to."""

    def __init__(self, target: str, connection: Any) -> None:
        self.target, self._connection = target, connection

    def to_cluster(self, sites: Mapping[str, Any]) -> _Connected:
        """Return itself: it is the only one."""
        return self

    async def use(self) -> Any:
        """Return its connection."""
        return self._connection


_connected: WeakKeyDictionary[CommandContext, _Connected] = WeakKeyDictionary()
