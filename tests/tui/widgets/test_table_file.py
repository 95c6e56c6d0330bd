"""Exported tables: safe for spreadsheets, private, never over another file, and what is on the screen."""

from __future__ import annotations

import csv
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from edgewright.core.errors import Failed
from tests.tui.driving import console, newest_message, press, settle, until
from tests.tui.samples import NOW
from tui.frame.lists.export import Table
from tui.frame.lists.table_file import csv_text, json_text, write
from tui.screens.hosts.screen import HostsScreen


def table(*rows: tuple[Any, ...]) -> Table:
    return Table("hosts", ("uid", "name"), rows, at=NOW)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =cmd|'/c calc'!A0", "\t=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    cell = list(csv.reader(io.StringIO(csv_text(table((text, "x"))))))[1][0]
    assert cell.startswith("'") or not cell.lstrip().startswith(("=", "+", "-", "@"))


def test_csv_has_a_header_and_survives_commas_quotes_and_line_ends() -> None:
    rows = list(csv.reader(io.StringIO(csv_text(table(('a,"b"', "line\nend"), (None, ("x:1", "y:2")))))))
    assert rows[0] == ["uid", "name"]
    assert rows[1][0] == 'a,"b"'
    assert len(rows) == 3 and rows[2] == ["", "x:1 y:2"]


def test_json_has_rows_and_where_they_come_from() -> None:
    shown = json.loads(json_text(table(("u1", None), ("u2", 7))))
    assert shown["rows"] == [{"uid": "u1", "name": None}, {"uid": "u2", "name": 7}]
    assert shown["view"] == "hosts" and shown["exportedAt"].endswith("Z")


def test_a_file_is_private_and_never_replaces_another(tmp_path: Path) -> None:
    first, second = write(table(("a", "b")), "csv", tmp_path), write(table(("c", "d")), "csv", tmp_path)
    assert first != second and '"a"' in first.read_text() and '"c"' in second.read_text()
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert first.parent == tmp_path and first.name.startswith("hosts-")


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    name = write(table(("a", "b")), "json", tmp_path).name
    (tmp_path / name).unlink()
    (tmp_path / "victim").write_text("mine")
    (tmp_path / name).symlink_to(tmp_path / "victim")
    write(table(("a", "b")), "json", tmp_path)
    assert (tmp_path / "victim").read_text() == "mine"


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failed) as error:
        write(table(("a", "b")), "csv", tmp_path / "missing")
    assert "missing" in error.value.message


async def test_a_key_writes_the_hosts_that_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    async with console("hosts", "health:unhealthy") as (pilot, _, made):
        screen = pilot.app.screen
        assert isinstance(screen, HostsScreen)
        keys = tuple(screen.table.keys)
        await press(pilot, "ctrl+s")
        await settle(pilot)
        await press(pilot, "down", "down", "enter")
        await until(pilot, lambda: "written to" in newest_message(made))
        (path,) = (tmp_path / "data" / "exports").iterdir()
        assert f"written to ~/data/exports/{path.name}" in newest_message(made)
        shown = json.loads(path.read_text())
        assert tuple(row["uid"] for row in shown["rows"]) == keys
        assert shown["filter"] == "health:unhealthy"
        assert shown["rows"][0]["last_seen"].endswith("Z") and "kernel" not in shown["rows"][0]
        screen.action_export("json", "all")
        await until(pilot, lambda: len(list((tmp_path / "data" / "exports").iterdir())) == 2)
        await until(pilot, lambda: "written to" in newest_message(made))
        newest = max((tmp_path / "data" / "exports").iterdir(), key=lambda one: one.stat().st_mtime_ns)
        assert "kernel" in json.loads(newest.read_text())["rows"][0]


@pytest.mark.parametrize("view", ["tokens", "events", "audit", "installers"])
async def test_every_list_is_written(view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path))
    async with console(view) as (pilot, _, made):
        pilot.app.screen.action_export("csv")  # type: ignore[attr-defined]
        await until(pilot, lambda: "written to" in newest_message(made))
        (path,) = (tmp_path / "data" / "exports").iterdir()
        rows = list(csv.reader(io.StringIO(path.read_text())))
        assert rows[0][0] == "uid" and len(rows) == 1 + len(pilot.app.screen.table.keys)  # type: ignore[attr-defined]
        if view == "events":
            assert rows[1][1].endswith("Z") and len(rows[1][1]) >= 20
