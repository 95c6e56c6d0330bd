"""What a screen measures by itself: the direct way, without a credential; only a CA proves whose it is."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgewright.commands.kube import looking, ways
from edgewright.core import times
from edgewright.hub.security import pki
from edgewright.store.collections.catalogue import measured

NOW = 1_790_000_000.0


def row(**fields: Any) -> Any:
    return SimpleNamespace(**{"uid": "c1", "simulated": False, "forms": False, "endpoint": "127.0.0.1", **fields})


@pytest.fixture
async def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Return the CA of an API that answers at 127.0.0.1, as a kubeconfig has it."""
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(times, "now", lambda: NOW)
    pki.ensure_certificates(tmp_path, [ways.SERVER_NAME])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    monkeypatch.setattr(ways, "PORT", server.sockets[0].getsockname()[1])
    async with server:
        yield base64.b64encode((tmp_path / "ca.crt").read_bytes()).decode()


async def test_what_answers_is_proven_by_the_ca_alone(
    authority: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await looking.look(row())
    assert measured.read()["c1"]["direct"] == measured.Look("open", NOW, NOW, looking.UNPROVEN)
    measured.note("c1", authority)
    monkeypatch.setattr(times, "now", lambda: NOW + looking.EVERY)
    assert await looking.look(row())
    assert measured.read()["c1"]["direct"] == measured.Look("yes", NOW + looking.EVERY, NOW + looking.EVERY)
    other = tmp_path / "other"
    other.mkdir()
    pki.ensure_certificates(other, [ways.SERVER_NAME])
    measured.note("c1", base64.b64encode((other / "ca.crt").read_bytes()).decode())
    monkeypatch.setattr(times, "now", lambda: NOW + 2 * looking.EVERY)
    assert await looking.look(row())
    direct = measured.read()["c1"]["direct"]
    assert direct.state == "no" and "certificate verify failed" in direct.error
    assert (tmp_path / "home" / "state" / "authorities.json").stat().st_mode & 0o777 == 0o600


async def test_nothing_is_measured_twice_within_a_minute(authority: str) -> None:
    assert await looking.look(row())
    assert not await looking.look(row())


async def test_a_closed_port_is_a_no_with_its_reason(authority: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    monkeypatch.setattr(ways, "PORT", server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
    assert await looking.look(row())
    direct = measured.read()["c1"]["direct"]
    assert direct.state == "no" and "connect" in direct.error


async def test_one_that_is_silent_ends_in_time(authority: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(ways, "DIRECT_WITHIN", 0.1)
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        monkeypatch.setattr(ways, "PORT", server.sockets[0].getsockname()[1])
        async with asyncio.timeout(5):
            assert await looking.look(row())
    assert "does not answer within" in measured.read()["c1"]["direct"].error


@pytest.mark.parametrize("fields", [{"simulated": True}, {"forms": True}, {"endpoint": ""}])
async def test_a_cluster_that_serves_nobody_is_not_asked(authority: str, fields: dict[str, Any]) -> None:
    assert not await looking.look(row(**fields))
    assert measured.read() == {}


def test_a_file_that_cannot_be_read_has_no_ca(authority_home: Path) -> None:
    measured.note("c1", "Q0E=", direct=("yes", ""))
    assert measured.authority("c1") == "Q0E="
    (authority_home / "state" / "authorities.json").write_text("[1]")
    assert measured.authority("c1") == ""
    measured.note("c1", "x" * (measured.MOST_AUTHORITY + 1))
    assert measured.authority("c1") == "", "what is too long for a CA is not stored"


@pytest.fixture
def authority_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path))
    return tmp_path
