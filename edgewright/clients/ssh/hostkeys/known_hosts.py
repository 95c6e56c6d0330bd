"""The format of known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT), and what files have about one host.

paramiko's reader refuses a file with `@cert-authority` or `@revoked` completely. Here a line that cannot be read is
passed over with a warning, as in OpenSSH.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import stat
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from edgewright.clients.ssh.config.patterns import host_in_list
from edgewright.clients.ssh.hostkeys.keys import HostKey, key_of_text
from edgewright.core.text import clean

MAX_BYTES = 8 << 20
"""Bytes of one file; more are not read, which is a warning."""
MAX_LINE = 65_536
MAX_ENTRIES = 64
"""Lines about one host that are used."""
MAX_WARNINGS = 5
"""Broken lines of a file that are named."""
AUTHORITY, REVOKED = "@cert-authority", "@revoked"
_HASHED = "|1|"
_adding = threading.Lock()


class Entry(NamedTuple):
    """A line: `marker` ("", `@cert-authority`, `@revoked`), names as written, key, and where it is."""

    marker: str
    names: str
    key: HostKey
    place: str


class Known(NamedTuple):
    """What is known about one host; `warnings` names lines and files that could not be read.

    `perhaps`: what can prove a key, and never refuse one: what is known under the name alone, for a host at another
    port than 22.
    """

    entries: tuple[Entry, ...] = ()
    warnings: tuple[str, ...] = ()
    perhaps: Known | None = None

    def of(self, marker: str) -> tuple[Entry, ...]:
        """Return the entries with this marker."""
        return tuple(entry for entry in self.entries if entry.marker == marker)


def parse_line(text: str, place: str) -> Entry | None:
    """Return the entry of a line, None for an empty one or a comment. Raises `ValueError` with what is wrong."""
    line = text.strip()
    if not line or line.startswith("#"):
        return None
    if len(line) > MAX_LINE:
        raise ValueError("is too long")
    fields = line.split(None, 4)
    marker = ""
    if fields[0].startswith("@"):
        marker = fields.pop(0)
        if marker not in (AUTHORITY, REVOKED):
            raise ValueError(f"has the unknown marker {clean(marker, 40)}")
    if len(fields) < 3:
        raise ValueError("is not NAMES TYPE KEY")
    names, kind, text_of_key = fields[:3]
    if names.startswith(_HASHED):
        _salt_and_digest(names)
    try:
        key = key_of_text(kind, text_of_key)
    except ValueError:
        raise ValueError("has no valid key") from None
    if key.is_certificate:
        raise ValueError("has a certificate instead of a key")
    return Entry(marker, names, key, place)


def _salt_and_digest(names: str) -> tuple[bytes, bytes]:
    salt, _, digest = names.removeprefix(_HASHED).partition("|")
    try:
        parts = base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True)
    except binascii.Error:
        parts = b"", b""
    if len(parts[0]) != 20 or len(parts[1]) != 20:
        raise ValueError("has no valid hashed name")
    return parts


def about(names: str, name: str) -> bool:
    """Return whether the names of a line mean `name` (`host`, or `[host]:port` for a port that is not 22)."""
    if names.startswith(_HASHED):
        salt, digest = _salt_and_digest(names)
        return hmac.compare_digest(hmac.digest(salt, name.lower().encode(), "sha1"), digest)
    return host_in_list(name, names)


def read_files(paths: Iterable[str], name: str) -> Known:
    """Return what files have about a name. A file that is not there is empty; one that cannot be read is a warning."""
    entries: list[Entry] = []
    warnings: list[str] = []
    for path in paths:
        try:
            data = _read(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            warnings.append(f"{clean(path, 200)} cannot be read: {error.strerror}.")
            continue
        if len(data) > MAX_BYTES:
            warnings.append(f"{clean(path, 200)} is longer than {MAX_BYTES} bytes; the rest is not read.")
        _add(data[:MAX_BYTES], clean(path, 200), name, entries, warnings)
    if len(entries) > MAX_ENTRIES:
        warnings.append(f"There are {len(entries)} lines about {name}; {MAX_ENTRIES} are used.")
        entries = [*[e for e in entries if e.marker == REVOKED], *[e for e in entries if e.marker != REVOKED]]
    return Known(tuple(entries[:MAX_ENTRIES]), tuple(warnings))


def _add(data: bytes, path: str, name: str, entries: list[Entry], warnings: list[str]) -> None:
    broken = 0
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        place = f"{path} line {number}"
        try:
            entry = parse_line(line, place)
            if entry is not None and about(entry.names, name):
                entries.append(entry)
        except ValueError as error:
            broken += 1
            if broken <= MAX_WARNINGS:
                warnings.append(f"{place} {error}; it is not used.")
    if broken > MAX_WARNINGS:
        warnings.append(f"{path} has {broken} lines that cannot be read; {MAX_WARNINGS} are named.")


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""  # /dev/null
        return file.read(MAX_BYTES + 1)


def hashed(name: str) -> str:
    """Return a name as `HashKnownHosts yes` writes it."""
    salt = secrets.token_bytes(20)
    digest = hmac.digest(salt, name.lower().encode(), hashlib.sha1)
    return f"{_HASHED}{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def add_line(path: str, name: str, key: HostKey, *, hash_name: bool) -> bool:
    """Add a key that the operator accepted to a file; return False for what is not a file (`/dev/null`).

    A key that is there already is not added again: several connections may open at the same time. One write to the
    end, as OpenSSH does it: a line that another program adds meanwhile is not lost. Folder and file are made for the
    user alone. Raises `OSError`.
    """
    with _adding:
        if any(entry.key == key for entry in read_files([path], name).of("")):
            return True
        return _append(Path(path), f"{hashed(name) if hash_name else name} {key.line}\n".encode())


def _append(place: Path, line: bytes) -> bool:
    """Write a line to the end of a file; see `add_line`."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return False
        if status.st_size and os.pread(descriptor, 1, status.st_size - 1) != b"\n":
            line = b"\n" + line
        if os.write(descriptor, line) != len(line):
            raise OSError(28, "the disk is full")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True


def revoked_by_file(path: str, keys: Sequence[HostKey]) -> str:
    """Return where one of `keys` is in a list of revoked keys (`RevokedHostKeys`), or "".

    Raises `ValueError` with the end of a sentence for a list that cannot be used: then no key may be trusted.
    """
    try:
        data = _read(path)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if data.startswith(b"SSHKRL\n\0"):
        raise ValueError("is a binary KRL, which is not supported: list the keys, one a line")
    if len(data) > MAX_BYTES:
        raise ValueError(f"is longer than {MAX_BYTES} bytes")
    blobs = {key.blob for key in keys}
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        fields = line.split(None, 2)
        if not fields or fields[0].startswith("#"):
            continue
        try:
            key = key_of_text(fields[0], fields[1] if len(fields) > 1 else "")
        except ValueError:
            raise ValueError(f"has no key in line {number}") from None
        if key.blob in blobs:
            return f"{clean(path, 200)} line {number}"
    return ""
