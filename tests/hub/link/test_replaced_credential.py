"""A heartbeat whose credential is replaced while its body is on the way changes nothing (P68)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from edgewright.hub.db.hosts import get_host_or_404, save_host
from edgewright.hub.process.app import Hub
from edgewright.wire import protocol
from tests.hub.clusters.inside import InsideSite


@pytest.mark.parametrize("pieces", [1, 2], ids=["fast", "ordinary"])
@pytest.mark.parametrize("replaced", [True, False])
async def test_p68_a_heartbeat_counts_for_the_credential_of_its_head_alone(
    inside: tuple[Hub, httpx.AsyncClient], pieces: int, replaced: bool
) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    body = json.dumps({"state": "healthy", "edgewright": {"seq": 2, "bootId": "b"}}).encode()
    request = site.agent.build_request("PATCH", protocol.path(protocol.HOST_HEALTH, uid=site.host), content=body)
    headers = [(name.lower(), value) for name, value in request.headers.raw]
    path = request.url.path
    scope = {
        "type": "http", "http_version": "1.1", "method": "PATCH", "path": path, "raw_path": path.encode(),
        "query_string": b"", "headers": headers, "client": ("10.0.0.1", 1), "server": ("hub", 443), "scheme": "https",
        "root_path": "", "asgi": {"version": "3.0"}, "extensions": {},
    }  # fmt: skip
    asked, go = asyncio.Event(), asyncio.Event()
    parts, sent = ([body] if pieces == 1 else [body[:5], body[5:]]), list[Any]()

    async def receive() -> dict[str, Any]:
        if len(parts) == 1:
            asked.set()
            await go.wait()
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    waiting = asyncio.create_task(admin._transport.app(scope, receive, send))  # type: ignore[attr-defined]
    await asyncio.wait_for(asked.wait(), 5)
    if replaced:
        await hub.write(lambda tx: save_host(tx, get_host_or_404(tx, site.host), credential_hash="0" * 64))
    go.set()
    await asyncio.wait_for(waiting, 5)
    assert sent[0]["status"] == (503 if replaced else 204)
    assert hub.state.hosts[site.host].live.seq == (1 if replaced else 2), "and it is not taken for one of the host"
