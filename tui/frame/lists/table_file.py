"""A table as a CSV or JSON file: safe for spreadsheets, private, and never over another file."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

from edgewright.core import times
from edgewright.core.errors import Failed
from edgewright.core.text import clean
from tui.frame.lists.export import Format, Table, Value

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins with one of these for a formula (OWASP, CSV injection)."""
MOST_NAMES = 1000


def csv_text(table: Table) -> str:
    """Return the table with a header line, every cell quoted; an unknown value is an empty cell."""
    import csv  # not before the first frame: see `tests/tui/terminal/test_first_frame.py`

    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(table.columns)
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    return out.getvalue()


def _cell(value: Value) -> str | float | int:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    text = clean(" ".join(value) if isinstance(value, tuple) else value, limit=100_000)
    return f"'{text}" if text.lstrip().startswith(FORMULA) or text.startswith(FORMULA) else text


def json_text(table: Table) -> str:
    """Return an object with where the rows come from and `rows`, one object for each."""
    import json

    shown = {
        "view": table.view,
        "plane": table.plane,
        "project": table.project,
        "filter": table.filter,
        "sort": table.sort,
        "exportedAt": times.rfc3339(table.at),
        "rows": [dict(zip(table.columns, row, strict=True)) for row in table.rows],
    }
    return json.dumps(shown, ensure_ascii=False, indent=1) + "\n"


def write(table: Table, format: Format, folder: Path) -> Path:  # noqa: A002
    """Write the table as a new file in `folder` and return its path; only the user can read it.

    Raises `Failed` when the disk does not take it.
    """
    from edgewright.config import locations

    content = (csv_text(table) if format == "csv" else json_text(table)).encode()
    stamp = re.sub(r"[-:]", "", times.rfc3339(table.at)[:19])
    view = re.sub(r"[^a-z0-9-]+", "-", table.view.lower()).strip("-") or "table"
    for number in range(MOST_NAMES):
        path = folder / f"{view}-{stamp}Z{f'-{number}' if number else ''}.{format}"
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue
        except OSError as error:
            raise Failed(f"{locations.shown(path)} cannot be written: {error.strerror or error}.", _ROOM) from None
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise Failed(f"{locations.shown(path)} cannot be written: {error.strerror or error}.", _ROOM) from None
        return path
    raise Failed(f"{folder} has {MOST_NAMES} tables of this second.", "Wait a second, then press the key again.")


_ROOM = "Make room, or set EDGEWRIGHT_HOME to a directory that you may write."
