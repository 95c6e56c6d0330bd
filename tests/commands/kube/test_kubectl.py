"""The way to an API that a kubectl gets: its kubeconfig has a key, and goes whatever happens; failures are one line."""

from __future__ import annotations

import asyncio
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest

from edgewright.commands.kube import kubectl
from edgewright.commands.kube.route import Api, Listener
from edgewright.core.errors import Unreachable


class Way:
    """An API whose way fails."""

    def leave(self) -> None:
        return

    async def connect(self) -> Any:
        raise Unreachable("The relay does not answer.", "Try again.")

    async def choose(self) -> str:
        return "relay"

    def kubeconfig(self, port: int) -> str:
        return f"server: https://127.0.0.1:{port}"


class Row:
    uid, name = "c-1", "store-7"


async def test_the_kubeconfig_goes_also_when_its_end_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port-forward that fails is stopped while it ends."""
    stopping = asyncio.Event()

    class Slow(Listener):
        async def stop(self) -> None:
            stopping.set()
            await asyncio.sleep(0.2)
            await super().stop()

    async def of(*_: Any, **__: Any) -> Way:
        return Way()

    monkeypatch.setattr(kubectl, "Listener", Slow)
    monkeypatch.setattr(Api, "of", of)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []

    async def use() -> None:
        context: Any = None
        async with kubectl.reached(context, Row(), {}, lambda _: None) as environment:
            path = Path(environment["KUBECONFIG"])
            seen.append((stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)))

    task = asyncio.create_task(use())
    await stopping.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.4)
    assert seen == [(0o600, 0o700)] and not list(tmp_path.iterdir())


async def test_a_way_that_fails_again_and_again_is_one_line() -> None:
    reports: list[str] = []
    api: Any = Way()
    listener = Listener(api, reports.append)
    port = await listener.start()
    for _ in range(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
        writer.close()
    await listener.stop()
    assert reports == ["The relay does not answer. Try again."]
