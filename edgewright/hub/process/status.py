"""Whether a hub runs on a data directory, without touching it."""

from __future__ import annotations

import contextlib
import http.client
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from edgewright.core import times
from edgewright.core.errors import Failed, NotFound, Refused
from edgewright.hub.db.integrity import NotFinished, damage
from edgewright.hub.process.files import DATABASE, lock_holder, write_atomically
from edgewright.wire import protocol

STATE_FILE = "hub.json"
"""What the running hub wrote at its start: where it listens."""
BACKUP_FILE = "backup.json"
"""When the data directory was last backed up."""
ANSWER_WITHIN = 5.0
"""Seconds that the hub may take to answer `status`."""
CHECK_WITHIN = 2.0
"""Seconds that `status` looks at the pages of a database; a backup looks at all of a larger one."""
DAMAGED = "damaged"


def write_state(data: Path, url: str, pid: int, started: str) -> None:
    """Note where the hub listens, for `status`."""
    write_atomically(data / STATE_FILE, msgspec.json.encode({"url": url, "pid": pid, "started": started}) + b"\n")


def status(data: Path) -> dict[str, Any]:
    """Return whether a hub runs on `data`, its process and address, and whether its database is intact.

    Raises `NotFound` when `data` is not a hub's, `Refused` when this user may not read it.
    """
    try:
        return _status(data)
    except PermissionError as error:
        raise Refused(
            f"{data} cannot be read by this user: {error.filename} ({error.strerror}).",
            "Run it as the user of the hub.",
            code="DataDirectoryAccess",
        ) from None


def _status(data: Path) -> dict[str, Any]:
    try:
        names = {path.name for path in data.iterdir()}  # `exists` hides a refusal on newer versions of Python
    except (FileNotFoundError, NotADirectoryError):
        names = set()
    if not names & {"hub.lock", DATABASE}:
        raise NotFound(f"{data} is not the data directory of a hub.", "Start one: edgewright hub serve --data DIR")
    holder = lock_holder(data)
    try:
        noted: dict[str, Any] = msgspec.json.decode((data / STATE_FILE).read_bytes())
    except (OSError, msgspec.DecodeError):
        noted = {}
    running = holder is not None
    matches: dict[str, Any] = {
        "running": running,
        "answers": None,
        "pid": holder,
        "url": noted.get("url") if running else None,
        "started": noted.get("started") if running else None,
        "data": str(data),
        "ca": str(data / "ca.crt"),
        "adminKey": str(data / "admin-api-key") if (data / "admin-api-key").exists() else None,
        **_last_backup(data),
        **_database(data),
    }
    if running and matches["url"] and matches["adminKey"]:
        matches.update(_ask(data, str(matches["url"])))
    return matches


def note_backup(data: Path, file: Path) -> None:
    """Note in the data directory when it was last backed up, and where to; failing at it does no harm."""
    note = {"file": str(file.absolute()), "at": times.rfc3339(times.now())}
    with contextlib.suppress(Failed):
        write_atomically(data / BACKUP_FILE, msgspec.json.encode(note) + b"\n")


def _last_backup(data: Path) -> dict[str, Any]:
    try:
        noted: dict[str, Any] = msgspec.json.decode((data / BACKUP_FILE).read_bytes())
    except (OSError, msgspec.DecodeError):
        noted = {}
    return {"lastBackup": noted.get("at"), "lastBackupFile": noted.get("file")}


def _database(data: Path) -> dict[str, Any]:
    """Return whether the pages of the SQLite database are intact; `None` when there is none, or the time was up."""
    if not (data / DATABASE).exists():
        return {"database": None}
    try:
        problem = damage(data / DATABASE, seconds=CHECK_WITHIN)
    except NotFinished:
        return {"database": None}
    return {"database": DAMAGED if problem else "intact", **({"databaseProblem": problem} if problem else {})}


def _problem(body: bytes) -> dict[str, str]:
    """Return why the hub answers nothing, in its own words; from an answer of the hub's form only."""
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    message = answer.get("message") if isinstance(answer, dict) else None
    return {"problem": message} if isinstance(message, str) else {}


def _ask(data: Path, url: str) -> dict[str, Any]:
    """Return what the hub reports; `answers` is false when it does not, `None` when its admin key was changed."""
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    if host in ("0.0.0.0", "::"):  # noqa: S104 - listens everywhere, so on this machine's own address too
        host = "127.0.0.1"
    try:
        context = ssl.create_default_context(cafile=str(data / "ca.crt"))
        key = (data / "admin-api-key").read_text().strip()
        link = http.client.HTTPSConnection(host, parts.port, context=context, timeout=ANSWER_WITHIN)
        with contextlib.closing(link):
            link.request("GET", protocol.HUB_STATUS, headers={protocol.H_API_KEY: key})
            answer = link.getresponse()
            body = answer.read()
        if answer.status != 200:
            return {"answers": None if answer.status == 401 else False, **_problem(body)}
        reported: dict[str, Any] = msgspec.json.decode(body)
    except (OSError, ValueError, http.client.HTTPException):
        return {"answers": False}
    hosts = reported.pop("hosts")
    flat = {"hosts": hosts.pop("count"), **{f"hosts{name.capitalize()}": count for name, count in hosts.items()}}
    return {"answers": True, **flat, **reported}
