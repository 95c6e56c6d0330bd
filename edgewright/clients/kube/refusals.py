"""What the API of a cluster answers when it does not do something, as the errors of this program."""

from __future__ import annotations

import contextlib
import re

import msgspec

from edgewright.core.errors import Conflict, EdgewrightError, Failed, InvalidInput, NotFound, Refused, TimedOut
from edgewright.core.text import clean

EXPIRED = "Expired"
"""Code of the error for a resource version that the API does not have any more (410): list again."""
BUDGET = "DisruptionBudget"
"""Code of the error for an eviction that a budget does not allow now (429)."""
_CLASSES: dict[int, type[EdgewrightError]] = {
    400: InvalidInput,
    401: Refused,
    403: Refused,
    404: NotFound,
    409: Conflict,
    422: InvalidInput,
    504: TimedOut,
}
_HINTS = {
    401: "The kubeconfig may have ended: open the view again.",
    403: "See what your role may do in the cluster: docs/clusters.md.",
}
_OBJECT = re.compile(r'Invalid value: "\{(?:[^"\\]|\\.)*": ')
"""The complete object, quoted, that the API puts before the reason why a patch of it is refused."""


class _Status(msgspec.Struct):
    """`Status` of the API."""

    message: str = ""
    reason: str = ""
    code: int = 0


def of_answer(status: int, data: bytes) -> EdgewrightError:
    """Return the error of an answer of 400 and more, with the sentence of the API."""
    parsed = _Status()
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        parsed = msgspec.json.decode(data, type=_Status)
    return of_status(status, parsed.message, parsed.reason)


def of_status(status: int, message: str, reason: str = "") -> EdgewrightError:
    """Return the error of a status of the API."""
    reason_alone = _OBJECT.sub("", message).strip().removeprefix('"" is invalid: ').removeprefix("patch: ")
    sentence = clean(reason_alone, 500) or f"The API of the cluster answers HTTP {status}."
    sentence = sentence[:1].upper() + sentence[1:]
    sentence += "" if sentence.endswith((".", "!", "?", "…")) else "."
    if status == 410:
        return Failed(sentence, "", EXPIRED)
    if status == 429:
        return Refused(sentence, "Try again in a moment.", BUDGET)
    kind = _CLASSES.get(status, Failed)
    return kind(sentence, _HINTS.get(status, "Try again in a moment." if status >= 500 else ""), clean(reason) or None)
