"""How large a stored document may become: what the hub does not know is stored as well (rule P2), within bounds.

Checked where a document is about to be written, after everything was merged, so that neither one large request nor many
small ones pass. A refused write leaves what was stored as it is. A document that was over a limit before the limit
existed may still be written as long as it does not grow.
"""

from __future__ import annotations

from typing import Any

import msgspec

from edgewright.hub.http import bodies
from edgewright.hub.http.problems import Problem
from edgewright.hub.http.shapes import Shape
from edgewright.wire import protocol

KIB = 1024
MAX_DOCUMENT = 512 * KIB
"""Bytes of a host's stored document."""
MAX_UNKNOWN = 64 * KIB
"""Bytes of it under keys that the hub does not know."""
MAX_LABELS = 16 * KIB
"""Bytes of its labels: each search looks through all of them."""
MAX_RECORD = 64 * KIB
"""Bytes of the stored document of a token, an API key or a project."""
MAX_EVENT = 16 * KIB
MAX_PARAMS = 16 * KIB
"""Bytes of the parameters of an operation."""
MAX_RESULT = 16 * KIB
"""Bytes of the result of an operation."""
MAX_INTENT = 64 * KIB
"""Bytes of the value of an intent, and of its base value."""


def size(value: Any) -> int:
    """Return the bytes of a value as JSON."""
    return len(msgspec.json.encode(value))


def limited(value: Any, limit: int, what: str) -> str:
    """Return a value as the JSON text to store; raises 413 for one above the limit. `what` begins the sentence."""
    encoded = msgspec.json.encode(value)
    if len(encoded) > limit:
        raise _too_large(f"{what} has {len(encoded)} bytes of JSON, at most {limit} are stored.")
    return encoded.decode()


def check_host(uid: str, text: str, before: str) -> None:
    """Raise 413 when the document `text` of a host is over a limit and larger there than `before` (may be empty)."""
    new_size, old_size = len(text.encode()), len(before.encode())
    if new_size <= MAX_LABELS:
        return  # no part is larger than the total
    document, old = msgspec.json.decode(text), msgspec.json.decode(before or "{}")
    for part, limit, new, previous in (
        ("of labels", MAX_LABELS, _labels(document), _labels(old)),
        ("of properties that this hub does not know", MAX_UNKNOWN, unknown(document), unknown(old)),
        ("in all", MAX_DOCUMENT, new_size, old_size),
    ):
        if new > limit and new > previous:
            raise _too_large(
                f"The stored document of edge host '{uid}' would have {new} bytes {part}, at most {limit} are "
                "stored. What was stored before is unchanged."
            )


def check_record(kind: str, name: str, text: str, before: str = "") -> str:
    """Return the document of a token, key or project to store; raises 413 when it is over the limit and has grown."""
    new = len(text.encode())
    if new > MAX_RECORD and new > len(before.encode()):
        raise _too_large(
            f"The stored document of the {kind} '{name}' would have {new} bytes, at most {MAX_RECORD} are stored. "
            "What was stored before is unchanged."
        )
    return text


def unknown(document: Any, shape: Shape = bodies.HOST) -> int:
    """Return how many bytes of a document are under keys that a shape does not describe."""
    if shape.kind == "any":
        return size(document)
    if shape.kind == "object" and isinstance(document, dict):
        return sum(
            unknown(item, shape.fields[key]) if key in shape.fields else size(key) + size(item)
            for key, item in document.items()
        )
    if shape.kind == "list" and shape.item is not None and isinstance(document, list):
        return sum(unknown(item, shape.item) for item in document)
    return 0


def _labels(document: Any) -> int:
    return size((document.get("metadata") or {}).get("labels") or {})


def _too_large(message: str) -> Problem:
    return Problem(413, protocol.E_DOCUMENT, message)
