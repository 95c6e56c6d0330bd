"""What a script of files refuses, as errors with the next step."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.core.errors import Conflict, EdgewrightError, Failed, NotFound, Refused
from edgewright.core.text import clean


def refusal(fields: Sequence[str], path: str, host: str) -> EdgewrightError:
    """Return the error for a frame `fail WORD TEXT...`; everything in it comes from the host."""
    word, text, shown = fields[0] if fields else "", clean(" ".join(fields[1:]), 200), clean(path, 200)
    reason = f" ({text})" if text else ""
    if word == "absent":
        return NotFound(f"{host} has no {shown}.", "Look at the directory above it.")
    if word == "outside":
        return Refused(f"{shown} on {host} leads out of the directory it is in, by a link.", "", "OutsidePlaces")
    if word == "link":
        return Refused(f"{shown} on {host} is a symbolic link.", "Name the file that it leads to.", "IsLink")
    if word == "folder":
        return Refused(f"{shown} on {host} is a directory.", "Name a file in it.", "IsDirectory")
    if word == "no-folder":
        return Refused(f"{shown} on {host} is not a directory.", "", "NotDirectory")
    if word == "special":
        return Refused(f"{shown} on {host} is a device, a pipe or a socket.", "Name a regular file.", "NotRegular")
    if word == "closed":
        return Refused(f"The user of the connection may not read {shown} on {host}.", "It needs sudo.", "Unreadable")
    if word == "no-stat":
        return Failed(f"{host} has no program `stat`, so files cannot be read safely.", "Use its shell.", "NoStat")
    if word == "changed":
        return Conflict(f"{shown} on {host} changed meanwhile.", "Look at it again, then repeat.", "FileChanged")
    if word == "owner":
        return Failed(
            f"Owner and mode of {shown} on {host} cannot be retained{reason}.", "It is as it was.", "NotOwner"
        )
    if word == "write":
        full = "space" in text.lower() or "quota" in text.lower()
        hint = "Free space there; it is as it was." if full else "It is as it was. Is its file system read-only?"
        return Failed(f"{shown} cannot be written on {host}{reason}.", hint, "NotWritten")
    return Failed(f"{host} gave no usable answer about {shown}{reason}.", "Try again.", "BadAnswer")
