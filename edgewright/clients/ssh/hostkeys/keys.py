"""A public key or certificate of a host, as its bytes on the wire, with the fingerprint that OpenSSH prints."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import NamedTuple

CERT = "-cert-v01@openssh.com"
MAX_BLOB = 32_768
"""Bytes of a key or certificate; one of RSA 16384 with 256 principals has fewer."""
_KIND = re.compile(rb"[A-Za-z0-9@._-]+")
"""Types are shown: hosts and agents report keys, and a type could contain what steers a terminal."""


class HostKey(NamedTuple):
    """`kind` is the type that the blob itself names, e.g. `ssh-ed25519`."""

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """The digest as `ssh-keygen -l` prints it."""
        return fingerprint_of(self.blob)

    @property
    def line(self) -> str:
        """The key as `TYPE BASE64`."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"

    @property
    def is_certificate(self) -> bool:
        """Whether it is a certificate, which contains a key."""
        return self.kind.endswith(CERT)


def fingerprint_of(blob: bytes) -> str:
    """Return `SHA256:...` of the bytes of a key."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).rstrip(b"=").decode()


def key_of_blob(blob: bytes) -> HostKey:
    """Return the key with these bytes. Raises `ValueError` where they name no type."""
    size = int.from_bytes(blob[:4], "big")
    kind = _KIND.fullmatch(blob[4 : 4 + size]) if size <= 64 and len(blob) <= MAX_BLOB else None
    if kind is None or len(kind[0]) != size:
        raise ValueError("not a key")
    return HostKey(kind[0].decode("ascii"), blob)


def key_of_text(kind: str, text: str) -> HostKey:
    """Return the key of a type and its base64. Raises `ValueError` where they are no key or differ in the type."""
    if len(text) > MAX_BLOB * 4 // 3 + 4:
        raise ValueError("too long")
    try:
        key = key_of_blob(base64.b64decode(text, validate=True))
    except (binascii.Error, UnicodeError):
        raise ValueError("not base64") from None
    if key.kind != kind:
        raise ValueError("another type")
    return key
