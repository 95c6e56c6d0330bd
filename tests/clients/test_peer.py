"""What a plane shows before it is trusted, against a real listener."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edgewright.clients.http.peer import inspect
from edgewright.core.errors import Unreachable

NOW = dt.datetime.now(dt.UTC)
PEM = serialization.Encoding.PEM


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(
    subject: str, issuer: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=1))
        .not_valid_after(NOW + dt.timedelta(days=9))
        .sign(by, hashes.SHA256())
    )


async def listen(folder: Path, with_authority: bool) -> tuple[asyncio.Server, int, x509.Certificate]:
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = certificate("the hub's CA", "the hub's CA", ca_key, ca_key)
    leaf = certificate("plane", "the hub's CA", key, ca_key)
    file = folder / "server.pem"
    secret = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(secret + leaf.public_bytes(PEM) + (ca.public_bytes(PEM) if with_authority else b""))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    return server, server.sockets[0].getsockname()[1], ca


async def test_the_authority_is_told_with_its_fingerprint_and_saved(tmp_path: Path) -> None:
    server, port, ca = await listen(tmp_path, with_authority=True)
    async with server:
        peer = await inspect(f"https://127.0.0.1:{port}", tmp_path)
    digest = hashlib.sha256(ca.public_bytes(serialization.Encoding.DER)).hexdigest()
    assert peer.fingerprint.replace(":", "").lower() == digest
    assert peer.subject == "CN=plane"
    assert peer.issuer == "CN=the hub's CA"
    assert Path(peer.ca_file).read_bytes() == ca.public_bytes(PEM)
    assert peer.ends == ca.not_valid_after_utc.timestamp()


async def test_a_plane_that_hides_its_authority_is_told_apart(tmp_path: Path) -> None:
    server, port, _ = await listen(tmp_path, with_authority=False)
    async with server:
        with pytest.raises(Unreachable) as told:
            await inspect(f"https://127.0.0.1:{port}", tmp_path)
    assert told.value.code == "NoAuthority"


async def test_nothing_listening_and_no_tls_are_sentences(tmp_path: Path) -> None:
    plain = await asyncio.start_server(lambda reader, writer: writer.write(b"hello\n"), "127.0.0.1", 0)
    port = plain.sockets[0].getsockname()[1]
    async with plain:
        with pytest.raises(Unreachable) as told:
            await inspect(f"https://127.0.0.1:{port}", tmp_path)
        assert told.value.code == "NoTLS"
    with pytest.raises(Unreachable) as told:
        await inspect(f"https://127.0.0.1:{port}", tmp_path)
    assert told.value.code == "ConnectionRefused"
