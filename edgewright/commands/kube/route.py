"""How a cluster's API is reached from here: directly, by SSH through a member, by the relay; and its local port."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from edgewright.clients.ports import CanRelay
from edgewright.clients.ssh.target import read_target
from edgewright.commands.kernel.base import BY_HOST
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import entries, one_of
from edgewright.commands.kube import ways
from edgewright.commands.kube.credential import stored_or_personal
from edgewright.commands.kube.ways import CHUNK, DIRECT_WITHIN, PORT, SSH_WITHIN, Direct, Measured, Way
from edgewright.commands.kube.ways import SERVER_NAME as SERVER_NAME
from edgewright.core.errors import EdgewrightError, Failed, UsageError
from edgewright.store.collections.catalogue import measured
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow
from edgewright.wire.protocol import clusters as wire
from edgewright.yamltext.documents import read_one
from edgewright.yamltext.writer import write

NO_TARGET = "no SSH target: give --ssh USER@HOST, or name a control plane in ~/.ssh/config"
DIRECT, SSH, RELAY = "direct", "ssh", "relay"
SITE = BY_HOST
Json = dict[str, Any]
Report = Callable[[str], None]


async def cluster(ctx: CommandContext, target: str) -> ClusterRow:
    """Return the cluster of a target; for `ssh:TARGET` that of a host, of which the plane need not know anything.

    Raises `NotFound`, `Conflict`, `InvalidInput` for a text that names none, and `UsageError` for a simulated one.
    """
    if target.startswith(SITE):
        read_target(target.removeprefix(SITE))
        return ClusterRow(target, target)
    await ctx.port(CanRelay)  # a plane without it reports that first, whether or not it has such a cluster
    every = (await entries(ctx, "cluster")).items
    by_uid = next((entry.row for entry in every if entry.row.uid == target), None)
    alive = tuple(entry for entry in every if entry.row.state != wire.DELETED)
    row: ClusterRow = by_uid if by_uid is not None else one_of("cluster", alive, target).row
    if row.simulated:
        raise UsageError(f"The cluster {row.name} is simulated and has no API.", "Use a cluster of real hosts.")
    return row


class Api:
    """The API of one cluster: its kubeconfig, and connections over the way that works."""

    def __init__(
        self, row: ClusterRow, config: Json, relay: CanRelay | None, report: Report, *, only_relay: bool, ssh: str = ""
    ) -> None:
        self.row, self.config, self._relay, self._report = row, config, relay, report
        self.endpoint = row.endpoint
        self._only_relay, self.ssh = only_relay, ssh
        self.control_planes: tuple[str, ...] = ()
        """Hosts that are looked for in the SSH configuration where `ssh` names none."""
        self.way = ""
        """The way of the last connection."""
        self.server_name = SERVER_NAME
        self.bearer = ""
        """What is sent with each request where the kubeconfig has no certificate."""

    node = ""
    """The node whose kubelet the credential belongs to: it sees that node alone. Empty for that of a user."""

    @classmethod
    async def of(
        cls,
        ctx: CommandContext,
        row: ClusterRow,
        report: Report,
        *,
        admin: bool = False,
        only_relay: bool = False,
        ssh: str = "",
    ) -> Api:
        """Return the API of a cluster; `ssh` is `[USER@]HOST[:PORT]` of a member.

        Without it a control plane is used that the user's SSH configuration has. Raises `NotFound` while it has no
        kubeconfig, `Refused`, `InvalidInput` for `ssh`.
        """
        if ssh:
            ways.ssh_command(ssh)
        text = await stored_or_personal(ctx, row, report, admin=admin)
        config = read_one(text, "The kubeconfig")
        if not isinstance(config, dict) or not config.get("clusters"):
            raise Failed(f"The kubeconfig of {row.name} is not valid.", "Ask again in a minute.")
        api = cls(row, config, await ctx.port(CanRelay), report, only_relay=only_relay, ssh=ssh)
        api.control_planes = row.control_planes
        return api

    def kubeconfig(self, port: int) -> str:
        """Return the kubeconfig for a local port, with a name that kubectl shows."""
        name, config = self.row.name, dict(self.config)
        entry = dict(config["clusters"][0]["cluster"])
        entry |= {"server": f"https://127.0.0.1:{port}", "tls-server-name": self.server_name}
        user = config["users"][0]["user"]
        config |= {
            "clusters": [{"name": name, "cluster": entry}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
        return write(config)

    async def choose(self) -> str:
        """Return the way to use: direct or SSH where the API answers with its own certificate, else the relay."""
        self.way = RELAY
        if not self._only_relay:
            by_ssh = asyncio.create_task(self.by_ssh())
            direct = await self.direct()
            if direct.state == "yes":
                self.way = DIRECT
                by_ssh.cancel()
                await asyncio.gather(by_ssh, return_exceptions=True)
                await self._note(direct, Measured("unknown", 0.0))
                return self.way
            other = await by_ssh
            await self._note(direct, other)
            self.way = SSH if other.state == "yes" else RELAY
            if self.ssh and self.way == RELAY:
                self._report(f"SSH to {self.ssh} does not lead to the API: {other.error}. The relay is used.")
        return self.way

    async def measure(self) -> tuple[Measured, Measured]:
        """Measure the direct route and SSH completely."""
        direct, by_ssh = await asyncio.gather(self.direct(), self.by_ssh())
        await self._note(direct, by_ssh)
        return direct, by_ssh

    async def _note(self, direct: Measured, by_ssh: Measured) -> None:
        """Store results for the screens of this machine."""
        results = {DIRECT: (direct.state, direct.error), SSH: (by_ssh.state, by_ssh.error)}
        await asyncio.to_thread(measured.note, self.row.uid, self._authority, **results)

    @property
    def shown(self) -> str:
        """Return the way of the last connection for users."""
        if self.way == DIRECT:
            return f"directly at {self.endpoint}:{PORT}"
        return f"by SSH through {self.ssh}" if self.way == SSH else "through the relay of the plane"

    async def connect(self) -> Way:
        """Open a connection: over the relay when the direct route fails, directly when the relay does.

        Raises `EdgewrightError`.
        """
        if self.way == DIRECT:
            try:
                return await self._directly()
            except (OSError, TimeoutError):
                self.way = RELAY
                self._report(f"The direct route to {self.endpoint}:{PORT} ended; the relay is used.")
        if self.way == SSH:
            try:
                return await ways.open_ssh(self.ssh)
            except OSError as error:
                self.way = RELAY
                self._report(f"SSH cannot be run: {error}; the relay is used.")
        try:
            return await self._by_relay().open_stream(self.row.uid, PORT, "", lambda each: self._report(each.sentence))
        except EdgewrightError as error:
            # What did not answer in time once, on a busy machine or a link that was away, may answer now.
            if self._only_relay or (await self.direct()).state != "yes":
                raise
            try:
                way = await self._directly()
            except (OSError, TimeoutError):
                raise error from None
        self.way = DIRECT
        self._report(f"The relay gives no connection; {self.endpoint}:{PORT} answers, and is asked directly.")
        return way

    def leave(self) -> None:
        """End what was opened in advance."""

    def _by_relay(self) -> CanRelay:
        assert self._relay is not None
        return self._relay

    async def _directly(self) -> Direct:
        async with asyncio.timeout(DIRECT_WITHIN):
            return Direct(*await asyncio.open_connection(self.endpoint, PORT, limit=CHUNK * 2))

    async def by_ssh(self) -> Measured:
        """Measure SSH: TLS through a member to its API, whose certificate the cluster's CA must have signed."""
        if not self.ssh:
            self.ssh = await ways.configured(self.control_planes)
        if not self.ssh:
            return Measured("unknown", 0.0, NO_TARGET)
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(SSH_WITHIN):
                (await ways.open_ssh(self.ssh, self.trust())).close()
        except TimeoutError:
            return Measured("no", SSH_WITHIN, f"{self.ssh} does not answer within {SSH_WITHIN:.0f} s")
        except OSError as error:
            reason = str(error) or type(error).__name__
            return Measured("no", asyncio.get_running_loop().time() - began, reason[:200])
        return Measured("yes", asyncio.get_running_loop().time() - began)

    async def direct(self) -> Measured:
        """Measure the direct route: TLS to the endpoint, whose certificate the cluster's CA must have signed."""
        if not self.endpoint:
            return Measured("no", 0.0, "the cluster has no endpoint yet")
        return await ways.measure_direct(self.endpoint, PORT, self.trust())

    async def relayed(self) -> Measured:
        """Measure the relay: a stream to the API is opened and ended."""
        began = asyncio.get_running_loop().time()
        try:
            stream = await self._by_relay().open_stream(
                self.row.uid, PORT, "", lambda each: self._report(each.sentence)
            )
        except EdgewrightError as error:
            return Measured("no", asyncio.get_running_loop().time() - began, error.message)
        stream.close()
        return Measured("yes", asyncio.get_running_loop().time() - began)

    def trust(self) -> ssl.SSLContext:
        """Return a TLS context that trusts the cluster's CA alone."""
        return ways.trusting(self._authority)

    @property
    def _authority(self) -> str:
        return str(self.config["clusters"][0]["cluster"].get("certificate-authority-data") or "")


class Listener:
    """A port of 127.0.0.1 whose connections lead to the API."""

    def __init__(self, api: Api, report: Report) -> None:
        self._api, self._report = api, report
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self.port = 0
        self.connections = self.sent = self.received = 0
        self._failure = ""
        """What was reported of the last connection, if it failed: a client that tries again and again adds no line."""
        self._error: EdgewrightError | None = None

    async def start(self, port: int = 0) -> int:
        """Listen; returns the port. Raises `Failed` for one that is in use."""
        try:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=CHUNK * 2)
        except OSError as error:
            hint = "Choose another one with --port, or none for a free one."
            raise Failed(f"Port {port} of this machine cannot be used: {error.strerror or error}.", hint) from None
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def stop(self) -> None:
        """End the port and its connections."""
        self._api.leave()
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def explain(self) -> None:
        """Raise why the way to the API failed, where that is known: the client behind the port saw only an end."""
        if self._error is not None:
            error = self._error
            raise type(error)(error.message, error.hint, error.code)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        way: Way | None = None
        try:
            way = await self._api.connect()
            self._failure, self._error = "", None
            await self._carry(reader, writer, way)
        except EdgewrightError as error:
            self._error = error
            before, self._failure = self._failure, f"{error.message} {error.hint}".strip()
            if self._failure != before:
                self._report(self._failure)
        except (OSError, asyncio.CancelledError):
            pass  # an end is away, which its client sees; or `stop`: asyncio logs a cancelled task as an error
        finally:
            self._open.discard(task)
            if way is not None:
                way.close()
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        """Pass bytes on in both directions until one of them ends."""

        async def up() -> None:
            while data := await reader.read(CHUNK):
                self.sent += len(data)
                await way.write(data)

        async def down() -> None:
            while data := await way.read():
                self.received += len(data)
                writer.write(data)
                await writer.drain()

        both = {asyncio.create_task(up()), asyncio.create_task(down())}
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
