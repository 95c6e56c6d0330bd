"""The public key of a certificate (PEM), read from its DER: the standard library reads only that of a peer."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Tuple

from edgewright.core.errors import Failed

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.S)
_SUBJECT_PUBLIC_KEY = 6
"""Place of the key in a TBSCertificate (RFC 5280, 4.1): version, serial, signature, issuer, validity, subject, key."""


def spki_sha256(pem: str) -> str:
    """Return the SHA-256 of the public key of the first certificate as hex; kubeadm's `caCertHashes` without `sha256:`.

    Raises `Failed`.
    """
    match = _PEM.search(pem)
    try:
        der = base64.b64decode("".join(match.group(1).split()) if match else "", validate=True)
        _, body, _ = _value(der, 0)
        _, place, end = _value(der, body)  # the TBSCertificate
        fields = []
        while place < end:
            begin = place
            tag, _, place = _value(der, place)
            fields.append((tag, begin, place))
        if fields and fields[0][0] != 0xA0:  # a version 1 certificate has no version field
            fields.insert(0, (0xA0, 0, 0))
        _, begin, end = fields[_SUBJECT_PUBLIC_KEY]
    except (IndexError, ValueError, binascii.Error):
        raise Failed("The certificate of the cluster's CA cannot be read.", "Look at it: openssl x509 -text") from None
    return hashlib.sha256(der[begin:end]).hexdigest()


def _value(der: bytes, place: int) -> Tuple[int, int, int]:
    """Return tag, begin and end of the value at a place. Raises `IndexError`, `ValueError`."""
    tag, length = der[place], der[place + 1]
    begin = place + 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4:
            raise ValueError("length")
        length = int.from_bytes(der[begin : begin + count], "big")
        begin += count
    if begin + length > len(der):
        raise ValueError("short")
    return tag, begin, begin + length
