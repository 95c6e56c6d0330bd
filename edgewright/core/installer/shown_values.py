"""Values that cannot be shown as they are (a PEM text, a hashed password): what is in the field for them.

A field shows `shown_text(value)`; what comes back from it goes through `taken`, which returns the stored value when the
user left that text unchanged.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode
from typing import List, Sequence

from edgewright.core.installer.checks import PEM
from edgewright.core.installer.pages_people import HASH

SHOWN = 23
"""Characters of a fingerprint in a field: eight bytes; the wizard shows all of it below."""
ENCODING = ("utf-8", "surrogatepass")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


def shown_text(value: str) -> str:
    """Return what a field shows for `value`: itself, or one line in angle brackets that represents it."""
    if PEM in value:
        ders = certificates(value)
        if len(ders) == 1:
            return f"<certificate, SHA-256 {fingerprint(ders[0])[:SHOWN]}...>"
        return f"<{len(ders) or value.count(PEM)} certificates, {_mark(b''.join(ders) or value.encode(*ENCODING))}>"
    if value.startswith(HASH):
        return f"<password, stored as a hash, {_mark(value.encode(*ENCODING))}>"
    return value


def certificates(text: str) -> List[bytes]:
    """Return the certificates of a PEM text as DER, in order; what cannot be decoded is left out."""
    matches = []
    for body in _CERTIFICATE.findall(text):
        try:
            matches.append(b64decode("".join(body.split()), validate=True))
        except (binascii.Error, ValueError):
            continue
    return matches


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate as OpenSSL prints it: `AB:CD:...`."""
    digest = hashlib.sha256(der).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def taken(text: str, old: Sequence[str]) -> str:
    """Return the value for the text of a field, given the values that were stored before."""
    return next((value for value in old if shown_text(value) == text.strip()), text)


def shown_lines(values: Sequence[str]) -> List[str]:
    """Return what a field of several lines shows."""
    return [shown_text(value) for value in values]


def taken_lines(lines: Sequence[str], old: Sequence[str]) -> List[str]:
    """Return the values for the lines of a field."""
    return [taken(line, old) for line in lines]


def _mark(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()[:8]
