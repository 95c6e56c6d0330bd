"""TLS with one known certificate: a host serves a self-signed one, which no authority vouches for.

The certificate itself is the anchor, whatever names and times it has: a host whose clock or certificate is out of date
must be reachable too, and the pin is what identifies it.
"""

from __future__ import annotations

import hashlib
import ssl

from edgewright.core.errors import Refused

_NO_CHECK_TIME = 0x200000
"""`X509_V_FLAG_NO_CHECK_TIME` of OpenSSL, which Python does not name."""


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate as OpenSSL prints it."""
    return ":".join(f"{byte:02X}" for byte in hashlib.sha256(der).digest())


def pinned(der: bytes) -> ssl.SSLContext:
    """Return a context that accepts this certificate alone. Raises `Refused` for something else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VerifyFlags(_NO_CHECK_TIME)
    try:
        context.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(der))
    except (ssl.SSLError, ValueError):
        raise Refused("The certificate of the host cannot be read.", "Open a shell on the host.", "NoPin") from None
    return context


def asking_nothing() -> ssl.SSLContext:
    """Return a context that takes any certificate, to look at it: nothing else is sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
