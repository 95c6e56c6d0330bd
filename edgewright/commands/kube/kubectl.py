"""Actions: verbs of kubectl, run on PATH over a local port to the cluster's API."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kube import verbs as declared
from edgewright.commands.kube.by_host.choosing import api_of_row
from edgewright.commands.kube.route import Listener, cluster
from edgewright.config.locations import write_private
from edgewright.core.errors import Failed, NotFound, UsageError

_ALWAYS = {
    "apply": ("--server-side",),
    "drain": ("--ignore-daemonsets",),
    "port-forward": ("--address", "127.0.0.1"),
}
"""Options of kubectl that a verb has here: an apply on the server's side names the managers of a conflict."""
_SUBCOMMANDS = {"restart": ("rollout", "restart")}
"""Verbs that kubectl has under another name."""

_PORTS = (20_000, 12_000)
"""First port, and how many: below those that Linux gives to connections."""
_INTERRUPTED = 128 + signal.SIGINT
"""Exit code of a kubectl that handles Ctrl-C itself."""


class _Kubectl(declared._Kubectl):
    """What all verbs of kubectl do."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find kubectl and the cluster; of an apply show the difference. Raises `NotFound`, `UsageError`."""
        row = await cluster(ctx, targets[0])
        given = [str(argument) for argument in args.get("arguments") or ()]
        verb = self.name.split(" ")[1]
        if not given:
            raise UsageError(f"`{self.name}` needs arguments of kubectl.", f"See: edgewright {self.name} --help")
        program = find_kubectl()
        arguments = (program, *_SUBCOMMANDS.get(verb, (verb,)), *_ALWAYS.get(verb, ()), *self.options(args), *given)
        lines: tuple[str, ...] = (f"on {row.name}: kubectl {' '.join(arguments[1:])}",)
        if verb == "apply":
            lines += await self._difference(ctx, row, program, given, args)
        cli = self.cli_line((row.name,), args)
        return Plan(
            f"kubectl {verb} on {row.name}", lines, (row.uid,), (), cli, None, (row, arguments), {row.uid: row.name}
        )

    def options(self, args: Mapping[str, Any]) -> tuple[str, ...]:
        """Return what options of the verb itself are for kubectl. Raises `UsageError`."""
        return ()

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Run kubectl with this terminal. Raises `Failed` with its exit status, but not after Ctrl-C."""
        row, arguments = plan.payload
        async with reached(ctx, row, args, report) as environment:
            with _left_to_kubectl():
                process = await asyncio.create_subprocess_exec(*arguments, env=environment)
                try:
                    code = await process.wait()
                finally:
                    _end(process)
        if code in (-signal.SIGINT, _INTERRUPTED):
            raise asyncio.CancelledError  # this is how `logs -f` ends
        if code:
            raise Failed(f"kubectl {arguments[1]} ended with code {code}.", "Its own messages are above.", "Kubectl")
        return Outcome(plan.touches)

    async def _difference(
        self, ctx: CommandContext, row: Any, program: str, given: Sequence[str], args: Mapping[str, Any]
    ) -> tuple[str, ...]:
        async with reached(ctx, row, args, lambda _: None) as environment:
            _, output = await captured([program, "diff", "--server-side", *given], environment)
        return tuple(output.splitlines()[:2000]) or ("nothing differs",)


async def captured(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run kubectl without a terminal; return its code, and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        *command, env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        output, _ = await process.communicate()
    finally:
        _end(process)
    return process.returncode or 0, output.decode("utf-8", "replace")


def _end(process: asyncio.subprocess.Process) -> None:
    """End a kubectl that still runs, because this process is asked to end."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()


def find_kubectl() -> str:
    """Return the path of kubectl. Raises `NotFound` when it is not on PATH."""
    program = shutil.which("kubectl")
    if program is None:
        hint = "Install it, or use another client with: edgewright kube proxy CLUSTER"
        raise NotFound("kubectl is not on PATH; this verb runs it.", hint, "NoKubectl")
    return program


@contextlib.asynccontextmanager
async def reached(
    ctx: CommandContext, row: Any, args: Mapping[str, Any], report: Callable[[str], None]
) -> AsyncIterator[dict[str, str]]:
    """Give the environment of a program that reaches the API of a cluster while the block runs."""
    admin, only = bool(args.get("admin")), bool(args.get("relay"))
    api = await api_of_row(ctx, row, report, admin=admin, only_relay=only, ssh=str(args.get("ssh") or ""))
    await api.choose()
    listener = Listener(api, report)
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="edgewright-kube-"))
    try:
        try:
            port = await listener.start(usual_port(row.uid))
        except Failed:  # another program has it, or another kubectl of this cluster
            port = await listener.start()
        path = folder / "kubeconfig"
        await asyncio.to_thread(write_private, path, api.kubeconfig(port))
        yield {**os.environ, "KUBECONFIG": str(path)}
    finally:
        try:
            await asyncio.shield(listener.stop())
        finally:  # also when it is cancelled meanwhile: the file has a key
            shutil.rmtree(folder, ignore_errors=True)


def usual_port(uid: str) -> int:
    """Return the local port of a cluster: kubectl caches what an API has by its port, for each port a folder."""
    return _PORTS[0] + zlib.crc32(uid.encode()) % _PORTS[1]


@contextlib.contextmanager
def _left_to_kubectl() -> Any:
    """Leave Ctrl-C to kubectl, which shares the terminal: `exec` passes it on, `logs -f` ends."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


class KubeGet(_Kubectl, declared.KubeGet):
    """See the declaration."""


class KubeDescribe(_Kubectl, declared.KubeDescribe):
    """See the declaration."""


class KubeLogs(_Kubectl, declared.KubeLogs):
    """See the declaration."""

    def options(self, args: Mapping[str, Any]) -> tuple[str, ...]:
        """Return that of the container before."""
        return ("--previous",) if args.get("previous") else ()


class KubeScale(_Kubectl, declared.KubeScale):
    """See the declaration."""

    def options(self, args: Mapping[str, Any]) -> tuple[str, ...]:
        """Return how many pods. Raises `UsageError`."""
        wanted = int(args.get("replicas") or 0)
        if wanted < 0:
            raise UsageError(f"{wanted} is not a number of pods.", "Give 0 or more: --replicas N")
        return (f"--replicas={wanted}",)


class KubeRestart(_Kubectl, declared.KubeRestart):
    """See the declaration."""


class KubePortForward(_Kubectl, declared.KubePortForward):
    """See the declaration."""


class KubeExec(_Kubectl, declared.KubeExec):
    """See the declaration."""


class KubeApply(_Kubectl, declared.KubeApply):
    """See the declaration."""


class KubeCordon(_Kubectl, declared.KubeCordon):
    """See the declaration."""


class KubeUncordon(_Kubectl, declared.KubeUncordon):
    """See the declaration."""


class KubeDelete(_Kubectl, declared.KubeDelete):
    """See the declaration."""


class KubeDrain(_Kubectl, declared.KubeDrain):
    """See the declaration."""
