"""TLS against a real listener: unknown CA, expired, not yet valid, wrong name, no TLS at all; each its own sentence."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edgewright.clients.palette.client import PlaneClient
from edgewright.core.errors import InvalidInput, Unreachable

NOW = datetime.now(UTC)


class Authority:
    """A CA of the test."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        built = self._builder(self.name, self.key, -1, 30).add_extension(x509.BasicConstraints(True, None), True)
        self.certificate = built.sign(self.key, hashes.SHA256())
        self.path = folder / f"{name}.crt"
        self.path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, start: int, end: int
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + timedelta(days=start))
            .not_valid_after(NOW + timedelta(days=end))
        )

    def context(self, start: int = -1, end: int = 30, address: str = "127.0.0.1") -> ssl.SSLContext:
        """Return a listener's context with a certificate valid from `start` to `end` days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "plane")])
        certificate = (
            self._builder(subject, key, start, end).add_extension(names, False).sign(self.key, hashes.SHA256())
        )
        file = self.folder / "plane.pem"
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(
        b"HTTP/1.1 200 OK\r\nDate: "
        + formatdate(usegmt=True).encode()
        + b"\r\nContent-Length: 18\r\nConnection: close\r\n\r\n"
        + b'{"userUid":"u"}   '
    )
    await writer.drain()
    writer.close()


@asynccontextmanager
async def listener(context: ssl.SSLContext | None) -> AsyncIterator[str]:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def fails(url: str, ca: Path | None, timeout: float = 5.0) -> Unreachable:
    async with PlaneClient(url, ca=ca, timeout=timeout) as client:
        with pytest.raises(Unreachable) as caught:
            await client.session.who()
    assert caught.value.hint
    return caught.value


async def test_a_right_ca_is_let_in(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "right")
    async with listener(authority.context()) as url, PlaneClient(url, ca=authority.path) as client:
        assert await client.session.who() == {"userUid": "u"}


async def test_an_unknown_ca(tmp_path: Path) -> None:
    async with listener(Authority(tmp_path, "right").context()) as url:
        other = Authority(tmp_path, "other").path
        error = await fails(url, other)
        assert error.code == "UnknownCA" and f"not issued by the CA in {other}" in error.message
        error = await fails(url, None)
        assert error.code == "UnknownCA" and "no authority that this machine trusts" in error.message


async def test_an_expired_certificate_and_one_of_the_future_name_the_clock(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "right")
    here = f"the clock of this machine, which shows {NOW.year}"
    async with listener(authority.context(-9, -2)) as url:
        error = await fails(url, authority.path)
        assert error.code == "CertificateExpired" and here in error.message
        assert "agrees" in error.message and error.hint.startswith("Have the certificate renewed")
    async with listener(authority.context(2, 9)) as url:
        error = await fails(url, authority.path)
        assert error.code == "CertificateNotYetValid" and here in error.message
        assert "agrees" in error.message and "issued by a clock that was ahead" in error.hint


async def test_a_certificate_for_another_address(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "right")
    async with listener(authority.context(address="192.0.2.1")) as url:
        error = await fails(url, authority.path)
    assert error.code == "CertificateNameMismatch" and "127.0.0.1" in error.message and "--advertise" in error.hint


async def test_what_speaks_no_tls_and_what_does_not_listen(tmp_path: Path) -> None:
    async with listener(None) as url:
        assert (await fails(url, None, 1.0)).code in ("NoTLS", "TLS", "Unreachable", "ConnectionLost")
    assert (await fails(url, None)).message.startswith("Nothing ")


async def test_an_unknown_name() -> None:
    error = await fails("https://no-such-plane.invalid", None)
    assert "no-such-plane.invalid" in error.message


def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is not there"):
        PlaneClient("https://127.0.0.1", ca=tmp_path / "none")
    (tmp_path / "empty").write_text("hello")
    with pytest.raises(InvalidInput, match="cannot be used"):
        PlaneClient("https://127.0.0.1", ca=tmp_path / "empty")
