"""The client against a stand-in of the API: TLS by pin, sessions, refusals, bounds; also through a real sshd."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from edgewright.clients.local_api import calls, client
from edgewright.clients.local_api.client import LocalApi, certificate, through
from edgewright.clients.local_api.pinned import fingerprint
from edgewright.core.errors import EdgewrightError, Failed, InvalidInput, NotFound, Refused, TimedOut, Unreachable
from tests.clients.local_api.stand_in import HOST, MGMT, PASSWORD, TOKEN, USER, StandInLocalApi
from tests.clients.ssh.conftest import key_files
from tests.clients.ssh.reach import Laptop
from tests.clients.ssh.sshd import Sshd, free_port

__all__ = ["key_files"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StandInLocalApi]:
    with StandInLocalApi(tmp_path / "api") as made:
        yield made


@asynccontextmanager
async def opened(server: StandInLocalApi, *, login: bool = True) -> AsyncIterator[LocalApi]:
    api = LocalApi("edge-1", "127.0.0.1", server.port, await certificate("127.0.0.1", server.port))
    try:
        if login:
            await api.login(USER, PASSWORD)
        yield api
    finally:
        await api.aclose()


async def test_a_session_begins_and_ends(server: StandInLocalApi) -> None:
    async with opened(server) as api:
        assert api.user == USER and server.sessions == 1
        host = await api.get(calls.HOST)
        assert (host.uid, host.agent_version, host.nics[0].ip) == ("edge-7f3a-uid", "4.8.2", "10.4.1.7")
        cluster = await api.get(calls.CLUSTER)
        assert (cluster.state, cluster.pools[0].nodes[0].name) == ("Running", "edge-7f3a")
        trace = await api.get(calls.TRACES, {"endpoint": "10.4.1.1"})
        assert "10.4.1.1" in trace.text
    assert server.sessions == 0


async def test_every_call_is_answered(server: StandInLocalApi) -> None:
    async with opened(server) as api:
        every: tuple[Any, ...] = calls.EVERY
        for call in every:
            if call not in (calls.LOGIN, calls.LOGOUT):
                await api.get(call)


async def test_passwords_that_are_wrong_lock_it(server: StandInLocalApi) -> None:
    async with opened(server, login=False) as api:
        for _ in range(5):
            with pytest.raises(Refused, match="does not accept kairos") as refused:
                await api.login(USER, "wrong")
            assert "15 minutes" in refused.value.hint and not api.user
        with pytest.raises(Refused, match="is locked for now"):
            await api.login(USER, PASSWORD)
        with pytest.raises(Refused, match="refuses host"):
            await api.get(calls.HOST)


async def test_another_certificate_gets_no_password(server: StandInLocalApi, tmp_path: Path) -> None:
    with StandInLocalApi(tmp_path / "other") as other:
        pin = await certificate("127.0.0.1", server.port)
        assert fingerprint(pin) != fingerprint(await certificate("127.0.0.1", other.port))
        api = LocalApi("edge-1", "127.0.0.1", other.port, pin)
        with pytest.raises(Refused) as refused:
            await api.login(USER, PASSWORD)
        await api.aclose()
        assert refused.value.code == "PinChanged" and other.asked == []


async def test_a_certificate_that_is_out_of_date_is_pinned_too(tmp_path: Path) -> None:
    with StandInLocalApi(tmp_path / "old", days=-30) as old:
        async with opened(old) as api:
            assert (await api.get(calls.SETTINGS)).management_mode == "local"
    assert fingerprint(b"x").count(":") == 31


async def test_what_is_not_there_and_what_is_no_answer(server: StandInLocalApi) -> None:
    server.answers[f"{MGMT}/cluster/details"] = (404, b'{"code": "x", "message": "no cluster is formed"}')
    server.answers[f"{MGMT}/settings"] = (500, b'{"message": "broken \\u001b[31m"}')
    server.answers[HOST] = (200, b"<html>")
    server.answers[f"{HOST}/link/status"] = (200, b'{"peers": "nonsense", "status": 5}')
    server.answers[f"{HOST}/configurations"] = (302, b"")
    async with opened(server) as api:
        with pytest.raises(NotFound, match="edge-1 has no cluster: no cluster is formed"):
            await api.get(calls.CLUSTER)
        with pytest.raises(Failed, match=r"refuses settings \(500: broken") as refused:
            await api.get(calls.SETTINGS)
        assert "\x1b" not in refused.value.message
        with pytest.raises(Failed, match="something else than a document"):
            await api.get(calls.HOST)
        assert (await api.get(calls.LINKS)).peers == ()
        with pytest.raises(Failed, match="302"):
            await api.get(calls.CONFIGURATIONS)
        with pytest.raises(InvalidInput, match="has no parameter x"):
            await api.get(calls.EVENTS, {"x": "1"})


async def test_answers_are_bounded(server: StandInLocalApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER", 1000)
    monkeypatch.setattr(client, "MAX_FILE", 1000)
    path = f"{HOST}/download-logs"
    server.answers[HOST] = server.answers[path] = (200, b'{"a": "' + b"x" * 5000 + b'"}')
    async with opened(server) as api:
        with pytest.raises(Failed, match="is too large"):
            await api.get(calls.HOST)
        with pytest.raises(Failed, match="is too large"):
            await api.download(path, tmp_path / "logs")
        assert not (tmp_path / "logs").exists()
        server.answers[path] = (200, b"\x1f\x8b logs")
        assert await api.download(path, tmp_path / "logs") == 7
        assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o600
        with pytest.raises(Failed, match="exists already"):
            await api.download(path, tmp_path / "logs")
        assert (tmp_path / "logs").read_bytes() == b"\x1f\x8b logs"
        with pytest.raises(Failed, match="cannot be written: no such file"):
            await api.download(path, tmp_path / "none" / "logs")


async def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, server: StandInLocalApi) -> None:
    monkeypatch.setattr(client, "WITHIN", 0.3)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate, server.key)
    slow = await asyncio.start_server(silent, "127.0.0.1", 0, ssl=context)
    mute = await asyncio.start_server(silent, "127.0.0.1", 0)
    pin = ssl.PEM_cert_to_DER_cert(server.certificate.read_text())
    api = LocalApi("edge-1", "127.0.0.1", slow.sockets[0].getsockname()[1], pin)
    with pytest.raises(TimedOut, match="does not answer within"):
        await api.get(calls.PING)
    await api.aclose()
    with pytest.raises(TimedOut, match="does not answer"):
        await certificate("127.0.0.1", mute.sockets[0].getsockname()[1], 0.3)
    with pytest.raises(Unreachable, match="is not reached"):
        await certificate("127.0.0.1", free_port())
    slow.close()
    mute.close()


@pytest.mark.parametrize("begin", [b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", b"HTTP/1.1 404 No\r\n\r\n", b""],
                         ids=["body", "refusal", "headers"])  # fmt: skip
async def test_a_host_that_sends_single_bytes_is_given_up(
    begin: bytes, monkeypatch: pytest.MonkeyPatch, server: StandInLocalApi, tmp_path: Path
) -> None:
    """Each byte comes in time; the whole does not."""
    monkeypatch.setattr(client, "COMPLETE", 0.3)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        with contextlib.suppress(OSError):
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate, server.key)
    async with await asyncio.start_server(drip, "127.0.0.1", 0, ssl=context) as slow:
        pin = ssl.PEM_cert_to_DER_cert(server.certificate.read_text())
        api = LocalApi("edge-1", "127.0.0.1", slow.sockets[0].getsockname()[1], pin)
        async with asyncio.timeout(10):
            with pytest.raises(TimedOut, match="edge-1 sends host too slowly"):
                await api.get(calls.HOST)
            with pytest.raises(TimedOut, match="edge-1 sends file too slowly"):
                await api.download("/v1/file", tmp_path / "file")
        assert not (tmp_path / "file").exists()
        await api.aclose()


async def test_through_a_real_sshd(server: StandInLocalApi, key_files: dict[str, Path], tmp_path: Path) -> None:
    with Sshd(tmp_path / "s", [key_files["host-ed25519"]]) as sshd:
        sshd.allow(key_files["user"].with_name("user.pub"))
        laptop = Laptop(tmp_path)
        laptop.block("edge1", sshd.port, key_files["user"])
        laptop.knows(sshd, key_files["host-ed25519"])
        connection = await laptop.open("edge1")
        api, pin = await through(connection, "edge1", server.port)
        assert pin == ssl.PEM_cert_to_DER_cert(server.certificate.read_text())
        await api.login(USER, PASSWORD)
        assert (await api.get(calls.CLUSTER)).version == "v1.33.3"
        await api.aclose()
        with pytest.raises(Unreachable) as refused:
            await through(connection, "edge1", free_port())
        assert refused.value.code == "NotReachedFromHost"
        api, _ = await through(connection, "edge1", server.port)
        await connection.aclose()
        with pytest.raises(EdgewrightError, match=r"edge1|127\.0\.0\.1"):
            await api.get(calls.PING)
        await api.aclose()
        text = sshd.log
    assert PASSWORD not in text and TOKEN not in text
