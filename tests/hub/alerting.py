"""What tests about alerts and their receivers do with a hub in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from edgewright.hub.process.app import Hub
from edgewright.hub.readmodel import alert_board
from edgewright.hub.resources.alerts.engine import Alerting
from edgewright.wire import protocol
from tests.hub.alert_servers import Mails

NOW = 1_700_000_000.0


async def add(admin: httpx.AsyncClient, status: int = 201, **body: Any) -> dict[str, Any]:
    answer = await admin.post(protocol.RECEIVERS, json=body)
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def hook(admin: httpx.AsyncClient, url: str, name: str = "ops", **more: Any) -> dict[str, Any]:
    return await add(admin, name=name, kind="webhook", webhook={"url": url, **more}, repeat=0)


async def status(admin: httpx.AsyncClient, name: str = "ops") -> dict[str, Any]:
    items = (await admin.get(protocol.RECEIVERS)).json()["items"]
    found: dict[str, Any] = next(item for item in items if item["name"] == name)["status"]
    return found


async def soon(true: Callable[[], Any], within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.02)


async def drained(admin: httpx.AsyncClient, name: str = "ops") -> dict[str, Any]:
    """Wait until nothing waits for a receiver; returns its status."""
    async with asyncio.timeout(10):
        while (state := await status(admin, name))["waiting"]:
            await asyncio.sleep(0.02)
    return state


def trouble(hub: Hub, code: str = "StorageFull", last: float = NOW) -> None:
    """Make the plane report a problem."""
    hub.alerts.report(
        alert_board.Alert(
            uid="plane/storage", kind="plane", subject="management plane", text="cannot store: disk full", message="m",
            hint="Free space.", code=code, project_uid="", host_uids=(), since=last, last=last, quiet=None,
        )
    )  # fmt: skip


async def looks(hub: Hub, count: int = 3) -> None:
    """Let the hub look for problems as it does by itself every few seconds."""
    hub.part(Alerting).rhythm = hub.part(Alerting).incidents.rhythm = hub.part(Alerting).rhythm._replace(wait=0.0)
    hub.part(Alerting)._settled = 0.0
    for _ in range(count):
        await hub.part(Alerting).look()


def folder_of(tmp_path: Path) -> Path:
    folder = tmp_path / "pki"
    folder.mkdir(mode=0o700)
    return folder


async def mail_to(admin: httpx.AsyncClient, server: Mails, **more: Any) -> None:
    email = {
        "to": ["ana@example.com", "ben@example.com"], "from": "hub@example.com", "host": "127.0.0.1",
        "port": server.port, "tls": server.tls, **more,
    }  # fmt: skip
    await add(admin, name="mail", kind="email", email=email)
