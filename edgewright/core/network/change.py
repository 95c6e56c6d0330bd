"""What a change is made of: old and new values, files, the commands around them, and what becomes of the link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

OEM_FILE = "/oem/99_site_network.yaml"
"""What writes the same files at each start of a host that has its settings in /oem."""


class FileChange(NamedTuple):
    """One file as it shall be; `text` None removes it. `mode` counts where the file is new."""

    path: str
    text: str | None
    mode: int = 0o644


class Value(NamedTuple):
    """One value that changes, as it is shown."""

    label: str
    old: str
    new: str


class Change(NamedTuple):
    """A change that can be applied and taken back.

    `before` runs while the files are still those that are left (old ones when it is applied, new ones when it is taken
    back), `after` when they are there; `back` is what only the way back needs, `boot` what it needs at a start of the
    host, before its network is up. All are lines of a shell, made of checked values alone. `cut`: what becomes of this
    connection, "" when it stays; `address`: where the host answers then, "" for the same address as before.
    """

    values: tuple[Value, ...]
    files: tuple[FileChange, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    boot: tuple[str, ...] = ()
    cut: str = ""
    address: str = ""
    notes: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether all is as wanted already."""
        return not self.values


class Draft:
    """A change while it is put together: files are edited one after the other, commands are there once."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)
        self._files: dict[str, FileChange] = {}
        self.values: list[Value] = []
        self.before: list[str] = []
        self.after: list[str] = []
        self.back: list[str] = []
        self.boot: list[str] = []
        self.notes: list[str] = []
        self.cut = self.address = ""

    def text(self, path: str) -> str:
        """Return a file as it is, with what was edited; "" for one that is not there."""
        changed = self._files.get(path)
        return self._texts.get(path, "") if changed is None else changed.text or ""

    def write(self, path: str, text: str | None, mode: int = 0o644) -> None:
        """Set a file, unless it is so already."""
        if self._texts.get(path) == text and path not in self._files:
            return
        self._files[path] = FileChange(path, text, mode)

    def value(self, label: str, old: str, new: str) -> bool:
        """Note a value that changes; return whether it does."""
        if old == new:
            return False
        self.values.append(Value(label, old or "-", new or "-"))
        return True

    @property
    def files(self) -> tuple[FileChange, ...]:
        """What was written so far."""
        return tuple(self._files.values())

    def done(self) -> Change:
        """Return the change."""
        return Change(
            tuple(self.values), self.files, once(self.before), once(self.after), once(self.back), once(self.boot),
            self.cut, self.address, once(self.notes),
        )  # fmt: skip


def once(lines: Sequence[str]) -> tuple[str, ...]:
    """Return lines without those that were there before."""
    return tuple(dict.fromkeys(lines))


def there(name: str) -> str:
    """Return what waits for a link, and fails where it does not appear: a kernel may have no VLANs."""
    wait = f"for n in 1 2 3 4 5 6 7 8 9 10; do [ -e /sys/class/net/{name} ] || sleep 1; done"
    return f"{wait}; ip link show dev {name}"
