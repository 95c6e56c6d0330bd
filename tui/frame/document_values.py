"""Reading a document for the eye: any case of key, null as absent, every text made harmless."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from edgewright.core import times
from edgewright.core.text import clean

UNKNOWN = "-"
MASK = "••••••••"
_LIKE_A_NUMBER = re.compile(
    r"[-+]?(?:0x[\da-f_]+|0b[01_]+|0o?[0-7_]+|[\d_]*\.?[\d_]*(?:e[-+]?\d+)?|\.(?:inf|nan)"
    r"|\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?)|\d{4}-\d\d?-\d\d?.*|=|<<",
    re.IGNORECASE,
)
"""What YAML 1.1 takes for a number or a time (a hardware address of digits too), unless it is quoted."""
_SECRET_TERMS = ("token", "password", "secret", "privatekey", "pairingkey", "apikey", "credential")


def find(doc: object, path: str) -> Any:
    """Return what is at the dotted `path`, whatever the case of its keys; None when absent or null."""
    here = doc
    for name in path.split("."):
        if not isinstance(here, Mapping):
            return None
        here = (
            here[name] if name in here else next((v for k, v in here.items() if str(k).lower() == name.lower()), None)
        )
    return here


def text(doc: object, path: str) -> str:
    """Return the harmless text at `path`, `-` when it is not known."""
    value = find(doc, path)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean(value) or UNKNOWN if isinstance(value, str | int | float) else UNKNOWN


def number(doc: object, path: str) -> float | None:
    """Return the number at `path`, None when there is none."""
    value = find(doc, path)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def when(doc: object, path: str) -> float | None:
    """Return the time at `path` as epoch seconds UTC, None when unset or not readable."""
    value = find(doc, path)
    try:
        return times.parse(value) if isinstance(value, str) else None
    except ValueError:
        return None


def many(doc: object, path: str) -> list[Any]:
    """Return the list at `path`; null and anything else is an empty one."""
    value = find(doc, path)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []


def size(mebibytes: float | None) -> str:
    """Return an amount of memory in the unit that reads best, `-` when not known."""
    if mebibytes is None:
        return UNKNOWN
    for unit in ("MB", "GB", "TB"):
        if mebibytes < 1024 or unit == "TB":
            return (
                f"{mebibytes:.0f} {unit}"
                if mebibytes >= 10 or mebibytes == int(mebibytes)
                else f"{mebibytes:.1f} {unit}"
            )
        mebibytes /= 1024
    return UNKNOWN


def masked(doc: Any, name: str = "") -> Any:
    """Return the document with every secret replaced by dots."""
    if isinstance(doc, Mapping):
        return {str(key): masked(value, str(key)) for key, value in doc.items()}
    if isinstance(doc, list | tuple):
        return [masked(value, name) for value in doc]
    if isinstance(doc, str) and doc and is_secret(name):
        return MASK
    return doc


def is_secret(name: str) -> bool:
    """Return whether a field of this name contains a secret (`hostAuthToken`, `hostPairingKey`, `spec.token` ...)."""
    low = name.lower().replace("_", "").replace("-", "")
    if low.endswith(("uid", "name", "names", "keys")):
        return False
    return any(word in low for word in _SECRET_TERMS)


def yaml_lines(doc: Any, indent: int = 0) -> list[str]:
    """Return the document as YAML lines that are safe to show: each text harmless, quoted where YAML needs it."""
    lead = "  " * indent
    if isinstance(doc, Mapping):
        out: list[str] = []
        for key, value in doc.items():
            head = f"{lead}{_scalar(str(key))}:"
            if isinstance(value, Mapping | list | tuple) and value:
                out.append(head)
                out.extend(yaml_lines(value, indent + 1))
            else:
                out.append(f"{head} {_scalar(value)}")
        return out
    if isinstance(doc, list | tuple):
        out = []
        for value in doc:
            if isinstance(value, Mapping | list | tuple) and value:
                block = yaml_lines(value, indent + 1)
                out.append(f"{lead}- {block[0].lstrip()}")
                out.extend(block[1:])
            else:
                out.append(f"{lead}- {_scalar(value)}")
        return out
    return [f"{lead}{_scalar(doc)}"]


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    shown = clean(value, limit=100_000)
    plain = shown and shown[0] not in "-?:,[]{}#&*!|>'\"%@` " and ": " not in shown and " #" not in shown
    parts = shown.lower() in ("null", "true", "false", "yes", "no", "on", "off", "~")
    digits = _LIKE_A_NUMBER.fullmatch(shown) is not None
    return shown if plain and not parts and not digits and not shown.endswith((" ", ":")) else f'"{shown}"'
