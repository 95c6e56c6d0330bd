"""Certificates as text: PEM blocks, or the base64 of them, taken apart without reading what is in them."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, List

from edgewright.core.cloudconfig.schema.model import is_template

_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,60})-----")
MAX_CERTIFICATES = 100


def pem_text(value: str) -> str:
    """Return the PEM of a text that is PEM or the base64 of it. Raises `ValueError` when it is neither."""
    if "-----BEGIN" in value:
        return value
    packed = "".join(value.split())
    if not packed:
        raise ValueError("is empty")
    try:
        plain = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is neither PEM nor base64") from None
    if b"-----BEGIN" not in plain:
        if plain[:1] == b"\x30":
            raise ValueError("is the inside of a certificate: its BEGIN and END lines are missing")
        raise ValueError("is base64, but not of a PEM certificate")
    return plain.decode("ascii", "replace")


def certificates(value: str) -> List[bytes]:
    """Return each certificate (DER) of a text that is PEM or its base64. Raises `ValueError`, the end of a sentence."""
    pem = pem_text(value)
    matches: List[bytes] = []
    at = 0
    while True:
        begin = _BEGIN.search(pem, at)
        if begin is None:
            break
        label = begin.group(1)
        end = pem.find(f"-----END {label}-----", begin.end())
        inside = pem[begin.end() : end]
        if end < 0 or "-----BEGIN" in inside:
            raise ValueError("has a BEGIN line without its END line: it was not copied completely")
        at = end
        if "PRIVATE KEY" in label:
            raise ValueError("contains a private key; only a CA's certificate belongs here")
        if label not in ("CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE"):
            raise ValueError(f"contains a {label.lower()}, not a certificate")
        try:
            der = base64.b64decode("".join(inside.split()), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("has a damaged certificate: the part between BEGIN and END is not base64") from None
        if der[:1] != b"\x30":
            raise ValueError("has a damaged certificate")
        matches.append(der)
        if len(matches) > MAX_CERTIFICATES:
            raise ValueError(f"contains more than {MAX_CERTIFICATES} certificates")
    if not matches:
        raise ValueError("contains no certificate")
    return matches


def pem_problem(value: Any) -> str:
    """Return what is wrong with a certificate as text, as the end of a sentence; "" for a good one or a template."""
    if not isinstance(value, str) or is_template(value):
        return ""
    try:
        certificates(value)
    except ValueError as wrong:
        return str(wrong)
    return ""
