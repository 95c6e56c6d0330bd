"""What the hub answers when it refuses: Palette's two error bodies and the statuses that go with them.

Application errors are `{code: word, message, details, ref}`; what the framework finds before that is
`{code: number, message}` (path, method, validation), as go-openapi writes it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from edgewright.wire import protocol

TYPE, REQUIRED, TOO_LONG, TOO_SHORT, PATTERN, ENUM = 601, 602, 603, 604, 605, 606
MAXIMUM, MINIMUM, UNIQUE, MAX_ITEMS = 608, 609, 610, 611


class Problem(Exception):
    """An answer that is not success; a word as `code` makes the application body, a number the framework's."""

    def __init__(
        self, status: int, code: str | int, message: str, headers: Mapping[str, str] | None = None, **details: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.details = details
        self.ref = secrets.token_hex(12)

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        if isinstance(self.code, int):
            return {"code": self.code, "message": self.message}
        return {"code": self.code, "message": self.message, "details": self.details, "ref": self.ref}


def not_found(kind: str, uid: str) -> Problem:
    """Return the 404 for a thing that is not there."""
    return Problem(404, protocol.E_NOT_FOUND, f"The {kind} '{uid[:128]}' is not found.")


def forbidden(message: str) -> Problem:
    """Return the 403 of a role, a scope or a rule."""
    return Problem(403, protocol.E_FORBIDDEN, message)


def unauthorized(message: str, code: str = protocol.E_UNAUTHORIZED) -> Problem:
    """Return the 401 of a credential."""
    return Problem(401, code, message)


def bad_request(message: str, code: str = protocol.E_REQUEST) -> Problem:
    """Return the 400 of a request that makes no sense."""
    return Problem(400, code, message)


def conflict(message: str, code: str) -> Problem:
    """Return the 409 of a thing that exists already or was answered already."""
    return Problem(409, code, message)


def invalid(code: int, message: str) -> Problem:
    """Return the 422 of one failed validation; `code` is go-openapi's number."""
    return Problem(422, code, message)


class Behind(Problem):
    """Memory does not have what other hubs stored. What this request wrote may be stored (rule P68)."""

    def __init__(self, message: str) -> None:
        super().__init__(503, protocol.E_BEHIND, message, {"Retry-After": "1"})


class StorageProblem(Problem):
    """The disk or the database did not take a write; nothing of the request was stored."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message, {"Retry-After": "10"})
