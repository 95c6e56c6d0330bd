"""The entries of a directory as a host prints them; names may have any byte, they are cleaned where they are shown.

Owner and group of a directory service have spaces (`domain users`).
"""

from __future__ import annotations

import re
import stat
from typing import NamedTuple

MOST_ENTRIES = 4000
_ENTRY = re.compile(
    rb"([0-9a-f]{1,8}) (\d{1,10}) (\d{1,10}) (\d{1,19}) (-?\d{1,19}) ([^\n/]{1,300}?) \./(.+)", re.DOTALL
)


class Entry(NamedTuple):
    """One entry. `mode` is that of stat(2), `modified` epoch seconds, `target` where a link leads."""

    name: str
    mode: int
    uid: int
    gid: int
    owner: str
    size: int
    modified: int
    target: str = ""

    @property
    def kind(self) -> str:
        """Return `file`, `folder`, `link` or `special`."""
        if stat.S_ISREG(self.mode):
            return "file"
        if stat.S_ISDIR(self.mode):
            return "folder"
        return "link" if stat.S_ISLNK(self.mode) else "special"


class Listing(NamedTuple):
    """A directory. `free`: bytes, None where unknown; `cut`: it has more entries; `root`: whether root read it."""

    path: str
    entries: tuple[Entry, ...]
    free: int | None
    writable: bool
    root: bool
    cut: bool


def parse(output: bytes, marker: str, path: str) -> Listing | list[str]:
    """Return a directory, or the fields of the frame `fail`. Raises `ValueError` for an answer that is none."""
    mark = b"\n" + marker.encode() + b" "
    pieces = (b"\n" + output).split(mark)[1:]
    entries: dict[bytes, Entry] = {}
    head: list[str] | None = None
    ended = more = False
    link = b""
    for piece in pieces:
        verb, _, rest = piece.partition(b" ")
        if verb in (b"fail", b"dir"):
            fields = rest.split(b"\n")[0].decode("utf-8", "replace").split(" ")
            if verb == b"fail":
                return fields
            head = fields
        elif verb == b"e":
            match = _ENTRY.fullmatch(rest)
            if match and b"/" not in match.group(7) and len(entries) < MOST_ENTRIES:
                entries[match.group(7)] = _entry(match)
            else:
                more = True
        elif verb == b"t":
            link = rest[2:]
        elif verb == b"=" and link in entries:
            target = rest[:-1] if rest.endswith(b"\n") else rest
            entries[link] = entries[link]._replace(target=_text(target[:4096]))
        elif verb.rstrip(b"\n") == b"end":
            ended = True
    if head is None or len(head) < 3:
        raise ValueError("no directory")
    free = int(head[2]) * 1024 if head[2].isdecimal() and len(head[2]) < 16 else None
    every = tuple(sorted(entries.values(), key=lambda entry: (entry.kind != "folder", entry.name)))
    cut = not ended or more
    return Listing(path, every, free, head[1] == "1", head[0] == "0", cut)


def _entry(match: re.Match[bytes]) -> Entry:
    mode, uid, gid, size, modified, owner, name = match.groups()
    return Entry(_text(name), int(mode, 16), int(uid), int(gid), _text(owner), int(size), int(modified))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
