"""What is missing or foreign in a data directory keeps the hub from starting (rule P56): a new one would hide it."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from edgewright.core.errors import EdgewrightError, Failed, Refused
from edgewright.hub.db import migrations
from edgewright.hub.db.data_directory import open_directory
from edgewright.hub.db.engines import open_engines
from edgewright.hub.process.backup import backup, restore
from edgewright.hub.process.housekeeping import renew_certificate
from edgewright.hub.process.options import ServeOptions
from edgewright.hub.process.serve import prepare
from edgewright.hub.process.status import write_state
from edgewright.hub.security import key_match, pki
from tests.forked import Forked
from tests.hub_fixture import running_hub
from tests.postgres import Cluster
from tests.support import ROOT, missing

V0_1_0 = ROOT / "tests" / "fixtures" / "v0_1_0"


def start(data: Path, *, db: str | None = None, new_ca: bool = False) -> None:
    """Do all of a start but the socket."""
    open_directory(data)
    hub = prepare(ServeOptions(data=data, db=db, new_ca=new_ca))
    write_state(data, "https://127.0.0.1:1", 1, "2026-01-01T00:00:00Z")
    hub.engine.dispose()
    hub.readers.dispose()


def ready_line(data: Path, *words: str) -> str:
    """Return what a hub prints when it is ready, and end it."""
    command = [
        sys.executable,
        "-m",
        "edgewright.hub.process.cli",
        "serve",
        "--data",
        str(data),
        "--listen",
        "127.0.0.1:0",
    ]
    process = Forked([*command, *words], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        assert process.wait(timeout=20) == 0
        return line
    finally:
        process.kill()
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("made") / "d"
    start(data)
    return data


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "d"))


def files(data: Path) -> dict[str, bytes]:
    """Return what is in a directory, apart from the write-ahead log that a look at a database leaves."""
    return {path.name: path.read_bytes() for path in data.iterdir() if not path.name.startswith("hub.db-")}


def remove(*names: str) -> Callable[[Path], None]:
    def harm(data: Path) -> None:
        for name in names:
            (data / name).unlink()

    return harm


def empty_database(data: Path) -> None:
    (data / "hub.db").write_bytes(b"")


def new_database(data: Path) -> None:
    (data / "hub.db").unlink()
    engines = open_engines(data, None)
    migrations.migrate(engines[0])
    for engine in engines:
        engine.dispose()


def other_key(data: Path) -> None:
    (data / "secret.key").write_bytes(Fernet.generate_key())


def other_authority(data: Path) -> None:
    pki.make_ca(data)


LOSSES = {
    "no database": (remove("hub.db"), "MissingDatabase", "hub.db is missing, but .* in use \\(hub.json\\)"),
    "empty file": (empty_database, "MissingDatabase", "hub.db is empty, but .* in use \\(hub.json\\)"),
    "no records": (new_database, "MissingDatabase", "The database has no records, but .* in use \\(hub.json\\)"),
    "no key": (
        remove("secret.key"),
        "MissingKey",
        "secret.key is missing in .*, and this database was used with it",
    ),
    "no keys": (remove("secret.key", "ca.crt", "ca.key"), "MissingKey", "secret.key is missing in"),
    "other key": (other_key, "WrongKey", "secret.key is not the key of this database"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_refused_and_nothing_is_created(data: Path, name: str) -> None:
    harm, code, sentence = LOSSES[name]
    harm(data)
    before = files(data)
    with pytest.raises(Failed, match=sentence) as refused:
        start(data)
    assert refused.value.code == code and refused.value.hint
    assert files(data) == before


AUTHORITY_LOSSES = {
    "no CA": remove("ca.crt", "ca.key"),
    "no CA, no leaf": remove("ca.crt", "ca.key", "server.crt", "server.key"),
    "no CA certificate": remove("ca.crt", "server.crt"),
    "no CA key": remove("ca.key"),
    "other CA": other_authority,
}


@pytest.mark.parametrize("name", AUTHORITY_LOSSES)
def test_a_directory_takes_the_authority_of_its_database(data: Path, name: str) -> None:
    """P56: the CA belongs to the database; what a directory has of it is a copy."""
    before = files(data)
    AUTHORITY_LOSSES[name](data)
    start(data)
    assert {name: files(data)[name] for name in ("ca.crt", "ca.key")} == {
        name: before[name] for name in ("ca.crt", "ca.key")
    }
    assert (data / "ca.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", AUTHORITY_LOSSES)
def test_a_new_authority_is_made_on_request_only(data: Path, name: str) -> None:
    before = (data / "ca.crt").read_bytes()
    AUTHORITY_LOSSES[name](data)
    start(data, new_ca=True)
    after = (data / "ca.crt").read_bytes()
    assert after != before
    start(data)
    assert (data / "ca.crt").read_bytes() == after


OLD_LOSSES = {
    "no CA": (remove("ca.crt", "ca.key"), "MissingCA", "ca.crt and ca.key are missing in"),
    "no CA certificate": (remove("ca.crt", "server.crt"), "MissingCA", "ca.crt is missing in"),
    "no CA key": (remove("ca.key"), "MissingCA", "ca.key is missing in"),
    "no keys": (remove("secret.key", "ca.crt", "ca.key"), "MissingKey", "secret.key, ca.crt and ca.key are missing in"),
}


@pytest.mark.parametrize("name", OLD_LOSSES)
def test_a_database_of_v0_1_0_has_no_authority_to_give(tmp_path: Path, name: str) -> None:
    data = Path(shutil.copytree(V0_1_0 / "hub", tmp_path / "d"))
    harm, code, sentence = OLD_LOSSES[name]
    harm(data)
    before = files(data)
    with pytest.raises(Failed, match=sentence) as refused:
        start(data)
    assert refused.value.code == code and files(data) == before


def test_keys_in_the_database_that_do_not_open_are_reported(data: Path) -> None:
    with closing(sqlite3.connect(data / "hub.db")) as link:
        link.execute("UPDATE plane_keys SET value = 'x' WHERE name = 'ca_key'")
        link.commit()
    (data / "ca.key").unlink()
    with pytest.raises(Failed, match="keys in the database are damaged") as refused:
        start(data)
    assert refused.value.code == "DamagedKeys" and refused.value.hint


def test_no_secret_is_readable_in_the_database(data: Path) -> None:
    """Neither the private key of the CA nor the key of the box nor the key file itself."""
    with closing(sqlite3.connect(data / "hub.db")) as link:
        dump = "\n".join(link.iterdump())
    assert "PRIVATE KEY" not in dump and "BEGIN CERTIFICATE" in dump
    hub = prepare(ServeOptions(data=data))
    assert hub.box.key.decode() not in dump and hub.box.key != (data / "secret.key").read_bytes().strip()
    hub.engine.dispose()
    hub.readers.dispose()


def test_an_authority_lost_at_run_time_is_not_replaced(data: Path) -> None:
    hub = prepare(ServeOptions(data=data))
    for name in ("ca.crt", "ca.key"):
        (data / name).unlink()
    with pytest.raises(Failed, match="is damaged"):
        asyncio.run(renew_certificate(hub))
    assert not (data / "ca.crt").exists()
    hub.engine.dispose()
    hub.readers.dispose()


@pytest.mark.parametrize("name", ["hub.db", "secret.key"])
def test_a_restored_directory_starts_and_is_guarded_too(data: Path, tmp_path: Path, name: str) -> None:
    restore(backup(data, tmp_path / "b.tgz"), tmp_path / "new")
    start(tmp_path / "new")
    restore(tmp_path / "b.tgz", tmp_path / "again")
    assert not (tmp_path / "again" / "hub.json").exists()
    (tmp_path / "again" / name).unlink()
    with pytest.raises(Failed, match="missing"):
        start(tmp_path / "again")


@pytest.mark.parametrize("cut", ["secret.key", "ca.key", "ca.crt", "server.crt", "schema", "admin-api-key"])
def test_a_first_start_that_was_interrupted_continues(tmp_path: Path, cut: str) -> None:
    """The files appear in this order; each prefix of it is what a power cut may leave."""
    whole, data = tmp_path / "whole", tmp_path / "d"
    start(whole)
    data.mkdir(mode=0o700)
    order = ("secret.key", "ca.key", "ca.crt", "server.key", "server.crt", "schema", "admin-api-key")
    for name in order[: order.index(cut) + 1]:
        if name == "schema":
            engines = open_engines(data, None)
            migrations.migrate(engines[0])
            for engine in engines:
                engine.dispose()
        else:
            shutil.copyfile(whole / name, data / name)
    start(data)
    assert (data / "admin-api-key").exists() and (data / "ca.crt").exists()


def test_a_directory_of_v0_1_0_is_taken_with_its_own_key_only(tmp_path: Path) -> None:
    for name in ("own", "other"):
        shutil.copytree(V0_1_0 / "hub", tmp_path / name)
    other_key(tmp_path / "other")
    with pytest.raises(Failed, match="is not the key of this database"):
        start(tmp_path / "other")
    start(tmp_path / "own")
    engine, readers = open_engines(tmp_path / "own", None)
    stored = key_match.read(engine)
    assert len(stored.key_check) == 64 and stored.ca_fingerprint == pki.ca_fingerprint(tmp_path / "own")
    engine.dispose()
    readers.dispose()


def test_the_check_value_does_not_contain_the_key(data: Path) -> None:
    key = (data / "secret.key").read_text().strip()
    with closing(sqlite3.connect(data / "hub.db")) as link:
        assert key not in "\n".join(link.iterdump())


def test_a_new_directory_on_a_postgresql_in_use_is_refused(tmp_path: Path, postgres: Cluster) -> None:
    """A new machine with the same database needs the key file, and nothing else (rule P56)."""
    url = postgres.url(postgres.create())
    start(tmp_path / "a", db=url)
    with pytest.raises(Failed, match=r"secret\.key is missing") as refused:
        start(tmp_path / "b", db=url)
    assert refused.value.code == "MissingKey" and sorted(os.listdir(tmp_path / "b")) == []
    (tmp_path / "c").mkdir()
    shutil.copyfile(tmp_path / "a" / "secret.key", tmp_path / "c" / "secret.key")
    start(tmp_path / "c", db=url)
    for name in ("ca.crt", "ca.key"):
        assert (tmp_path / "c" / name).read_bytes() == (tmp_path / "a" / name).read_bytes()
    line = ready_line(tmp_path / "c", "--db", url)
    assert "admin-api-key" not in line and "no admin key file, --new-admin-key makes one" in line
    assert not (tmp_path / "c" / "admin-api-key").exists()
    other_key(tmp_path / "c")
    with pytest.raises(Failed, match="is not the key of this database"):
        start(tmp_path / "c", db=url)


def test_an_empty_postgresql_beside_keys_in_use_is_refused(tmp_path: Path, postgres: Cluster) -> None:
    start(tmp_path / "a", db=postgres.url(postgres.create()))
    with pytest.raises(Failed, match="The database has no records") as refused:
        start(tmp_path / "a", db=postgres.url(postgres.create()))
    assert refused.value.code == "MissingDatabase"
    with pytest.raises(Failed, match=r"hub\.db is missing") as refused:
        start(tmp_path / "a")
    assert "--db" in refused.value.hint


def test_a_postgresql_of_v0_1_0_continues_with_its_own_keys(tmp_path: Path, postgres: Cluster) -> None:
    name = postgres.create()
    postgres.load(name, V0_1_0 / "hub-postgresql.sql")
    data = Path(shutil.copytree(V0_1_0 / "hub-postgresql", tmp_path / "d"))
    facts = json.loads((V0_1_0 / "facts-postgresql.json").read_text())
    with running_hub("--db", postgres.url(name), data=data) as hub:
        assert hub.admin_key == facts["adminKey"]
        items = hub.client().post("/v1/dashboard/edgehosts/search", json={}).json()["items"]
        assert set(facts["hosts"]) <= {item["metadata"]["uid"] for item in items}


def test_no_admin_key_file_is_reported_as_such(data: Path) -> None:
    (data / "admin-api-key").unlink()
    line = json.loads(ready_line(data, "-o", "json"))
    assert line["adminKey"] is None and line["ca"].endswith("ca.crt")


def test_a_new_directory_is_private_and_a_hubs_own_is_made_so(tmp_path: Path) -> None:
    open_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    (tmp_path / "a" / "b").chmod(0o755)
    (tmp_path / "a" / "b" / "hub.lock").touch()
    open_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    (tmp_path / "disk").mkdir(mode=0o755)
    (tmp_path / "disk" / "lost+found").mkdir()
    open_directory(tmp_path / "disk")
    assert (tmp_path / "disk").stat().st_mode & 0o777 == 0o700


def test_a_directory_of_other_files_keeps_its_mode(tmp_path: Path) -> None:
    """`--data /tmp` by root must not close /tmp."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "thesis.txt").touch()
    with pytest.raises(Refused, match=r"has other files \(thesis\.txt\) and is open to other users") as refused:
        open_directory(shared)
    assert refused.value.exit_code == 4 and shared.stat().st_mode & 0o7777 == 0o1777
    shared.chmod(0o700)
    open_directory(shared)


@pytest.mark.parametrize("way", ["directory", "link to it", "their link to mine"])
def test_a_directory_of_someone_else_is_refused(tmp_path: Path, way: str) -> None:
    if os.geteuid() != 0:
        missing("e2e", "another user's directory cannot be made: this is not root")
    owner = pwd.getpwuid(65534).pw_name
    target = tmp_path / "d"
    target.mkdir()
    target.chmod(0o755)
    data = target
    if way == "their link to mine":
        data = tmp_path / "link"
        data.symlink_to(target)
        os.chown(data, 65534, 65534, follow_symlinks=False)
    else:
        os.chown(target, 65534, 65534)
        if way == "link to it":
            data = tmp_path / "link"
            data.symlink_to(target)
    with pytest.raises(Refused, match=f"user {owner}") as refused:
        open_directory(data)
    assert refused.value.code == "DataDirectoryOwner" and refused.value.exit_code == 4
    assert target.stat().st_mode & 0o777 == 0o755 and list(target.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "dangling link", "under a file"])
def test_what_is_not_a_directory_is_a_sentence(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file"
    if kind == "dangling link":
        path = tmp_path / "link"
        path.symlink_to(tmp_path / "none")
    elif kind == "under a file":
        path = tmp_path / "file" / "d"
    with pytest.raises(EdgewrightError, match="cannot be written") as refused:
        open_directory(path)
    assert "None" not in refused.value.message


def test_settings_of_the_check_are_durable_for_every_dialect(tmp_path: Path, postgres: Cluster) -> None:
    url = postgres.url(postgres.create())
    start(tmp_path / "a", db=url)
    start(tmp_path / "a", db=url)
    engine, readers = open_engines(tmp_path / "a", url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT key FROM settings WHERE key IN ('key_check', 'ca_fingerprint')")).all()
    assert len(rows) == 2
    engine.dispose()
    readers.dispose()
