"""One SSH public key as a value: type, size, fingerprint and comment of its line. Standard library only, Python 3.9."""

from __future__ import annotations

import base64
import hashlib
from typing import NamedTuple

from edgewright.core.cloudconfig.sshkeys import COPY, TYPES, key_problem

LEAST_RSA = 2048
"""Bits of an RSA key that is accepted (NIST SP 800-131A)."""
MAX_COMMENT = 256
MAX_LINE = 16_384
"""Characters of the line; an RSA key of 16384 bits has 2,800."""
_BITS = {
    "ssh-ed25519": 256,
    "sk-ssh-ed25519@openssh.com": 256,
    "ecdsa-sha2-nistp256": 256,
    "sk-ecdsa-sha2-nistp256@openssh.com": 256,
    "ecdsa-sha2-nistp384": 384,
    "ecdsa-sha2-nistp521": 521,
}


class SshKey(NamedTuple):
    """A public key; `fingerprint` as `ssh-keygen -l` prints it (`SHA256:...`)."""

    kind: str
    bits: int
    fingerprint: str
    comment: str


def read_key(text: str) -> SshKey:
    """Return the key of a line `TYPE BASE64 [COMMENT]`; raises `ValueError` with the end of a sentence."""
    line = text.strip()
    if len(text) > MAX_LINE:
        raise ValueError(f"is longer than {MAX_LINE} characters")
    problem = key_problem(line)
    if problem:
        raise ValueError(f"{problem}. {COPY}".rstrip("."))
    parts = line.split(None, 2)
    if len(parts) < 2 or parts[0] not in TYPES:
        raise ValueError(f"is not TYPE BASE64 COMMENT; options before the type are not accepted. {COPY}".rstrip("."))
    kind, comment = parts[0], parts[2] if len(parts) > 2 else ""
    if len(comment) > MAX_COMMENT or not comment.isprintable():
        raise ValueError(f"has a comment of more than {MAX_COMMENT} characters, or with control characters")
    blob = base64.b64decode(parts[1], validate=True)
    bits = _BITS.get(kind) or _rsa_bits(blob)
    if kind == "ssh-rsa" and bits < LEAST_RSA:
        raise ValueError(f"is an RSA key of {bits} bits, at least {LEAST_RSA} are accepted. Use ed25519")
    digest = base64.b64encode(hashlib.sha256(blob).digest()).rstrip(b"=").decode()
    return SshKey(kind, bits, f"SHA256:{digest}", comment)


def _rsa_bits(blob: bytes) -> int:
    """Return the bits of the modulus, the third field of an RSA key (RFC 4253, 6.6)."""
    position = 0
    field = b""
    for _ in range(3):
        size = int.from_bytes(blob[position : position + 4], "big")
        field = blob[position + 4 : position + 4 + size]
        position += 4 + size
    return int.from_bytes(field, "big").bit_length()
