"""The two error bodies of a plane, written by the hub and read by clients.

Application errors carry a word as `code`; errors of routing and of the schema carry a number (405, 404, 601 to 612), as
the framework under Palette makes them. Source: the API notes of Palette 4.8, "Errors".
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional

from edgewright.core.errors import InvalidInput
from edgewright.wire.document import Document, parse_object

V_TYPE, V_REQUIRED, V_TOO_LONG, V_TOO_SHORT, V_PATTERN, V_ENUM = 601, 602, 603, 604, 605, 606
V_MULTIPLE, V_MAXIMUM, V_MINIMUM, V_UNIQUE, V_MAX_ITEMS, V_MIN_ITEMS = 607, 608, 609, 610, 611, 612

UNPROCESSABLE = 422
"""HTTP status of every error with a code of 600 or more."""


class PlaneError(NamedTuple):
    """An error as a client read it: HTTP status, `code` as text (a word, or the digits of a number), message, ref."""

    status: int
    code: str
    message: str
    details: Dict[str, Any]
    ref: str = ""


def application(code: str, message: str, ref: str = "", details: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
    """Return the body of an application error (`v1Error`)."""
    return {"code": code, "message": message, "details": details or {}, "ref": ref}


def framework(code: int, message: str) -> Dict[str, Any]:
    """Return the body of a routing or schema error; its HTTP status is `status_of(code)`."""
    return {"code": code, "message": message}


def status_of(code: int) -> int:
    """Return the HTTP status that goes with a framework code."""
    return UNPROCESSABLE if code >= 600 else code


def parse(status: int, body: bytes) -> PlaneError:
    """Return the error in an answer; never fails, since an error may come from a proxy that speaks no JSON.

    Without a readable body the code is empty and the message is the first printable line of the body.
    """
    try:
        document = Document(parse_object(body))
    except InvalidInput:
        first = body[:300].decode("utf-8", "replace").strip().splitlines()
        return PlaneError(status, "", first[0] if first and not first[0].startswith("<") else "", {})
    code = document.get("code", "")
    message = document.get("message", "")
    details = document.get("details", {})
    ref = document.get("ref", "")
    return PlaneError(
        status,
        str(code) if isinstance(code, (str, int)) and not isinstance(code, bool) else "",
        message if isinstance(message, str) else "",
        details if isinstance(details, dict) else {},
        ref if isinstance(ref, str) else "",
    )
