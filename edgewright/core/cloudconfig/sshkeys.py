"""SSH public keys: whether a line is a complete key, field by field (RFC 4253, 5656, 8709; OpenSSH's PROTOCOL.u2f)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, List, Optional

from edgewright.core.cloudconfig.schema.model import is_template

TYPES = (
    *("ssh-ed25519", "ssh-rsa", "ssh-dss", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    *("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
)
COPY = "Copy the complete line of a .pub file, e.g. ~/.ssh/id_ed25519.pub."
_POINTS = {"nistp256": 65, "nistp384": 97, "nistp521": 133}
"""Bytes of an uncompressed point on each curve."""
_LEAST_RSA = 1024
_CUT = "was not copied completely"


def key_problem(value: Any) -> str:
    """Return what is wrong with an SSH public key, as the end of a sentence; "" for a good one or a template."""
    if not isinstance(value, str) or is_template(value):
        return ""
    line = value.strip()
    if len(line) > 20_000:
        return "is longer than any key"
    if re.fullmatch(r"(?:github|gitlab):[A-Za-z0-9][A-Za-z0-9._-]{0,63}", line):
        return ""
    if "PRIVATE KEY" in line:
        return "is a private key; remove it from every file that it came into, and make a new pair"
    if "\n" in line:
        return "contains several lines; each key is an item of its own, and one key is one line"
    parts = line.split()
    place = next((place for place, word in enumerate(parts[:12]) if word in TYPES), None)
    if place is None:
        return "is not an SSH public key" if line else "is empty"
    if place + 1 >= len(parts):
        return "has no key behind its type"
    return _blob_problem(parts[place], parts[place + 1 :])


def _blob_problem(kind: str, rest: List[str]) -> str:
    text = rest[0]
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        odd = re.search(r"[^A-Za-z0-9+/=]", text)
        return "is damaged: the part behind the type is not base64" if odd else _cut(kind, rest)
    fields = _fields(blob)
    if fields is None:
        named = blob[4:60].startswith(kind.encode())
        return _cut(kind, rest) if named else "is damaged or incomplete (type and key do not agree)"
    if not fields or fields[0].decode("ascii", "replace") != kind:
        return "is damaged or incomplete (type and key do not agree)"
    if kind == "ssh-dss":
        return "is a DSA key, which SSH accepts no more"
    return "" if _is_complete(kind, fields[1:]) else _cut(kind, rest)


def _fields(blob: bytes) -> Optional[List[bytes]]:
    """Return the fields of a key, each with its length in front; None when one is cut."""
    matches = []
    while blob:
        size = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + size:
            return None
        matches.append(blob[4 : 4 + size])
        blob = blob[4 + size :]
    return matches


def _is_complete(kind: str, fields: List[bytes]) -> bool:
    """Return whether the fields behind the type are those of a key of this kind, each of its length."""
    if kind == "ssh-rsa":
        return len(fields) == 2 and len(fields[1].lstrip(b"\0")) * 8 >= _LEAST_RSA
    if kind == "ssh-ed25519":
        return [len(field) for field in fields] == [32]
    if kind.startswith("sk-ssh-ed25519"):
        return len(fields) == 2 and len(fields[0]) == 32 and len(fields[1]) > 0
    curve = kind.split("-sha2-")[-1].split("@")[0]
    point = _POINTS[curve]
    wants = 3 if kind.startswith("sk-") else 2
    return len(fields) == wants and fields[0] == curve.encode() and len(fields[1]) == point and fields[1][:1] == b"\x04"


def _cut(kind: str, rest: List[str]) -> str:
    """Return that the key is cut, and by what: a line wrap leaves its end as the next token."""
    if len(rest) > 1 and re.fullmatch(r"[A-Za-z0-9+/]{20,}={0,2}", rest[1]):
        joined = rest[0] + rest[1]
        try:
            fields = _fields(base64.b64decode(joined, validate=True))
        except (binascii.Error, ValueError):
            fields = None
        if fields and _is_complete(kind, fields[1:]):
            return "is cut by a line wrap: join the two parts behind its type, without a space"
        return f"{_CUT}, or is cut by a line wrap"
    return _CUT
