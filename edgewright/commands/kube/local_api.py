"""The API of a cluster of the plane over the route of `kube proxy`: a local port, and a client that uses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from urllib.parse import quote

from edgewright.clients.kube.http_api import REACH, HttpApi
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kube.by_host.choosing import api_of_row
from edgewright.commands.kube.credentials import client_context
from edgewright.commands.kube.route import RELAY, SITE, Listener, cluster
from edgewright.core.errors import Unreachable


class LocalApi:
    """An API behind a local port; both end together."""

    def __init__(self, api: HttpApi, listener: Listener, way: str, node: str = "") -> None:
        """`node`: the only one that the credential sees, that of a kubelet."""
        self._api, self._listener, self.node = api, listener, node
        self.way = way

    async def request(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
        """Return the body of the answer. Raises `EdgewrightError`."""
        try:
            return await self._api.request(method, self._narrowed(path), body, kind)
        except Unreachable:
            self._listener.explain()
            raise

    async def lines(self, path: str, silent: float) -> AsyncGenerator[bytes, None]:
        """Yield the lines of an answer that lasts. Raises `EdgewrightError`."""
        lines = self._api.lines(self._narrowed(path), silent)
        try:
            async for line in lines:
                yield line
        except Unreachable:
            self._listener.explain()
            raise
        finally:
            await lines.aclose()

    async def aclose(self) -> None:
        """End client and port."""
        await self._api.aclose()
        await self._listener.stop()

    def _narrowed(self, path: str) -> str:
        """Return a path of a list with the selector without which the API lists nothing for a kubelet."""
        place, _, query = path.partition("?")
        selector = _OF_NODE.get(place) if self.node else None
        if selector is None:
            return path
        return f"{place}?{f'{query}&' if query else ''}fieldSelector={quote(f'{selector}={self.node}', safe='')}"


_OF_NODE = {"/api/v1/pods": "spec.nodeName", "/api/v1/nodes": "metadata.name"}
"""Lists of which a kubelet may read what is of its own node (authorizer `Node`)."""


async def open_api(ctx: CommandContext, target: str, report: Callable[[str], None]) -> LocalApi:
    """Open the API of a cluster by uid or name, or that of a host (`ssh:TARGET`).

    Raises `UsageError` for a simulated one, `NotFound` while it has no kubeconfig, `Refused`, `Unreachable`.
    """
    by_host = target.startswith(SITE)
    if not by_host:
        report("The plane is asked for the kubeconfig.")
    row = await cluster(ctx, target)
    api = await api_of_row(ctx, row, report)
    report("The way to the API is measured.")
    way = await api.choose()
    report("The API is asked through the relay of the plane." if way == RELAY else f"The API is asked {api.shown}.")
    listener = Listener(api, report)
    port = await listener.start()
    try:
        context = await asyncio.to_thread(client_context, api)
    except BaseException:
        await listener.stop()
        raise
    name, hint = (target.removeprefix(SITE), "It is asked again.") if by_host else (row.name, REACH)
    made = HttpApi(name, port, context, api.server_name, bearer=api.bearer, hint=hint)
    return LocalApi(made, listener, way, api.node)
