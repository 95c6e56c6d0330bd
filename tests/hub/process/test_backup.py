"""Backup, restore and status: damage is found, drafts are safe from others, nothing is left behind, nothing quoted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from edgewright.core.errors import EdgewrightError, Failed, InvalidInput, NotFound
from edgewright.hub.db import integrity
from edgewright.hub.process.backup import backup, restore
from edgewright.hub.security import drafts
from tests import forked
from tests.hub_fixture import running_hub
from tests.hub_fleet import seed
from tests.support import ROOT, missing

SECRET = "gAAAAAB-sealed"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with 60 hosts that no hub runs on."""
    data = tmp_path_factory.mktemp("made") / "d"
    seed(data, 60)
    with closing(sqlite3.connect(data / "hub.db")) as link:
        link.execute("UPDATE tokens SET secret_encrypted = ?", (SECRET,))
        link.commit()
        link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return data


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "d"))


def page_of(database: Path, table: str) -> int:
    with closing(sqlite3.connect(database)) as link:
        root = int(link.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0])
        return (root - 1) * int(link.execute("PRAGMA page_size").fetchone()[0])


def scribble(database: Path) -> None:
    """Flip 400 bytes in the middle of a table's first page."""
    at = page_of(database, "hosts")
    with database.open("r+b") as file:
        file.seek(at)
        block = file.read(400)
        file.seek(at)
        file.write(bytes(byte ^ 0xFF for byte in block))


def scribble_in_a_text(database: Path) -> None:
    content = database.read_bytes()
    assert SECRET.encode() in content
    database.write_bytes(content.replace(SECRET.encode(), b"\xff" + SECRET.encode()[1:]))


def scribble_in_an_index(database: Path) -> None:
    with closing(sqlite3.connect(database)) as link:
        link.execute("PRAGMA writable_schema=ON")
        (root,) = link.execute("SELECT rootpage FROM sqlite_master WHERE name = 'audits_at'").fetchone()
        link.execute("UPDATE sqlite_master SET rootpage = ? WHERE name = 'hosts_token'", (root,))
        link.commit()


def cut(database: Path) -> None:
    with database.open("r+b") as file:
        file.truncate(database.stat().st_size // 2)


def overwrite(database: Path) -> None:
    database.write_bytes(b"not a database" * 1000)


def empty(database: Path) -> None:
    database.write_bytes(b"")


def other(database: Path) -> None:
    database.unlink()
    with closing(sqlite3.connect(database)) as link:
        link.execute("CREATE TABLE other (id INTEGER)")


DAMAGES = [scribble, scribble_in_a_text, scribble_in_an_index, cut, overwrite, empty, other]


def pack(data: Path, file: Path) -> Path:
    """Write what a backup of v0.1.0 was: without looking at the database."""
    with tarfile.open(file, "w:gz") as tar:
        for path in sorted(data.iterdir()):
            tar.add(path, path.name)
    return file


AS_USER = """
import os, sys
from edgewright.hub.process import backup, cli, serve  # before, since that user may not read this Python
from edgewright.hub.process import status as process
os.setgroups([]), os.setgid(65534), os.setuid(65534)
sys.exit(cli.main())
"""


def hub_cli(*words: str, other_user: bool = False) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if not other_user:
        return forked.run([sys.executable, "-m", "edgewright.hub.process.cli", *words], cwd=ROOT, env=environment)
    program = [sys.executable, "-c", AS_USER]
    return subprocess.run([*program, *words], capture_output=True, text=True, timeout=60, cwd=ROOT, env=environment)


@pytest.mark.parametrize("harm", DAMAGES)
def test_a_damaged_database_is_not_backed_up(data: Path, tmp_path: Path, harm: Callable[[Path], None]) -> None:
    out = tmp_path / "b.tgz"
    out.write_bytes(b"the backup of yesterday")
    harm(data / "hub.db")
    with pytest.raises(Failed, match=r"hub\.db is damaged \(.+\); no backup was written") as refused:
        backup(data, out)
    assert refused.value.code == "DatabaseDamaged" and "last good backup" in refused.value.hint
    assert SECRET[1:] not in refused.value.message
    assert out.read_bytes() == b"the backup of yesterday"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tgz", "d"]
    assert not (data / "backup.json").exists()


@pytest.mark.parametrize("harm", DAMAGES)
def test_a_damaged_backup_is_not_restored(data: Path, tmp_path: Path, harm: Callable[[Path], None]) -> None:
    harm(data / "hub.db")
    file = pack(data, tmp_path / "b.tgz")
    with pytest.raises(InvalidInput, match=r"is damaged .*; nothing was restored") as refused:
        restore(file, tmp_path / "new")
    assert refused.value.code == "DatabaseDamaged" and SECRET[1:] not in refused.value.message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tgz", "d"]


@pytest.mark.parametrize("cut_at", [0.3, 0.97])
def test_a_backup_that_was_cut_is_not_restored(data: Path, tmp_path: Path, cut_at: float) -> None:
    file = backup(data, tmp_path / "b.tgz")
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * cut_at)])
    with pytest.raises(InvalidInput, match="is not a backup of a hub, or is damaged"):
        restore(file, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("harm", [scribble, cut, overwrite, empty])
def test_status_reports_a_damaged_database(data: Path, harm: Callable[[Path], None]) -> None:
    assert json.loads(hub_cli("status", "--data", str(data), "-o", "json").stdout)["database"] == "intact"
    harm(data / "hub.db")
    done = hub_cli("status", "--data", str(data), "-o", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 1 and report["database"] == "damaged" and report["databaseProblem"]


def test_a_whole_database_survives_the_round_trip(data: Path, tmp_path: Path) -> None:
    file = backup(data, tmp_path / "b.tgz")
    assert file.stat().st_mode & 0o777 == 0o600
    restore(file, tmp_path / "new")
    assert integrity.damage(tmp_path / "new" / "hub.db") == ""
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    with closing(sqlite3.connect(tmp_path / "new" / "hub.db")) as link:
        assert link.execute("SELECT count(*) FROM hosts").fetchone() == (60,)


def test_a_backup_of_v0_1_0_is_restored_and_starts(tmp_path: Path) -> None:
    file = pack(ROOT / "tests" / "fixtures" / "v0_1_0" / "hub", tmp_path / "b.tgz")
    facts = json.loads((ROOT / "tests" / "fixtures" / "v0_1_0" / "facts.json").read_text())
    restore(file, tmp_path / "new")
    with running_hub(data=tmp_path / "new") as hub:
        items = hub.client().post("/v1/dashboard/edgehosts/search", json={}).json()["items"]
        assert set(facts["hosts"]) <= {item["metadata"]["uid"] for item in items}


def test_a_check_without_time_claims_nothing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integrity, "_TICK", 10)
    with pytest.raises(integrity.NotFinished):
        integrity.damage(data / "hub.db", seconds=-1)


@pytest.mark.parametrize("name", ["d?x=1", "d#1", "d%41", "d e"])
def test_a_directory_of_any_name_is_backed_up(made: Path, tmp_path: Path, name: str) -> None:
    data = Path(shutil.copytree(made, tmp_path / name))
    restore(backup(data, tmp_path / "b.tgz"), tmp_path / f"new{name}")
    assert integrity.damage(tmp_path / f"new{name}" / "hub.db") == ""


def test_nobody_can_prepare_the_draft_of_a_backup(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where its name is guessed, a symlink or a file there is never written through."""
    monkeypatch.setattr("edgewright.hub.security.drafts.secrets.token_hex", lambda _size: "guessed")
    folder, trap = tmp_path / "shared", tmp_path / "trap"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)  # whoever may write here could swap a folder of ours: the copy is made in the data directory
    trap.write_bytes(b"")
    draft = folder / ".edgewright-draft-guessed"
    for prepare in (partial(draft.symlink_to, trap), draft.touch):
        prepare()
        with pytest.raises(Failed, match="cannot be written: File exists"):
            backup(data, folder / "b.tgz")
        assert trap.read_bytes() == b"" and not (folder / "b.tgz").exists()
        draft.unlink()
    old = folder / ".b.tgz.draft"  # the name that v0.1.0 wrote to
    old.symlink_to(trap)
    file = backup(data, folder / "b.tgz")
    assert trap.read_bytes() == b"" and not file.is_symlink() and file.stat().st_mode & 0o777 == 0o600


def test_what_a_killed_backup_left_is_removed_by_the_next(data: Path, tmp_path: Path) -> None:
    program = (
        "import sys, os, signal; from pathlib import Path; "
        "from edgewright.hub.process import backup; from edgewright.hub.db import integrity\n"
        "integrity.damage = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        "backup.backup(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    out = tmp_path / "b.tgz"
    killed = subprocess.run([sys.executable, "-c", program, str(data), str(out)], cwd=ROOT, check=False)
    left = sorted(path for path in tmp_path.iterdir() if path.name.startswith("."))
    assert killed.returncode == -signal.SIGKILL and len(left) == 2
    foreign = tmp_path / ".edgewright-draft-alive"
    with drafts.draft_folder(tmp_path) as alive:
        backup(data, out)
        assert all(path.exists() for path in left)  # so young that its program may be about to lock it
        for path in (*left, alive):
            os.utime(path, (time.time() - 3600, time.time() - 3600))
        foreign.symlink_to(data)
        backup(data, out)
        assert not any(path.exists() for path in left) and alive.exists() and foreign.is_symlink() and data.exists()


def test_drafts_of_another_user_are_left_alone(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        missing("e2e", "another user's file cannot be made: this is not root")
    theirs = tmp_path / ".edgewright-draft-theirs"
    theirs.touch()
    os.chown(theirs, 65534, 65534)
    os.utime(theirs, (0, 0))
    assert drafts.remove_abandoned(tmp_path) == 0 and theirs.exists()


def test_who_may_not_read_gets_a_sentence(data: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        missing("e2e", "no other user can be taken: this is not root")
    for folder in (data, *data.parents):
        if folder == Path("/tmp"):
            break
        folder.chmod(0o755)
    data.chmod(0o700)
    out = tmp_path / "b.tgz"
    for words, code in (
        (("status", "--data", str(data)), 4),
        (("backup", "--data", str(data), str(out)), 1),
        (("restore", "--data", str(data), str(out)), 1),
    ):
        done = hub_cli(*words, other_user=True)
        assert done.returncode == code and "Traceback" not in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1 and "user" in done.stderr


@pytest.mark.parametrize("verb", ["backup", "restore"])
def test_what_is_not_there_is_named(tmp_path: Path, verb: str) -> None:
    with pytest.raises(EdgewrightError) as refused:
        if verb == "backup":
            backup(tmp_path / "none", tmp_path / "b.tgz")
        else:
            restore(tmp_path / "none", tmp_path / "new")
    assert isinstance(refused.value, NotFound) and "none" in refused.value.message
    assert list(tmp_path.iterdir()) == []
