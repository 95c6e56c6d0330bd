"""Certificates of hosts (PROTOCOL.certkeys): who signed them, for which names, for which time.

Verified with `cryptography`; paramiko checks that the host has the key of the certificate, and nothing else of it.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    SSHCertificateType,
    load_ssh_public_identity,
)

from edgewright.clients.ssh.config.patterns import matches
from edgewright.clients.ssh.hostkeys.keys import HostKey, key_of_blob
from edgewright.core.text import clean
from edgewright.core.times import rfc3339

SIGNATURES = frozenset(
    {
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
        "rsa-sha2-512",
        "rsa-sha2-256",
    }
)
"""Algorithms by which an authority may sign (`CASignatureAlgorithms`): not `ssh-rsa`, which is SHA-1."""
_KEY_FIELDS = {
    "ssh-ed25519-cert-v01@openssh.com": 1,
    "ssh-rsa-cert-v01@openssh.com": 2,
    "ecdsa-sha2-nistp256-cert-v01@openssh.com": 2,
    "ecdsa-sha2-nistp384-cert-v01@openssh.com": 2,
    "ecdsa-sha2-nistp521-cert-v01@openssh.com": 2,
}
"""Fields of the key in a certificate, by its type."""
_FOREVER = 2**64 - 1


class HostCertificate(NamedTuple):
    """A certificate that was read: `key` is the host's, `authority` the one that signed; times in Unix seconds."""

    key: HostKey
    authority: HostKey
    name: str
    serial: int
    principals: tuple[str, ...]
    after: int
    before: int
    certificate: SSHCertificate
    signed_with: str


def read_certificate(blob: HostKey) -> HostCertificate:
    """Return what a certificate contains, without judging it. Raises `ValueError` for one that cannot be read."""
    text = f"{blob.kind} {base64.b64encode(blob.blob).decode()}".encode()
    try:
        certificate = load_ssh_public_identity(text)
        if not isinstance(certificate, SSHCertificate):
            raise ValueError("not a certificate")
        key, authority = _key(certificate.public_key()), _key(certificate.signature_key())
    except (ValueError, UnsupportedAlgorithm, NotImplementedError) as error:
        raise ValueError(clean(error, 200)) from None
    return HostCertificate(
        key=key,
        authority=authority,
        name=clean(certificate.key_id.decode("utf-8", "replace"), 120),
        serial=certificate.serial,
        principals=tuple(name.decode("utf-8", "replace") for name in certificate.valid_principals),
        after=certificate.valid_after,
        before=certificate.valid_before,
        certificate=certificate,
        signed_with=_signature_algorithm(blob.blob),
    )


def _key(public: object) -> HostKey:
    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)  # type: ignore[attr-defined]
    return key_of_blob(base64.b64decode(line.split()[1]))


def _signature_algorithm(blob: bytes) -> str:
    """Return the algorithm of the signature, which is the last field of a certificate; "" where it is not found."""
    fields = _KEY_FIELDS.get(blob[4 : 4 + int.from_bytes(blob[:4], "big")].decode("ascii", "replace"), 0)
    # type, nonce, fields of the key; serial and type (12 bytes); name, principals; times (16 bytes); critical options,
    # extensions, reserved, key of the authority; signature
    position = _skip(blob, _skip(blob, 0, 2 + fields) + 12, 2) + 16
    signature = _skip(blob, position, 4) + 4
    size = int.from_bytes(blob[signature : signature + 4], "big")
    return blob[signature + 4 : signature + 4 + size].decode("ascii", "replace") if fields and size <= 64 else ""


def _skip(blob: bytes, position: int, count: int) -> int:
    """Return the position after `count` fields that have their length before them."""
    for _ in range(count):
        position += 4 + int.from_bytes(blob[position : position + 4], "big")
    return position


def problem_of(certificate: HostCertificate, host: str, now: float) -> str:
    """Return why a certificate does not prove that a key is that of `host`, as the end of a sentence, or "".

    Whether its authority is trusted is the caller's to know. `now`: Unix seconds. As `sshkey_cert_check_host` of
    OpenSSH, and stricter in one thing: a certificate without names is for no host.
    """
    inner = certificate.certificate
    if inner.type is not SSHCertificateType.HOST:
        return "is one of a user, not of a host"
    if certificate.signed_with not in SIGNATURES:
        return f"is signed with {certificate.signed_with or 'an unknown algorithm'}, which is not accepted"
    try:
        inner.verify_cert_signature()
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return "has a signature that is not valid"
    if inner.critical_options:
        names = ", ".join(clean(name.decode("utf-8", "replace"), 40) for name in list(inner.critical_options)[:4])
        return f"has critical options that are not known: {names}"
    return time_problem(certificate, now) or _name_problem(certificate.principals, host)


def time_problem(certificate: HostCertificate, now: float) -> str:
    """Return why a certificate is not valid at a time, as the end of a sentence, or ""."""
    if now < certificate.after:
        return f"is valid from {rfc3339(certificate.after)} on only"
    if certificate.before != _FOREVER and now >= certificate.before:
        return f"expired on {rfc3339(certificate.before)}"
    return ""


def _name_problem(principals: Collection[str], host: str) -> str:
    if not principals:
        return "names no host"
    if any(matches(host, principal.lower()) for principal in principals):
        return ""
    names = ", ".join(clean(name, 80) for name in list(principals)[:4])
    return f"is for {names}{', ...' if len(principals) > 4 else ''}, not for {host}"
