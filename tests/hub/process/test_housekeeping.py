"""What the hub does for itself: a certificate renewed while it serves, and what only grows kept within bounds."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from sqlalchemy import Table, func, select

from edgewright.core import times
from edgewright.hub.db import pruning, schema
from edgewright.hub.process import retention
from edgewright.hub.process.app import Hub
from edgewright.hub.process.housekeeping import Meter
from edgewright.hub.resources.feed import retention as feed_retention
from edgewright.hub.security import pki
from tests import forked
from tests.hub_fixture import RunningHub, running_hub
from tests.hub_fleet import add_events, open_hub
from tests.support import ROOT

DAY = pruning.DAY


def served(hub: RunningHub) -> x509.Certificate:
    """Return the certificate that a new connection is shown."""
    context = ssl.create_default_context(cafile=str(hub.ca))
    port = int(hub.url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as link,
    ):
        return x509.load_der_x509_certificate(link.getpeercert(binary_form=True) or b"")


def test_the_certificate_is_renewed_while_the_hub_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_hub("--housekeeping", "0.3") as hub:
        old = served(hub)
        admin = hub.client()
        assert admin.get("/v1/users/info").status_code == 200
        authority = hub.ca.read_bytes()
        monkeypatch.setattr(pki, "LEAF_DAYS", 10)  # what is on disk now ends soon
        pki._make_leaf(hub.data, pki.general_names(("127.0.0.1",)))
        for _ in range(100):
            if served(hub).serial_number != old.serial_number:
                break
            time.sleep(0.1)
        new = served(hub)
        assert (
            new.not_valid_after_utc - new.not_valid_before_utc
        ).days == 365 + 397  # the hub's own, not the short one
        assert hub.ca.read_bytes() == authority
        assert admin.get("/v1/users/info").status_code == 200  # on the connection that was open before
        assert any("certificate is renewed" in line["message"] for line in hub.log())


def count(hub: Hub, table: Table) -> int:
    with hub.readers.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar() or 0)


async def test_what_is_too_old_goes_in_batches(tmp_path: Path) -> None:
    hub = open_hub(tmp_path / "d", sweep=1e9, max_events=1000)
    await hub.start()
    now = times.now()
    add_events(hub, 1200, now - 31 * DAY)
    add_events(hub, 1100, now - 29 * DAY)
    audit: dict[str, Any] = {
        "project_uid": "", "user_uid": "", "action_type": "", "resource_kind": "", "resource_uid": "", "doc": "{}",
    }  # fmt: skip
    operation: dict[str, Any] = {
        "host_uid": "h", "kind": "reset", "params": "{}", "generation": 1, "actor": "", "deadline": now,
    }  # fmt: skip
    log: dict[str, Any] = {"host_uid": "h", "offset": 0, "lines": "[]", "last": True, "received": now}
    intent: dict[str, Any] = {
        "host_uid": "h", "field": "f", "base_generation": 1, "base_value": "0", "value": "1", "actor": "", "at": None,
        "note": "", "state": "offered",
    }  # fmt: skip
    with hub.engine.begin() as connection:
        for uid, days in (("old", 366), ("new", 364)):
            connection.execute(schema.audits.insert().values(uid=uid, at=now - days * DAY, **audit))
            connection.execute(schema.intents.insert().values(id=uid, received=now - days * DAY, **intent))
        for uid, days, state in (("1", 91, "succeeded"), ("2", 91, "pending"), ("3", 89, "expired")):
            values = {"id": uid, "created": now - days * DAY, "state": state, **operation}
            connection.execute(schema.operations.insert().values(values))
            connection.execute(schema.logs.insert().values(operation_id=uid, **log))
    batches = hub.writer.batches
    gone = await retention.prune(hub)
    assert gone == {"events": 1300, "audits": 0, "operations": 1, "intents": 1, "blobs": 0, "relay_streams": 0}
    assert count(hub, schema.audits) == 2  # never by one check
    assert hub.clock.seen.audits_at is not None
    hub.clock.seen.audits_at -= feed_retention.CONFIRM
    assert (await retention.prune(hub))["audits"] == 1
    assert hub.writer.batches - batches >= 5  # in steps, not all at once
    assert count(hub, schema.events) == 1000
    with hub.readers.connect() as connection:
        assert connection.execute(select(schema.audits.c.uid)).scalars().all() == ["new"]
        assert sorted(connection.execute(select(schema.operations.c.id)).scalars()) == ["2", "3"]
        assert sorted(connection.execute(select(schema.logs.c.operation_id)).scalars()) == ["2", "3"]
    assert sum((await retention.prune(hub)).values()) == 0
    await hub.stop()


def test_meter_counts_the_last_minute() -> None:
    meter = Meter()
    began = times.now()
    for second in range(200):
        meter.note(began + second, second * 50 if second < 100 else 5000)
    assert meter.rate(began + 199, 5000) == 0
    for second in range(200, 262):
        meter.note(began + second, 5000 + (second - 200) * 30)
    assert meter.rate(began + 261, 5000 + 61 * 30) == pytest.approx(30, rel=0.1)


def status(data: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgewright.hub.process.cli", "status", "--data", str(data), *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return forked.run(command, env=environment, cwd=ROOT)


def test_status_tells_how_the_hub_does(tmp_path: Path) -> None:
    assert status(tmp_path / "none").returncode == 3
    with running_hub("--sweep", "0.2", data=tmp_path / "d") as hub:
        _, token = hub.token()
        host = hub.host("st-1", token)
        hub.host("st-2", token)
        for seq in range(1, 30):
            host.patch("/v1/edgehosts/st-1/health", json={"state": "healthy", "edgewright": {"seq": seq}})
        found = status(hub.data, "-o", "json")
        told = json.loads(found.stdout)
        assert found.returncode == 0
        assert (told["running"], told["answers"], told["hosts"], told["hostsHealthy"]) == (True, True, 2, 1)
        assert told["hostsUnknown"] == 1 and told["heartbeatsPerSecond"] > 0 and told["uptimeSeconds"] >= 0
        assert told["databaseBytes"] > 10_000 and told["freeBytes"] > 0 and told["lastBackup"] is None
        made = [
            sys.executable,
            "-m",
            "edgewright.hub.process.cli",
            "backup",
            "--data",
            str(hub.data),
            str(tmp_path / "b.tgz"),
        ]
        subprocess.run(made, check=True, cwd=ROOT, capture_output=True)
        table = status(hub.data).stdout
        assert f"lastBackupFile       {tmp_path / 'b.tgz'}" in table and "lastBackup           2" in table
        os.kill(hub.process.pid, 19)  # a hub that hangs does not answer
        try:
            hung = status(hub.data, "-o", "json")
            assert hung.returncode == 5 and json.loads(hung.stdout)["answers"] is False
        finally:
            os.kill(hub.process.pid, 18)
        assert hub.viewer().get("/edgewright/v1/status").status_code == 200
        assert hub.anonymous().get("/edgewright/v1/status").status_code == 401
    stopped = status(tmp_path / "d", "-o", "json")
    assert stopped.returncode == 5 and json.loads(stopped.stdout)["running"] is False


def test_a_restored_hub_knows_its_hosts_by_their_credentials(tmp_path: Path) -> None:
    from edgewright.hub.process.backup import backup, restore

    with running_hub(data=tmp_path / "a") as hub:
        _, token = hub.token()
        credential = hub.host("rt-1", token).headers["authorization"]
        gone = hub.host("rt-2", token).headers["authorization"]
        hub.client().delete("/v1/edgehosts/rt-2")
        made = hub.client().post("/v1/apiKeys", json={"metadata": {"name": "second"}}).json()["apiKey"]
        session = hub.client().post(
            "/v1/auth/authenticate", json={"emailId": "admin@localhost", "password": hub.admin_key}
        )
        file = backup(hub.data, tmp_path / "hub.tgz")
        authority = hub.ca.read_bytes()
    restore(file, tmp_path / "b")
    with running_hub(data=tmp_path / "b") as again:
        assert again.ca.read_bytes() == authority  # hosts and consoles trust the restored hub as it is
        host = again.client(Authorization=credential)
        assert host.patch("/v1/edgehosts/rt-1/health", json={"state": "healthy"}).status_code == 204
        lost = again.client(Authorization=gone).get("/v1/edgehosts/rt-2/config")
        assert (lost.status_code, lost.json()["code"]) == (401, "HostGone")
        assert again.client(ApiKey=made).get("/v1/users/info").status_code == 200
        kept = again.client(Authorization=session.json()["Authorization"])
        assert kept.get("/v1/users/info").status_code == 200
        tokens = again.client().get("/v1/edgehosts/tokens").json()["items"]
        assert [item["spec"]["token"] for item in tokens] == [token]  # the sealed text can still be read
