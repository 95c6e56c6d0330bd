"""The API of a cluster of the plane over the route of `kube proxy`: a local port, and a client that uses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from edgewright.clients.kube.http_api import HttpApi
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kube.credentials import client_context
from edgewright.commands.kube.route import RELAY, Api, Listener, cluster


class LocalApi:
    """An API behind a local port; both end together."""

    def __init__(self, api: HttpApi, listener: Listener, way: str) -> None:
        self._api, self._listener = api, listener
        self.way = way

    async def request(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
        """Return the body of the answer. Raises `EdgewrightError`."""
        return await self._api.request(method, path, body, kind)

    def lines(self, path: str, silent: float) -> AsyncGenerator[bytes, None]:
        """Yield the lines of an answer that lasts. Raises `EdgewrightError`."""
        return self._api.lines(path, silent)

    async def aclose(self) -> None:
        """End client and port."""
        await self._api.aclose()
        await self._listener.stop()


async def open_api(ctx: CommandContext, target: str, report: Callable[[str], None]) -> LocalApi:
    """Open the API of a cluster by uid or name.

    Raises `UsageError` for a simulated one, `NotFound` while it has no kubeconfig, `Refused`, `Unreachable`.
    """
    report("The plane is asked for the kubeconfig.")
    row = await cluster(ctx, target)
    api = await Api.of(ctx, row, report)
    report("The way to the API is measured.")
    way = await api.choose()
    report("The API is asked through the relay of the plane." if way == RELAY else "The API is asked directly.")
    listener = Listener(api, report)
    port = await listener.start()
    try:
        context = await asyncio.to_thread(client_context, api)
    except BaseException:
        await listener.stop()
        raise
    return LocalApi(HttpApi(row.name, port, context), listener, way)
