"""Asking an application of a cluster, through the cluster's API: whether it answers, and how fast.

The way is that of `kube proxy`: direct where there is such a route, else the relay of the plane, so it works for a site
that cannot be dialled. Each call reads the kubeconfig of an operator, which the plane records.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import httpx

from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kube.by_host.choosing import api_of_row
from edgewright.commands.kube.credentials import client_context
from edgewright.commands.kube.route import Listener, cluster
from edgewright.core.errors import Failed, TimedOut
from edgewright.core.text import amount, clean
from edgewright.store.collections.document_values import integer, part, parts, text

WITHIN = 10.0
"""Seconds for one answer of the API; the relay may wait for a beat of a host before."""
SYSTEM = frozenset({"kube-system", "kube-public", "kube-node-lease"})
"""Namespaces whose services are not applications."""
MOST = 5
"""Services that are asked, one after the other, until one answers."""
MAX_ANSWER = 4 * 1024 * 1024
Get = Callable[[str], Awaitable[tuple[int, Any]]]
"""Asks a path of the API; returns the status and the parsed JSON, None for another content."""


class Answered(NamedTuple):
    """What answered: `namespace/name` of the service, the HTTP status, seconds, and the way (`direct` or `relay`)."""

    service: str
    status: int
    seconds: float
    way: str = ""

    def sentence(self) -> str:
        """Return it for users."""
        ways = {"relay": "through the relay of the plane", "ssh": "by SSH", "channel": "by SSH"}
        way = ways.get(self.way, "directly")
        return f"{self.service} answers: HTTP {self.status} in {self.seconds:.1f} s, asked {way}"


async def ask_application(ctx: CommandContext, target: str, report: Callable[[str], None]) -> Answered:
    """Ask an application of a cluster. Raises `Failed` where none answers, `NotFound` while it has no kubeconfig."""
    row = await cluster(ctx, target)
    api = await api_of_row(ctx, row, report)
    way = await api.choose()
    listener = Listener(api, report)
    port = await listener.start()
    context = await asyncio.to_thread(client_context, api)
    headers = {"Authorization": f"Bearer {api.bearer}"} if api.bearer else None
    client = httpx.AsyncClient(verify=context, base_url=f"https://127.0.0.1:{port}", timeout=WITHIN, headers=headers)
    try:
        async with client:

            async def get(path: str) -> tuple[int, Any]:
                return await _get(client, path, row.name, api.server_name)

            return (await answered(get, row.name))._replace(way=way)
    finally:
        await listener.stop()


async def answered(get: Get, name: str) -> Answered:
    """Return the first service of an application that answers. Raises `Failed` with what the others answered."""
    status, listed = await get("/api/v1/services?limit=500")
    if status != 200:
        raise Failed(f"The API of {name} answers HTTP {status} to the list of its services.", "Try again in a minute.")
    services = [service for service in parts(listed, "items") if _is_application(service)][:MOST]
    if not services:
        raise Failed(f"The cluster {name} has no service of an application.", "An add-on with a service answers.")
    refused = []
    for service in services:
        meta = part(service, "metadata")
        label = f"{text(meta, 'namespace')}/{text(meta, 'name')}"
        port = next(integer(each, "port") for each in parts(part(service, "spec"), "ports"))
        path = f"/api/v1/namespaces/{text(meta, 'namespace')}/services/{text(meta, 'name')}:{port}/proxy/"
        began = time.monotonic()
        status, _ = await get(path)
        if status < 500:
            return Answered(label, status, time.monotonic() - began)
        refused.append(f"{label} HTTP {status}")
    many = amount(len(refused), "service")
    raise Failed(f"None of {many} of {name} answers: {', '.join(refused)}.", "Its pods may not be ready yet.")


def _is_application(service: Mapping[str, Any]) -> bool:
    meta, spec = part(service, "metadata"), part(service, "spec")
    ports = [each for each in parts(spec, "ports") if text(each, "protocol") in ("", "TCP") and integer(each, "port")]
    return text(meta, "namespace") not in SYSTEM and bool(part(spec, "selector")) and bool(ports)


async def _get(client: httpx.AsyncClient, path: str, name: str, server_name: str) -> tuple[int, Any]:
    """Ask a path of the API. Raises `TimedOut`, `Failed`."""
    try:
        request = client.build_request("GET", path, extensions={"sni_hostname": server_name})
        response = await client.send(request, stream=True)
        try:
            data = b""
            async for piece in response.aiter_bytes():
                data += piece
                if len(data) > MAX_ANSWER:
                    raise Failed(f"An answer of the API of {name} is too large.", "Use kubectl: edgewright kube get.")
        finally:
            await response.aclose()
    except httpx.TimeoutException:
        raise TimedOut(f"The API of {name} did not answer within {WITHIN:.0f} s.", "Try again.") from None
    except httpx.HTTPError as error:
        reason = clean(str(error) or type(error).__name__, 200)
        raise Failed(f"The API of {name} cannot be asked: {reason}.", "See: edgewright kube reach.") from None
    is_json = response.headers.get("content-type", "").startswith("application/json")
    with contextlib.suppress(ValueError):
        return response.status_code, httpx.Response(200, content=data).json() if is_json else None
    return response.status_code, None
