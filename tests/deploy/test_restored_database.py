"""Backup and restore on PostgreSQL by the commands of docs/high-availability.md; a host stays the same host."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgewright.wire import protocol
from tests import postgres
from tests.hub_fixture import RunningHub, running_hub
from tests.support import ROOT, missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
KEYS = "(umask 077; openssl rand -base64 32 | tr '+/' '-_' > secret.key)"


def lines_of(section: str) -> list[str]:
    """Return the commands of a section of the page, without comments."""
    text = (ROOT / "docs" / "high-availability.md").read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return [re.sub(r" {2,}#.*", "", line[4:]).strip() for line in text.splitlines() if line.startswith("    ")]


def shell(command: str, folder: Path, **environment: str) -> None:
    done = subprocess.run(
        ["sh", "-ec", command],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"


def beat(hub: RunningHub, credential: str, seq: int) -> int:
    body = {"state": "healthy", "edgewright": {"seq": seq, "bootId": "b"}}
    return hub.client(Authorization=credential).patch("/v1/edgehosts/site-1/health", json=body).status_code


def test_the_commands_of_the_page_restore_a_plane(tmp_path: Path) -> None:
    for program in ("pg_dump", "pg_restore", "createdb", "openssl"):
        if shutil.which(program) is None:
            missing("e2e", f"{program} is not installed")
    assert KEYS in lines_of("Keys and certificates")
    dump, create, restore, folder, serve = lines_of("Backup")
    with postgres.cluster() as server:
        server.psql("postgres", "CREATE ROLE hub LOGIN")
        server.psql("postgres", "CREATE DATABASE hub OWNER hub ENCODING 'UTF8' TEMPLATE template0")
        at = {"PGHOST": str(server.folder), "PGUSER": "postgres"}
        url = "postgresql+psycopg://hub@/{}?host=" + str(server.folder)
        shell(KEYS, tmp_path)
        shell("mkdir -m 700 hub-a; cp secret.key hub-a/", tmp_path)
        (tmp_path / "database-url").write_text(url.format("hub"))
        with running_hub("--db-file", str(tmp_path / "database-url"), data=tmp_path / "hub-a") as hub:
            key = hub.admin_key
            _, token = hub.token("t")
            credential = str(hub.register("site-1", token).json()["status"]["serviceAuthToken"])
            assert beat(hub, credential, 1) == 204
            shell(dump.replace("//hub@db.example.net/hub", f"///hub?host={server.folder}'&'user=hub"), tmp_path)
            assert hub.client().post(protocol.HOSTS, json={"metadata": {"uid": "later"}}).status_code == 201
        shell(create, tmp_path, **at)
        shell(restore, tmp_path, **at)
        shell(folder, tmp_path)
        (tmp_path / "restored-url").write_text(url.format("restored"))
        words = serve.partition(" serve ")[2].split()
        data = tmp_path / words.pop(words.index("--data") + 1)
        words.remove("--data")
        words[words.index("--db-file") + 1] = str(tmp_path / "restored-url")
        (data / "admin-api-key").write_text(key)  # for the clients of this test
        (data / "admin-api-key").chmod(0o600)
        with running_hub(*words, data=data) as restored:
            assert (data / "ca.crt").read_bytes() == (tmp_path / "hub-a" / "ca.crt").read_bytes()
            client = restored.client()
            assert client.get("/v1/edgehosts/site-1").status_code == 200
            assert client.get("/v1/edgehosts/later").status_code == 404, "it was made after the backup"
            assert beat(restored, credential, 2) == 204, "the host need not register again"
            assert restored.register("site-2", token).status_code == 200, "the token could be read: the key is right"
            reasons = [event["reason"] for event in client.get("/v1/events/components?limit=50").json()["items"]]
            assert "LineageChanged" in reasons
        shell("mkdir -m 700 wrong", tmp_path)
        shell(KEYS.replace("secret.key", "wrong/secret.key"), tmp_path)
        with (
            pytest.raises(AssertionError, match="is not the key of this database"),
            running_hub("--db-file", str(tmp_path / "restored-url"), data=tmp_path / "wrong"),
        ):
            pass
