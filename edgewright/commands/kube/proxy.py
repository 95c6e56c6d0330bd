"""Action: a local port to a cluster's API until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kube import verbs as declared
from edgewright.commands.kube.by_host.choosing import api_of_row
from edgewright.commands.kube.route import Listener, cluster
from edgewright.config import locations
from edgewright.core.errors import Conflict, InvalidInput
from edgewright.core.small_file import local_path
from edgewright.core.text import amount
from edgewright.forge.secret_files import write_secret


class KubeProxy(declared.KubeProxy):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find the cluster. Raises `NotFound`, `InvalidInput` for a port, `Conflict` for a file that exists."""
        row = await cluster(ctx, targets[0])
        port = int(args.get("port") or 0)
        if port > 65_535:
            raise InvalidInput(f"{port} is not a port.", "Give 1 to 65535.")
        await asyncio.to_thread(kubeconfig_path, str(args.get("kubeconfig") or ""))
        lines = (f"a port of 127.0.0.1 leads to the API of {row.name} until Ctrl-C",)
        return Plan(f"Proxy to {row.name}", lines, (row.uid,), (), self.cli_line((row.name,), args), None, row)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Listen until Ctrl-C. Raises `NotFound` while the cluster has no kubeconfig, `Failed` for a port in use."""
        row = plan.payload
        given = await asyncio.to_thread(kubeconfig_path, str(args.get("kubeconfig") or ""))
        only, admin = bool(args.get("relay")), bool(args.get("admin"))
        api = await api_of_row(ctx, row, report, admin=admin, only_relay=only, ssh=str(args.get("ssh") or ""))
        await api.choose()
        listener = Listener(api, report)
        port = await listener.start(int(args.get("port") or 0))
        path = given or locations.ensure(locations.folder("run")) / f"{row.name}-{port}.kubeconfig"
        await asyncio.to_thread(write_secret, path, api.kubeconfig(port).encode())
        report(f"{row.name} is reached {api.shown}. In another terminal:")
        report(f"  export KUBECONFIG={shlex.quote(str(path))}")
        report("Ctrl-C ends it.")
        try:
            await until_signal()
        finally:
            await asyncio.shield(listener.stop())
            with contextlib.suppress(OSError):
                path.unlink()
        done = amount(listener.connections, "connection")
        text = f"Ended: {done}, {listener.sent} bytes sent, {listener.received} received."
        return Outcome(plan.touches, (), text)


def kubeconfig_path(given: str) -> Path | None:
    """Return the file that a user names, None without one. Raises `Conflict` for one that exists: it is removed later.

    So a file with other clusters, such as ~/.kube/config, is never lost. Blocking.
    """
    if not given:
        return None
    path = local_path(given).absolute()
    if os.path.lexists(path):
        hint = "A proxy removes its file at the end: name one that does not exist, or remove this one."
        raise Conflict(f"{path} exists already, and nothing is overwritten.", hint, "FileExists")
    return path


async def until_signal() -> None:
    """Return at the first SIGINT, SIGTERM or SIGHUP; a second one acts as ever."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, ended.set)
    try:
        await ended.wait()
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
