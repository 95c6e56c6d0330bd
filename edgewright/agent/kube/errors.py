"""What the API of a cluster refuses, by what can be done about it: repeat, correct, or ask an operator."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, NamedTuple, Tuple

from edgewright.core.errors import Conflict, EdgewrightError, Failed, InvalidInput, NotFound, Refused, Unreachable
from edgewright.core.text import clean

REPEAT = (408, 425, 429, 500, 502, 503, 504)
"""Answers that a later try may change."""
MANAGER = re.compile(r'conflict with "([^"]{1,200})"')


class FieldConflict(NamedTuple):
    """One field that another manager has set."""

    field: str
    manager: str


class ApplyConflict(Conflict):
    """A server-side apply would change fields of other managers; nothing was changed."""

    default_code = "FieldManagerConflict"

    def __init__(self, message: str, conflicts: Tuple[FieldConflict, ...]) -> None:
        super().__init__(message)
        self.conflicts = conflicts

    @property
    def managers(self) -> Tuple[str, ...]:
        """Return who has set the fields, each once."""
        return tuple(sorted({conflict.manager for conflict in self.conflicts}))


def refusal(status: int, body: bytes, what: str) -> EdgewrightError:
    """Return the error of an answer: `what` names the call ("Deployment apps/web cannot be applied")."""
    answer = _status(body)
    reason = str(answer.get("reason") or "")
    text = clean(str(answer.get("message") or ""), 400).rstrip(".") or f"the API answered with status {status}"
    sentence = f"{what}: {text}."
    if status == 409:
        conflicts = tuple(_conflicts(answer))
        return ApplyConflict(sentence, conflicts) if conflicts else Conflict(sentence, code=reason or None)
    if status in (404, 410):
        return NotFound(sentence, code=reason or None)
    if status in (401, 403):
        return Refused(sentence, code=reason or None)
    if status in (400, 405, 406, 413, 415, 422):
        return InvalidInput(sentence, code=reason or None)
    if status in REPEAT:
        return Unreachable(sentence, "It is tried again.", code=reason or None)
    return Failed(sentence, code=reason or None)


def transient(error: BaseException) -> bool:
    """Return whether the same call may work later without a change of anything."""
    return isinstance(error, (Unreachable, OSError))


def _status(body: bytes) -> Dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) and value.get("kind") == "Status" else {}


def _conflicts(answer: Dict[str, Any]) -> List[FieldConflict]:
    details = answer.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    conflicts = []
    for cause in causes if isinstance(causes, list) else []:
        if isinstance(cause, dict) and cause.get("reason") == "FieldManagerConflict":
            manager = MANAGER.search(str(cause.get("message", "")))
            conflicts.append(FieldConflict(str(cause.get("field", "")), manager.group(1) if manager else "?"))
    return conflicts
