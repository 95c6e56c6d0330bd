"""What a script of files refuses, as errors with the next step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from edgewright.core.errors import Conflict, EdgewrightError, Failed, NotFound, Refused
from edgewright.core.text import clean


class _Refusal(NamedTuple):
    """`text` has places for `shown` (the path), `host`, and `reason` (what the host added, in brackets)."""

    kind: type[EdgewrightError]
    text: str
    hint: str = ""
    code: str | None = None


_REFUSALS = {
    "absent": _Refusal(NotFound, "{host} has no {shown}.", "Look at the directory above it."),
    "outside": _Refusal(
        Refused, "{shown} on {host} leads out of the directory it is in, by a link.", "", "OutsidePlaces"
    ),
    "link": _Refusal(Refused, "{shown} on {host} is a symbolic link.", "Name the file that it leads to.", "IsLink"),
    "folder": _Refusal(Refused, "{shown} on {host} is a directory.", "Name a file in it.", "IsDirectory"),
    "no-folder": _Refusal(Refused, "{shown} on {host} is not a directory.", "", "NotDirectory"),
    "special": _Refusal(
        Refused, "{shown} on {host} is a device, a pipe or a socket.", "Name a regular file.", "NotRegular"
    ),
    "closed": _Refusal(
        Refused, "The user of the connection may not read {shown} on {host}.", "It needs sudo.", "Unreadable"
    ),
    "no-stat": _Refusal(
        Failed, "{host} has no program `stat`, so files cannot be read safely.", "Use its shell.", "NoStat"
    ),
    "changed": _Refusal(
        Conflict, "{shown} on {host} changed meanwhile.", "Look at it again, then repeat.", "FileChanged"
    ),
    "owner": _Refusal(
        Failed, "Owner and mode of {shown} on {host} cannot be retained{reason}.", "It is as it was.", "NotOwner"
    ),
    "write": _Refusal(
        Failed,
        "{shown} cannot be written on {host}{reason}.",
        "It is as it was. Is its file system read-only?",
        "NotWritten",
    ),
}
_OTHER = _Refusal(Failed, "{host} gave no usable answer about {shown}{reason}.", "Try again.", "BadAnswer")
_FULL = "Free space there; it is as it was."


def refusal(fields: Sequence[str], path: str, host: str) -> EdgewrightError:
    """Return the error for a frame `fail WORD TEXT...`; everything in it comes from the host."""
    word, text = fields[0] if fields else "", clean(" ".join(fields[1:]), 200)
    known = _REFUSALS.get(word, _OTHER)
    full = word == "write" and ("space" in text.lower() or "quota" in text.lower())
    message = known.text.format(shown=clean(path, 200), host=host, reason=f" ({text})" if text else "")
    return known.kind(message, _FULL if full else known.hint, known.code)
