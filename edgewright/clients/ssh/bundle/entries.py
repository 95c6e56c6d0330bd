"""An entry of a bundle: a file, the newest files of a pattern, the output of a command, the journal of units."""

from __future__ import annotations

from typing import Literal, NamedTuple

KB, MB = 1024, 1024 * 1024
Kind = Literal["file", "glob", "command", "journal"]


class Entry(NamedTuple):
    """`name` is the path in the bundle, for a glob the folder of its files; `source` what is read on the host.

    `size`: bytes at most, of each file of a glob; of a file and of a journal the end is read. `seconds`: for a command,
    on the host. `most`: files of a glob, the newest first. `root`: `needed` where it can only be read as root, `better`
    where a user sees less. `document`: user-data, whose secrets are also known by its schema.
    """

    name: str
    what: str
    kind: Kind
    source: str
    size: int = 256 * KB
    seconds: int = 10
    most: int = 1
    root: Literal["needed", "better"] = "better"
    document: bool = False

    @property
    def shown(self) -> str:
        """What is read, as it is shown: a path, a pattern, or the command."""
        if self.kind == "journal":
            return f"journalctl -u {self.source}" if self.source != "-k" else "journalctl -k"
        return self.source.strip()


def file(name: str, path: str, what: str, size: int = 2 * MB, *, document: bool = False) -> Entry:
    """Return an entry for the end of one file."""
    return Entry(name, what, "file", path, size, document=document)


def glob(name: str, pattern: str, what: str, most: int, size: int = MB) -> Entry:
    """Return an entry for the newest files of a pattern."""
    return Entry(name, what, "glob", pattern, size, most=most)


def command(name: str, what: str, script: str, seconds: int = 10, size: int = 256 * KB, root: str = "better") -> Entry:
    """Return an entry for what a script prints, stderr included."""
    return Entry(name, what, "command", script, size, seconds, root="needed" if root == "needed" else "better")


def journal(unit: str, size: int = 4 * MB) -> Entry:
    """Return an entry for the journal of one unit."""
    return Entry(f"journal/{unit}.log", f"journal of {unit}", "journal", unit, size)
