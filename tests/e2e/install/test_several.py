"""`host install` on several hosts at once, over a real sudo: with NOPASSWD, with a password, without a right to it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import Fleet, product
from tests.e2e.install.field import Field
from tests.e2e.install.test_host_install import STAGE, tokens
from tests.support import ROOT, missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
HOSTS = ("edge1", "edge2", "edge3")


@pytest.fixture(scope="module")
def field(make_fleet: Callable[..., Fleet]) -> Field:
    made = Field(make_fleet("--hosts", str(len(HOSTS)), "--heartbeat", "5"), sudo=True)
    version = made.fleet.within("edge1", "sh", "-c", "su free -c 'sudo -n id -u' 2>&1", check=False)
    if version.strip() != "0":
        missing("e2e", f"the sudo of this machine does not run in a host of the lab: {version}")
    return made


@pytest.fixture
def before(field: Field) -> Iterator[dict[str, str]]:
    """The hosts as they are; after the test they must be the same."""
    seen, known = field.look(), tokens(field.plane)
    yield seen
    assert field.look() == seen
    assert tokens(field.plane) == known


def test_who_may_not_become_root_is_said_before_anything_is_changed(field: Field, before: dict[str, str]) -> None:
    done = field.install("clerk@edge1", "none@edge2", "--yes")
    print(done.stderr)
    assert done.returncode == 4 and "Nothing is installed on 2 hosts" in done.stderr, done.stderr
    assert "clerk@edge1: sudo on edge1" in done.stderr and "none@edge2: sudo on edge2" in done.stderr
    planned = field.install("free@edge1", "clerk@edge2", "root@edge3", "--plan")
    print(planned.stdout)
    assert planned.returncode == 0 and planned.stdout.count("preflight passed") == 2, planned.stderr
    assert "Left out, clerk@edge2: sudo on edge2" in planned.stdout
    strict = field.install("free@edge1", "clerk@edge2", "root@edge3", "--yes", "--stop-after", "1")
    assert strict.returncode == 4 and "Nothing was changed" in strict.stderr, strict.stderr
    twice = field.install("free@edge1", "root@edge1", "--plan")
    assert ":22 is the same host as free@edge1." in twice.stdout, twice.stderr


def test_a_failure_stops_those_that_have_not_begun(field: Field, before: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "token").write_text("token-canary-88f2\n")
    words = ("--token", str(tmp_path / "token"), "--at-a-time", "1", "--stop-after", "1", "--yes")
    code, found, said = field.read("free@edge1", "root@edge2", "root@edge3", *words)
    assert [found[name]["result"] for name in found] == ["failed", "not-begun", "not-begun"] and code == 1, said
    assert "is as it was" in found["free@edge1"]["error"]["hint"] and "canary" not in said + json.dumps(found)


def test_ctrl_c_lets_none_begin_and_again_undoes_those_that_run(
    field: Field, before: dict[str, str], tmp_path: Path
) -> None:
    """The plane is cut off once the first host is begun, so that two wait for their registration and a third waits."""
    (tmp_path / "token").write_text("token-canary-88f2\n")
    options = ("--token", str(tmp_path / "token"), "--at-a-time", "2", "--yes")
    words = field.words("free@edge1", "free@edge2", "free@edge3", *options)
    process = subprocess.Popen(
        [sys.executable, "-m", "edgewright", *words],
        env=field.fleet.env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None and process.stdout is not None
    said: list[str] = []

    def read_until(*texts: str) -> None:
        while not all(any(text in line for line in said) for text in texts):
            line = process.stderr.readline()  # type: ignore[union-attr]
            assert line, "".join(said)
            said.append(line)

    try:
        read_until("sent ")
        process.send_signal(signal.SIGSTOP)
        field.fleet.lab("fault", "link", "down", "hub")
        process.send_signal(signal.SIGCONT)
        read_until("free@edge1: waiting for the registration", "free@edge2: waiting for the registration")
        process.send_signal(signal.SIGINT)
        read_until("No further host begins")
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        read_until("undoing them", "free@edge1: ended by the user", "free@edge2: ended by the user")
        rest, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        field.fleet.lab("fault", "link", "up", "hub")
    print(rest + errors)
    assert process.returncode == 130 and "2 ended by the user, 1 not begun (you stopped it)" in errors, errors
    assert errors.count("is as it was") == 2 and not field.plane.hosts()


def test_one_that_fails_is_undone_and_the_others_are_installed(field: Field) -> None:
    """One token for all; `clerk` is refused, `/var/lib` of the third host has room for a folder and two files."""
    known, seen = tokens(field.plane), field.look()
    field.fleet.within("edge3", "mount", "-t", "tmpfs", "-o", "size=100m,nr_inodes=4", "tmpfs", "/var/lib")
    try:
        code, found, said = field.read("free@edge1", "clerk@edge2", "root@edge3", "--tag", "site:berlin", "--yes")
        assert field.fleet.within("edge3", "ls", "-A", "/var/lib") == ""
    finally:
        field.fleet.within("edge3", "umount", "/var/lib")
    results = {target: (each["result"], (each["error"] or {}).get("code")) for target, each in found.items()}
    assert results == {
        "free@edge1": ("installed", None),
        "clerk@edge2": ("failed", "SudoRefused"),
        "root@edge3": ("failed", "NotWritten"),
    }, said  # fmt: skip
    assert code == 1 and "is as it was" in found["root@edge3"]["error"]["hint"]
    assert found["free@edge1"]["health"] == "healthy" and list(field.plane.hosts()) == [found["free@edge1"]["uid"]]
    assert tokens(field.plane) == known
    assert field.look(*HOSTS[1:]) == {name: seen[name] for name in HOSTS[1:]}
    modes = field.fleet.within("edge1", "stat", "-c", "%a", "/etc/edgewright/token", "/etc/edgewright/user-data")
    assert modes.split() == ["600", "600"] and "No such file" in field.fleet.within(
        "edge1", "sh", "-c", f"ls {STAGE} 2>&1 ||:"
    )
    entry = field.journal()
    assert {target: each["result"] for target, each in entry["end"]["facts"]["hosts"].items()} == {
        "free@edge1": "done", "clerk@edge2": "failed", "root@edge3": "failed",
    }  # fmt: skip


def test_again_with_a_list_on_stdin_installs_the_others(field: Field) -> None:
    known = tokens(field.plane)
    done = subprocess.run(
        [sys.executable, "-m", "edgewright", *field.words("-", "--yes")],
        input="free@edge1\nfree@edge2  # its sudo asks no question\nroot@edge3\n",
        capture_output=True, text=True, env=field.fleet.env, timeout=300, check=False,
    )  # fmt: skip
    print(done.stdout + done.stderr)
    assert done.returncode == 0 and "3 hosts: 2 installed, 1 installed already." in done.stderr, done.stderr
    assert len(field.plane.hosts()) == 3 and tokens(field.plane) == known
    undone = field.install("root@edge1", "root@edge2", "--undo", "--yes")
    assert undone.returncode == 0 and "2 nothing to undo" in undone.stderr, undone.stderr
    rows = json.loads(product(field.fleet.env, "site", "ledger", "--verb", "install", "-o", "json").stdout)
    assert {"free@edge1", "free@edge2", "root@edge3"} <= {row["host"] for row in rows if row["result"] == "done"}
