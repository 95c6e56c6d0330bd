"""What a plane shows of itself before it is trusted: the authority of its certificate, to be compared by the user.

Nothing is sent but the greeting of TLS, and nothing is believed: the chain is read unverified and saved apart. Only
when the user confirmed the fingerprint does the file become the authority of a context.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import ssl
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from edgewright.clients.http.errors import no_connection
from edgewright.core.certificate_clock import NOTHING, Evidence, validity
from edgewright.core.errors import TimedOut, Unreachable
from edgewright.core.text import clean
from edgewright.core.times import http_date
from edgewright.wire import protocol


class Peer(NamedTuple):
    """The authority that a plane presents; `ca_file` contains its certificate in PEM."""

    subject: str
    """Whom the plane's own certificate names."""
    issuer: str
    ends: float | None
    """When the authority's certificate ends, epoch seconds UTC."""
    fingerprint: str
    """SHA-256 of the authority's certificate as OpenSSL prints it."""
    ca_file: str


async def inspect(url: str, folder: Path, timeout: float = 10.0) -> Peer:
    """Return what `url` presents and save the authority in `folder`, which exists.

    Raises `Unreachable` when nothing answers or no authority is shown, `TimedOut` after `timeout` seconds.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    try:
        chain = await asyncio.wait_for(asyncio.to_thread(_chain, host, port, timeout), timeout + 1)
    except TimeoutError:
        raise TimedOut(f"{host}:{port} did not answer within {timeout:.0f} s.", "Check the address.") from None
    except ssl.SSLError:
        raise Unreachable(f"What listens at {host}:{port} does not speak TLS.", "Check the port.", "NoTLS") from None
    except OSError as error:
        raise no_connection(error, f"{host}:{port}", url) from None
    return await asyncio.to_thread(_describe, chain, host, folder)


async def clock_evidence(url: str, timeout: float = 5.0) -> Evidence:
    """Return the dates of the certificate that `url` presents and the clock of who presents it; never raises.

    The connection is not verified and nothing secret is sent: this is evidence for a sentence and nothing else.
    """
    parts = urlsplit(url)
    look = asyncio.to_thread(_clock, parts.hostname or "", parts.port or 443, timeout)
    try:
        return await asyncio.wait_for(look, 2 * timeout)
    except (OSError, TimeoutError, ValueError):
        return NOTHING


def _clock(host: str, port: int, timeout: float) -> Evidence:
    begins = ends = clock = None
    link = http.client.HTTPSConnection(host, port, timeout=timeout, context=_unverified())
    with contextlib.suppress(OSError, ValueError, http.client.HTTPException), contextlib.closing(link):
        link.connect()
        begins, ends = validity(link.sock.getpeercert(binary_form=True) or b"")
        link.request("GET", protocol.HEALTH_PING)
        clock = http_date(link.getresponse().headers.get("Date"))
    return Evidence(begins, ends, clock)


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _chain(host: str, port: int, timeout: float) -> list[bytes]:
    """Return the certificates that the peer presents, its own first, in DER form."""
    reported = _unverified()
    with (
        socket.create_connection((host, port), timeout=timeout) as raw,
        reported.wrap_socket(raw, server_hostname=host) as wrapped,
    ):
        modern: Any = getattr(wrapped, "get_unverified_chain", None)
        if modern is not None:  # Python 3.13 and later
            return list(modern())
        inner: Any = wrapped._sslobj  # type: ignore[attr-defined]
        return [item.public_bytes(2) for item in inner.get_unverified_chain()]  # 2: DER


def _describe(chain: list[bytes], host: str, folder: Path) -> Peer:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    certificates = [x509.load_der_x509_certificate(der) for der in chain]
    authority = certificates[-1] if certificates else None
    if authority is None or authority.issuer != authority.subject:
        raise Unreachable(
            f"The plane at {host} does not show its own authority, so there is nothing to compare.",
            "Get its CA certificate from its owner and name the file (a hub's is DIR/ca.crt).",
            "NoAuthority",
        )
    digest = authority.fingerprint(hashes.SHA256())
    fingerprint = ":".join(f"{byte:02X}" for byte in digest)
    path = folder / f"ca-{digest.hex()[:16]}.crt"
    path.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    return Peer(
        subject=clean(certificates[0].subject.rfc4514_string() or host, 120),
        issuer=clean(authority.subject.rfc4514_string(), 120),
        ends=authority.not_valid_after_utc.timestamp(),
        fingerprint=fingerprint,
        ca_file=str(path),
    )
