"""Whether a SQLite database of the hub is intact: its pages, and the texts in them.

A damaged page may stay unread for months while every write succeeds, so it is not noticed before the restart that
fails. Backup, restore and `hub status` therefore look on purpose.
"""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_TEXT = re.compile(r"Could not decode to UTF-8 column '(\w+)'")
_NOT_UTF8 = "has a text that is not UTF-8"
_TICK = 100_000
"""Steps of SQLite's virtual machine between two looks at the time."""


class NotFinished(Exception):
    """The check ran out of time, or another program uses the database: whether it is intact is unknown."""


def cause(error: BaseException) -> str:
    """Return the first line of a database's error without the stored text that SQLite's driver quotes in it."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    column = _TEXT.search(text)
    return f"column {column[1]} {_NOT_UTF8}" if column else text


def is_damage(error: BaseException) -> bool:
    """Return whether an error of a SQLite or PostgreSQL driver means that what is stored is damaged."""
    if isinstance(error, sqlite3.Error):
        primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return primary in _DAMAGED or _TEXT.search(str(error)) is not None or _NOT_UTF8 in str(error)
    return getattr(error, "sqlstate", None) in ("XX001", "XX002")  # data_corrupted, index_corrupted


def damage(database: Path, *, seconds: float | None = None, copy: bool = False) -> str:
    """Return what is damaged in a SQLite file, one line; empty when nothing is.

    With `seconds` only the pages are looked at, and no longer than that; without, also indexes and every text. With
    `copy` no other process has the file open. Raises `NotFinished`, and `OSError` for a file that cannot be read.
    """
    with database.open("rb") as file:
        if not file.read(1):
            return "it is empty"
    try:
        with closing(
            sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro{'&immutable=1' * copy}", uri=True)
        ) as link:
            if seconds is not None:
                end = time.monotonic() + seconds
                link.set_progress_handler(lambda: int(time.monotonic() > end), _TICK)
            return _pages(link, thorough=seconds is None) or (_texts(link) if seconds is None else "")
    except sqlite3.Error as error:
        if is_damage(error):
            return cause(error)
        raise NotFinished(cause(error)) from None


def _pages(link: sqlite3.Connection, *, thorough: bool) -> str:
    if link.execute("SELECT 1 FROM sqlite_master WHERE name = 'settings'").fetchone() is None:
        return "it has no tables of a hub"
    lines = str(
        link.execute(f"PRAGMA {'integrity_check' if thorough else 'quick_check'}(1)").fetchone()[0]
    ).splitlines()
    lines = [line for line in lines if not line.startswith("***")]
    return "" if lines == ["ok"] else (lines or ["its pages contradict each other"])[0]


def _texts(link: sqlite3.Connection) -> str:
    """Read every value: SQLite has no checksums, but most random bytes are no UTF-8."""
    for (table,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        try:
            for _ in link.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - a name from the database's own list
                pass
        except sqlite3.OperationalError as error:
            if not _TEXT.search(str(error)):
                raise
            return f"table {table}, {cause(error)}"
    return ""
