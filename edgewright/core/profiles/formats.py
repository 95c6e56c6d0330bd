"""Formats of values: of profile variables, and of the constraints in a pack's `schema.yaml`."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from typing import Callable, Dict

from edgewright.core.profiles import semver

MAX_VALUE = 64 * 1024
"""Characters of one value of a variable or macro."""

_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", re.ASCII)


def _number(text: str) -> bool:
    return len(text) <= 64 and _NUMBER.fullmatch(text) is not None


def _ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text


def _cidr(text: str) -> bool:
    try:
        ipaddress.IPv4Interface(text)
    except ValueError:
        return False
    return re.fullmatch(r"[0-9.]+/[0-9]{1,2}", text, re.ASCII) is not None


def _base64(text: str) -> bool:
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _any(_text: str) -> bool:
    return True


FORMATS: Dict[str, Callable[[str], bool]] = {
    "string": _any,
    "number": _number,
    "boolean": lambda text: text in ("true", "false"),
    "version": lambda text: semver.parse(text[1:] if text.startswith("v") else text) is not None,
    "ipv4": _ipv4,
    "ipv4cidr": _cidr,
    "ipv6": _ipv6,
    "base64": _base64,
}
"""Formats of variables, by the name that the API uses."""

EXAMPLES = {
    "number": "a number, e.g. 3 or 0.5",
    "boolean": "true or false",
    "version": "a semantic version, e.g. 1.31.2",
    "ipv4": "an IPv4 address, e.g. 10.0.0.5",
    "ipv4cidr": "an IPv4 CIDR, e.g. 100.64.0.0/18",
    "ipv6": "an IPv6 address, e.g. fd00::5",
    "base64": "text in base64",
}
"""What each format expects, for sentences."""
