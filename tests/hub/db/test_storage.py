"""Bad days of disk and door: full, read-only, too many connections; a clear answer each, and it heals by itself."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from edgewright.core.errors import Failed
from edgewright.hub.controllers.integrity_watch import check_database
from edgewright.hub.db.engines import open_engines
from edgewright.hub.db.transaction import Tx
from edgewright.hub.process.app import Hub
from edgewright.hub.process.files import DATABASE
from edgewright.hub.process.logs import JsonLines
from tests.hub_fixture import RunningHub, running_hub
from tests.support import ROOT


def set_read_only(hub: Hub, word: str) -> None:
    """Switch writing on or off on the writer's one connection, which lies idle in its pool."""
    pooled = hub.engine.raw_connection()
    pooled.cursor().execute(f"PRAGMA query_only={word}")
    pooled.close()


async def test_a_read_only_database_is_told_and_heals(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    set_read_only(hub, "ON")
    answer = await admin.post("/v1/edgehosts", json={"metadata": {"uid": "ro-1"}})
    assert (answer.status_code, answer.json()["code"]) == (503, "StorageReadOnly")
    assert answer.headers["retry-after"] == "10" and "nothing of this request was stored" in answer.json()["message"]
    assert (await admin.get("/v1/edgehosts/ro-1")).status_code == 404
    assert (await admin.get("/v1/users/info")).status_code == 200  # reading goes on
    set_read_only(hub, "OFF")
    assert (await admin.post("/v1/edgehosts", json={"metadata": {"uid": "ro-1"}})).status_code == 201


async def test_an_acknowledged_write_is_synced_by_sqlite(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    """The writer's connection: without FULL a power cut takes back what was acknowledged."""

    def settings(tx: Tx) -> dict[str, object]:
        names = ("synchronous", "journal_mode", "foreign_keys")
        return {name: tx.connection.execute(text(f"PRAGMA {name}")).scalar() for name in names}

    hub, _ = inside
    assert await hub.write(settings) == {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1}  # 2 is FULL


@pytest.mark.parametrize(("free", "hint"), [(0, "free space"), (1 << 30, "Restore a backup")])
def test_a_hub_on_a_full_disk_is_not_sent_to_a_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, hint: str
) -> None:
    """SQLite reports "disk I/O error" there: it cannot make the index of its log."""
    (tmp_path / DATABASE).mkdir()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    with pytest.raises(Failed) as error:
        open_engines(tmp_path, None)
    assert hint in error.value.hint


@pytest.mark.e2e
def test_a_full_disk_gets_507_and_loses_nothing_acknowledged(small_disk: Path) -> None:
    with running_hub(data=small_disk / "data") as hub:
        _, token = hub.token()
        host = hub.host("full-1", token)
        ballast = small_disk / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        kept = []
        for number in range(400):
            answer = hub.client().post("/v1/edgehosts", json={"metadata": {"uid": f"full-p{number}"}})
            if answer.status_code == 507:
                break
            assert answer.status_code == 201
            kept.append(f"full-p{number}")
        assert (answer.status_code, answer.json()["code"]) == (507, "StorageFull")
        assert "retry-after" in answer.headers
        assert hub.client().get("/v1/users/info").status_code == 200
        beat = host.patch("/v1/edgehosts/full-1/health", json={"state": "healthy"})
        assert beat.status_code in (204, 507)  # a page of the log may be free for one more row
        ballast.unlink()
        answer = hub.client().post("/v1/edgehosts", json={"metadata": {"uid": "full-after"}})
        assert answer.status_code == 201
        hub.kill()
        hub.start_again()
        for uid in (*kept, "full-after"):
            assert hub.client().get(f"/v1/edgehosts/{uid}").status_code == 200, uid


@pytest.mark.e2e
def test_a_read_only_directory_is_told_at_the_start(small_disk: Path) -> None:
    with running_hub(data=small_disk / "data"):
        pass
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    command = [sys.executable, "-m", "edgewright.hub.process.cli", "serve", "--data", str(small_disk / "data")]
    found = subprocess.run(
        [*command, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=30, check=False, cwd=ROOT
    )
    assert found.returncode == 1
    assert "cannot be written" in found.stderr and "Traceback" not in found.stderr


def _open(hub: RunningHub, source: str = "127.0.0.1") -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(hub.ca))
    port = int(hub.url.rpartition(":")[2])
    plain = socket.create_connection(("127.0.0.1", port), 5, source_address=(source, 0))
    return context.wrap_socket(plain, server_hostname="localhost")


def _patiently(hub: RunningHub) -> ssl.SSLSocket:
    """Open a connection; the one that asked whether the hub is ready may still be closing."""
    for _ in range(50):
        try:
            return _open(hub)
        except OSError:
            time.sleep(0.1)
    return _open(hub)


def test_the_cap_on_connections_leaves_those_that_are_open_alone() -> None:
    with running_hub("--max-connections", "8", "--max-connections-per-address", "8") as hub:
        admin = hub.client()
        assert admin.get("/v1/users/info").status_code == 200  # this connection stays open
        idle = [_patiently(hub) for _ in range(7)]
        for _ in range(3):
            with pytest.raises((OSError, ssl.SSLError)):
                _open(hub)
        assert admin.get("/v1/users/info").status_code == 200
        for one in idle:
            one.close()
        for _ in range(50):
            try:
                _open(hub).close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise AssertionError("there is still no room")
        assert any("limit of connections" in line["message"] for line in hub.log())


def test_one_address_cannot_take_every_connection() -> None:
    with running_hub("--max-connections", "8", "--max-connections-per-address", "4") as hub:
        open_links = [_patiently(hub) for _ in range(4)]
        with pytest.raises((OSError, ssl.SSLError)):
            _open(hub)
        other = _open(hub, "127.0.0.2")
        other.sendall(b"GET /v1/health/ping HTTP/1.1\r\nHost: h\r\n\r\n")
        assert other.recv(1000).startswith(b"HTTP/1.1 200")
        assert any(line.get("peer") == "127.0.0.1" and "one address" in line["message"] for line in hub.log())
        for link in (*open_links, other):
            link.close()


async def test_a_damaged_text_is_503_and_is_not_quoted(
    inside: tuple[Hub, httpx.AsyncClient], caplog: pytest.LogCaptureFixture
) -> None:
    hub, admin = inside
    assert (await admin.post("/v1/edgehosts", json={"metadata": {"uid": "d-1"}})).status_code == 201
    with hub.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audits SET doc = CAST(x'67414141414122ff' || 'sealed-text' AS TEXT)")
    answer = await admin.get("/v1/audits")
    assert (answer.status_code, answer.json()["code"]) == (503, "StorageDamaged")
    shown = "".join(JsonLines().format(record) for record in caplog.records)
    assert "not UTF-8" in shown and "sealed-text" not in shown + caplog.text + answer.text


async def damage_a_page(hub: Hub, admin: httpx.AsyncClient) -> bytes:
    """Write an audit entry, and over the first page of the audit log; returns the file before."""
    assert (await admin.post("/v1/edgehosts", json={"metadata": {"uid": "d-1"}})).status_code == 201
    with hub.engine.connect() as connection:
        root = connection.exec_driver_sql("SELECT rootpage FROM sqlite_master WHERE name = 'audits'").scalar()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar()
    assert isinstance(root, int) and isinstance(size, int)
    pooled = hub.engine.raw_connection()
    pooled.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pooled.close()
    whole = (hub.data / "hub.db").read_bytes()
    with (hub.data / "hub.db").open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xaa" * 400)
    hub.readers.dispose()
    return whole


async def test_a_damaged_page_is_503_and_the_rest_still_answers(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    await damage_a_page(hub, admin)
    answer = await admin.get("/v1/audits")
    assert (answer.status_code, answer.json()["code"]) == (503, "StorageDamaged")
    assert "hub status" in answer.json()["message"] and answer.headers["retry-after"] == "10"
    assert (await admin.get("/v1/users/info")).status_code == 200


async def test_damage_is_an_alert_of_the_plane_until_it_is_gone(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    await check_database(hub)
    assert (await admin.get("/edgewright/v1/alerts")).json()["items"] == []
    whole = await damage_a_page(hub, admin)
    await check_database(hub)
    await check_database(hub)
    (alert,) = (await admin.get("/edgewright/v1/alerts")).json()["items"]
    assert (alert["kind"], alert["code"]) == ("plane", "DatabaseDamaged") and "restore" in alert["hint"]
    (hub.data / "hub.db").write_bytes(whole)
    await check_database(hub)
    assert (await admin.get("/edgewright/v1/alerts")).json()["items"] == []


def test_no_parameter_of_a_statement_reaches_an_error(tmp_path: Path) -> None:
    for engine in open_engines(tmp_path, None):
        with engine.connect() as connection, pytest.raises(DBAPIError) as told:
            connection.execute(text("INSERT INTO nowhere VALUES (:secret)"), {"secret": "ewk-hidden"})
        assert "ewk-hidden" not in str(told.value)
        engine.dispose()


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_database_removed_under_the_hub_takes_no_more_writes(
    inside: tuple[Hub, httpx.AsyncClient], replaced: bool
) -> None:
    """SQLite would go on writing into a file without a name, and every acknowledged write would be lost."""
    hub, admin = inside
    assert (await admin.post("/v1/edgehosts", json={"metadata": {"uid": "gone-1"}})).status_code == 201
    (hub.data / "hub.db").rename(hub.data / "aside")
    if replaced:
        shutil.copyfile(hub.data / "aside", hub.data / "hub.db")
    answer = await admin.post("/v1/edgehosts", json={"metadata": {"uid": "gone-2"}})
    assert (answer.status_code, answer.json()["code"]) == (503, "StorageGone")
    (hub.data / "aside").replace(hub.data / "hub.db")
    assert (await admin.post("/v1/edgehosts", json={"metadata": {"uid": "gone-2"}})).status_code == 201
