"""Looking into a document of which nothing is certain: every question has an answer, whatever the types are."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, List, Mapping, Optional, Tuple, Union

from edgewright.core.cloudconfig.schema.model import is_template
from edgewright.core.text import clean

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Interface = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]

_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?"
)
_PLACEHOLDER = re.compile(
    r"<[^<>]*>|\[[a-z][^\[\]:]*\]|your[ _-].*"
    r"|(?:insert|replace|change|enter|put|paste)[ _-](?:me|it|your|the|this|with|here|token|value|password)(?:[ _-].*)?"
    r"|x{4,}|(?:change|replace)me|todo|tbd|\.{3,}",
    re.IGNORECASE,
)


def at(value: Any, *names: str) -> Any:
    """Return what is at a path of names, or None."""
    for name in names:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a map, an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> List[Any]:
    """Return a list, an empty one for anything else."""
    return list(value) if isinstance(value, (list, tuple)) else []


def text(value: Any) -> str:
    """Return a text without spaces around it; "" for anything that is not text, number or flag."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) >= 10**30:  # Python refuses to write endless numbers
        return ""
    return str(value).strip() if isinstance(value, (str, int, float)) else ""


def texts(value: Any) -> List[Tuple[str, str]]:
    """Return (`[0]`, text) for each text of a list, or ("", text) for the parts of one text with commas or spaces."""
    if isinstance(value, (list, tuple)):
        return [(f"[{place}]", text(item)) for place, item in enumerate(value) if text(item)]
    return [("", part) for part in re.split(r"[,\s]+", text(value)) if part]


def shown(value: Any, limit: int = 60) -> str:
    """Return a value for a sentence: harmless, one line, cut."""
    return clean(value if isinstance(value, str) else text(value), limit)


def address(word: str) -> Optional[Address]:
    """Return an IP address, or None for what is none."""
    try:
        return ipaddress.ip_address(word)
    except ValueError:
        return None


def is_host(word: str) -> bool:
    """Return whether a text is an IP address or could be a host name."""
    if address(word.strip("[]")) is not None:
        return True
    numbers = re.fullmatch(r"[0-9.]+", word)  # 192.168.1 or 300.1.1.1 is a mistyped address, not a name
    return _HOST.fullmatch(word) is not None and numbers is None


def split_port(word: str) -> Tuple[str, Optional[int], bool]:
    """Return (host, port or None, whether it could be read) of `host`, `host:port`, `[v6]:port` or `v6`."""
    if address(word) is not None:
        return word, None, True
    match = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::([0-9]{1,5}))?", word)
    if match is None:
        return word, None, False
    port = int(match.group(2)) if match.group(2) else None
    return match.group(1).strip("[]"), port, port is None or 1 <= port <= 65535


def is_placeholder(value: Any) -> bool:
    """Return whether a text is a gap that a template left for the user, such as `<token>` or `your-registry`."""
    return isinstance(value, str) and not is_template(value) and _PLACEHOLDER.fullmatch(value.strip()) is not None


def is_path(word: str) -> bool:
    """Return whether a text is an absolute path."""
    return word.startswith("/") and "\n" not in word and "\0" not in word
