"""Those who turn back at the door: the peer's address and reason are told, everybody else gets through."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edgewright.hub.process.gate import Gate

DAY = datetime.timedelta(days=1)


def make_certificate(folder: Path, name: str, first: int = -1, last: int = 1) -> Path:
    """Write a self-signed certificate and key, valid from `first` to `last` days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + first * DAY)
        .not_valid_after(now + last * DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(pem))
    return path


class Echo(asyncio.Protocol):
    """Says back what it hears."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(b"heard " + data)


Start = Callable[[Path], Any]


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[tuple[Start, list[tuple[str, str]]]]:
    """Return what opens a door with a certificate, and the list of what was reported at it."""
    told: list[tuple[str, str]] = []
    gates: list[Gate] = []

    def report(address: str, error: ssl.SSLError) -> None:
        told.append((address, error.reason or ""))

    async def start(certificate: Path) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        listener = socket.create_server(("127.0.0.1", 0))
        gates.append(Gate(listener, context, Echo, report))
        return int(listener.getsockname()[1])

    yield start, told
    for gate in gates:
        gate.close()
        await gate.wait_closed()


def _knock(port: int, ca: Path) -> bytes:
    context = ssl.create_default_context(cafile=str(ca))
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="hub") as link,
    ):
        link.sendall(b"me")
        return link.recv(100)


async def knock(port: int, ca: Path) -> bytes:
    """Connect as an agent does that trusts `ca`, and return what is heard (asyncio's client would send no alert)."""
    return await asyncio.to_thread(_knock, port, ca)


async def wait_told(told: list[tuple[str, str]]) -> tuple[str, str]:
    async with asyncio.timeout(5):
        while not told:
            await asyncio.sleep(0.01)
    return told[0]


async def test_one_who_trusts_gets_through(door: tuple[Start, list[tuple[str, str]]], tmp_path: Path) -> None:
    start, told = door
    certificate = make_certificate(tmp_path, "hub")
    assert await knock(await start(certificate), certificate) == b"heard me"
    assert told == []


async def test_another_ca_is_told(door: tuple[Start, list[tuple[str, str]]], tmp_path: Path) -> None:
    start, told = door
    port = await start(make_certificate(tmp_path, "hub"))
    with pytest.raises(ssl.SSLError):
        await knock(port, make_certificate(tmp_path, "other"))
    address, reason = await wait_told(told)
    assert address == "127.0.0.1"
    assert reason.endswith("ALERT_UNKNOWN_CA")


@pytest.mark.parametrize(("first", "last", "ending"), [(1, 2, "BAD_CERTIFICATE"), (-2, -1, "CERTIFICATE_EXPIRED")])
async def test_a_clock_that_disagrees_is_told(
    door: tuple[Start, list[tuple[str, str]]], tmp_path: Path, first: int, last: int, ending: str
) -> None:
    start, told = door
    certificate = make_certificate(tmp_path, "hub", first, last)
    port = await start(certificate)
    with pytest.raises(ssl.SSLError):
        await knock(port, certificate)
    assert (await wait_told(told))[1].endswith(ending)


async def test_one_who_hangs_up_is_nobodys_business(door: tuple[Start, list[tuple[str, str]]], tmp_path: Path) -> None:
    start, told = door
    certificate = make_certificate(tmp_path, "hub")
    port = await start(certificate)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    assert await knock(port, certificate) == b"heard me"
    assert told == []
