"""Lines of known_hosts: what they mean is compared with `ssh-keygen -F`, which reads them as OpenSSH does."""

from __future__ import annotations

import base64
import os
import random
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from edgewright.clients.ssh.hostkeys.keys import HostKey, key_of_blob, key_of_text
from edgewright.clients.ssh.hostkeys.known_hosts import (
    MAX_BYTES,
    MAX_ENTRIES,
    add_line,
    hashed,
    parse_line,
    read_files,
    revoked_by_file,
)
from edgewright.clients.ssh.hostkeys.trust import PlaneKeys

HOSTS = ("edge1", "edge2.site.example", "[edge1]:2222", "10.0.0.7", "[10.0.0.7]:2022", "2001:db8::7")
NAMES = (
    "edge1", "edge1,10.0.0.7", "edge*", "*.example,!edge2*", "!edge1,*", "[edge1]:2222", "[*]:2222", "10.0.0.?",
    "EDGE1", "[10.0.0.7]:2022,edge9", "2001:db8::7", "*", "edge1,",
)  # fmt: skip


def public(path: Path) -> HostKey:
    kind, text = path.with_name(path.name + ".pub").read_text().split()[:2]
    return key_of_text(kind, text)


def found_by_ssh_keygen(path: Path, host: str) -> set[int]:
    """Return the numbers of the lines that `ssh-keygen -F` reports."""
    command = ["ssh-keygen", "-F", host, "-f", str(path)]
    output = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
    return {int(line.split("line ")[1].split()[0]) for line in output.splitlines() if line.startswith("# Host")}


@pytest.mark.parametrize("seed", range(4))
def test_the_same_lines_are_found_as_by_ssh_keygen(seed: int, key_files: dict[str, Path], tmp_path: Path) -> None:
    random_ = random.Random(seed)
    keys = [public(path).line for path in key_files.values()]
    lines = []
    for _ in range(60):
        names = random_.choice(NAMES)
        if random_.random() < 0.3:
            names = hashed(random_.choice(HOSTS))
        marker = random_.choice(["", "", "", "@cert-authority ", "@revoked "])
        lines.append(f"{marker}{names} {random_.choice(keys)}{random_.choice(['', ' comment', ' a b # c'])}")
    # ssh-keygen also reports lines whose key ssh cannot read: those here are about another host
    broken = ["", "# comment", "b", "b ssh-ed25519", "b ssh-ed25519 AAAA", "b ssh-rsa !!!!", "\tb", "@marker b x y"]
    lines += broken
    random_.shuffle(lines)
    path = tmp_path / "known_hosts"
    path.write_text("\n".join(lines) + "\n")
    for host in HOSTS:
        known = read_files([str(path)], host)
        numbers = {int(entry.place.rsplit(" ", 1)[1]) for entry in known.entries}
        assert numbers == found_by_ssh_keygen(path, host), host
        assert len(known.warnings) == 6 and "6 lines that cannot be read" in known.warnings[-1]


def test_names_that_ssh_keygen_hashed_are_found(key_files: dict[str, Path], tmp_path: Path) -> None:
    path, key = tmp_path / "known_hosts", public(key_files["host-ed25519"])
    path.write_text(f"edge1,10.0.0.7 {key.line}\n[edge1]:2222 {key.line}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], check=True, capture_output=True)
    assert "edge1" not in path.read_text()
    for host, count in (("edge1", 1), ("10.0.0.7", 1), ("[edge1]:2222", 1), ("EDGE1", 1), ("edge2", 0)):
        assert len(read_files([str(path)], host).entries) == count, host


def test_ssh_keygen_finds_what_was_added(key_files: dict[str, Path], tmp_path: Path) -> None:
    path, key = tmp_path / "new" / "known_hosts", public(key_files["host-ecdsa"])
    assert add_line(str(path), "[edge1]:2222", key, hash_name=True)
    path.write_text(path.read_text().rstrip("\n"))  # an editor that leaves the last line open
    assert add_line(str(path), "edge2", key, hash_name=False)
    assert found_by_ssh_keygen(path, "[edge1]:2222") == {1} and found_by_ssh_keygen(path, "edge2") == {2}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert add_line(os.devnull, "edge2", key, hash_name=False) is False


def test_lines_that_are_added_at_the_same_time_are_all_there(key_files: dict[str, Path], tmp_path: Path) -> None:
    path, key = str(tmp_path / "known_hosts"), public(key_files["host-ed25519"])
    threads = [
        threading.Thread(target=add_line, args=(path, f"edge{n}", key), kwargs={"hash_name": False}) for n in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(read_files([path], f"edge{n}").entries) == 1 for n in range(16))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("@other edge1 ssh-ed25519 AAAA", "unknown marker @other"),
        ("edge1 ssh-ed25519", "is not NAMES TYPE KEY"),
        ("edge1 ssh-ed25519 AAAA", "no valid key"),
        ("|1|AAAA|BBBB ssh-ed25519 AAAA", "no valid hashed name"),
        ("edge1 " + "x" * 70_000, "too long"),
    ],
)
def test_what_is_wrong_with_a_line_is_named(line: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_line(line, "f line 1")


def test_files_are_bounded_and_devices_are_empty(key_files: dict[str, Path], tmp_path: Path) -> None:
    path, key = tmp_path / "known_hosts", public(key_files["host-ed25519"])
    path.write_text(f"edge1 {key.line}\n" * (MAX_ENTRIES + 5) + f"@revoked edge1 {key.line}\n")
    known = read_files([str(path), "/dev/zero", str(tmp_path / "absent")], "edge1")
    assert len(known.entries) == MAX_ENTRIES and known.of("@revoked") and len(known.warnings) == 1
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    assert "longer than" in read_files([str(path)], "edge1").warnings[0]


def test_a_list_of_revoked_keys(key_files: dict[str, Path], tmp_path: Path) -> None:
    path, key, other = tmp_path / "revoked", public(key_files["host-ed25519"]), public(key_files["other"])
    path.write_text(f"# list\n{key.line} old\n")
    assert revoked_by_file(str(path), [key]) == f"{path} line 2"
    assert revoked_by_file(str(path), [other]) == ""
    path.write_text("ssh-ed25519 broken\n")
    with pytest.raises(ValueError, match="no key in line 1"):
        revoked_by_file(str(path), [other])
    krl = tmp_path / "krl"
    public_file = key_files["host-ed25519"].with_name("host-ed25519.pub")
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(krl), str(public_file)], check=True)
    with pytest.raises(ValueError, match="binary KRL"):
        revoked_by_file(str(krl), [other])
    with pytest.raises(ValueError, match="cannot be read"):
        revoked_by_file(str(tmp_path / "absent"), [other])


@pytest.mark.parametrize("kind", ["", "\x1b[2J", "ssh ed25519", "ssh-ed25519\n", "x" * 65])
def test_a_type_that_is_not_a_name_is_no_key(kind: str) -> None:
    """A host reports its keys to the plane as text, and an agent as bytes; the type is shown to the operator."""
    blob = len(kind).to_bytes(4, "big") + kind.encode() + b"x" * 32
    with pytest.raises(ValueError, match="not a key"):
        key_of_blob(blob)
    assert PlaneKeys().add("store-7", "10.4.1.7", 22, [f"{kind} {base64.b64encode(blob).decode()}"]) == 0
