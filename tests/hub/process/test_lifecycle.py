"""Keys, certificates, backup, a full disk, and PostgreSQL instead of SQLite."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from edgewright.core.errors import Conflict, InvalidInput
from edgewright.hub.db import migrations, schema
from edgewright.hub.db.engines import open_engines
from edgewright.hub.db.transaction import Tx
from edgewright.hub.db.writer import Writer
from edgewright.hub.http.problems import StorageProblem
from edgewright.hub.process.backup import backup, restore
from edgewright.hub.process.status import status
from edgewright.hub.security import pki
from tests.hub_fixture import RunningHub, running_hub
from tests.postgres import Cluster


def test_certificates_follow_the_advertised_names(tmp_path: Path) -> None:
    assert pki.ensure_certificates(tmp_path, ["127.0.0.1"])
    authority = (tmp_path / "ca.crt").read_bytes()
    assert not pki.ensure_certificates(tmp_path, ["127.0.0.1"])
    assert pki.ensure_certificates(tmp_path, ["127.0.0.1", "hub.example", "10.1.2.3", "0.0.0.0"])
    assert (tmp_path / "ca.crt").read_bytes() == authority
    leaf = x509.load_pem_x509_certificate((tmp_path / "server.crt").read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "hub.example"]
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    assert addresses == ["127.0.0.1", "::1", "10.1.2.3"]
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days <= 825  # some TLS stacks refuse more
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600


def test_strict_verification_accepts_the_certificate(hub: RunningHub) -> None:
    import socket

    context = ssl.create_default_context(cafile=str(hub.ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    port = int(hub.url.rpartition(":")[2])
    for name in ("localhost", "127.0.0.1"):
        with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain, server_hostname=name):
            pass


def test_backup_of_a_running_hub_and_restore(tmp_path: Path) -> None:
    with running_hub(data=tmp_path / "a") as hub:
        _, token = hub.token()
        hub.register("b-1", token)
        file = backup(hub.data, tmp_path / "hub.tar.gz")
        assert status(hub.data)["running"] is True and status(hub.data)["url"] == hub.url
        with pytest.raises(Conflict):
            restore(file, hub.data)
    assert file.stat().st_mode & 0o777 == 0o600
    assert status(tmp_path / "a")["running"] is False
    restore(file, tmp_path / "b")
    with running_hub(data=tmp_path / "b") as again:
        assert again.admin_key == hub.admin_key
        assert again.client().get("/v1/edgehosts/b-1").status_code == 200
        assert again.register("b-2", token).status_code == 200
    (tmp_path / "junk").write_bytes(b"junk")
    with pytest.raises(InvalidInput):
        restore(tmp_path / "junk", tmp_path / "c")


async def test_full_disk_is_told_and_the_writer_recovers(tmp_path: Path) -> None:
    engine, readers = open_engines(tmp_path, None)
    migrations.migrate(engine)
    writer = Writer(engine, asyncio.get_running_loop())

    def store(size: int) -> object:
        return lambda tx: tx.run(schema.settings.insert().values(key=f"k{size}-{tx.now}", value="x" * size))

    def limit(tx: Tx) -> None:
        pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar()
        tx.connection.exec_driver_sql(f"PRAGMA max_page_count={int(pages or 0) + 2}")

    await writer.submit(limit)
    with pytest.raises(StorageProblem) as full:
        await writer.submit(store(1_000_000))  # type: ignore[arg-type]
    assert full.value.status == 507 and "full" in full.value.message
    assert await writer.submit(lambda tx: len(tx.all(schema.settings.select()))) == 0
    await writer.submit(lambda tx: tx.connection.exec_driver_sql("PRAGMA max_page_count=1000000").scalar())
    assert await writer.submit(store(1_000_000)) == 1  # type: ignore[arg-type]
    await asyncio.to_thread(writer.stop)
    engine.dispose()
    readers.dispose()


async def test_one_bad_job_does_not_take_its_batch_along(tmp_path: Path) -> None:
    engine, _ = open_engines(tmp_path, None)
    migrations.migrate(engine)
    writer = Writer(engine, asyncio.get_running_loop())

    def job(number: int) -> object:
        def run(tx: Tx) -> int:
            tx.run(schema.settings.insert().values(key=str(number), value=""))
            if number % 3 == 0:
                raise ValueError(number)
            return number

        return run

    results = await asyncio.gather(*(writer.submit(job(n)) for n in range(30)), return_exceptions=True)  # type: ignore[arg-type]
    assert [isinstance(result, ValueError) for result in results] == [n % 3 == 0 for n in range(30)]
    assert await writer.submit(lambda tx: len(tx.all(schema.settings.select()))) == 20
    await asyncio.to_thread(writer.stop)


def test_postgresql_takes_the_core_sequence(tmp_path: Path, postgres: Cluster) -> None:
    url = postgres.url(postgres.create())
    with running_hub("--db", url, data=tmp_path / "d") as hub:
        _, token = hub.token()
        host = hub.host("pg-1", token)
        beat = {"state": "healthy", "edgewright": {"seq": 1, "bootId": "b"}}
        assert host.patch("/v1/edgehosts/pg-1/health", json=beat).status_code == 204
        assert hub.register("pg-1", token, "f" * 32).status_code == 409
        made = hub.client().post("/edgewright/v1/hosts/pg-1/operations", json={"kind": "reset"}).json()["uid"]
        result = {"state": "succeeded", "message": "ok"}
        done = f"/edgewright/v1/hosts/pg-1/operations/{made}/result"
        assert host.post(done, json=result).status_code == 204
        hub.kill()
        hub.start_again()
        found = hub.client().get("/v1/edgehosts/pg-1").json()["status"]
        assert found["state"] == "ready" and found["edgewright"]["heartbeats"] == 1
        assert hub.client().get("/v1/audits").json()["listmeta"]["count"] >= 3
