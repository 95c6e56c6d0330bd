"""Entries over a folder of a test, with canaries in each, and what a bundle of them must contain."""

from __future__ import annotations

import shlex
from pathlib import Path

from edgewright.clients.ssh.bundle.entries import KB, MB, Entry, command, file, glob
from tests.core.redaction.canaries import CANARIES

SECRETS = b"".join(canary.text + b"between\n" for canary in CANARIES)


def plant(folder: Path, lines: int = 3000) -> tuple[Entry, ...]:
    """Fill `folder` and return entries for it."""
    (folder / "logs").mkdir(parents=True)
    filler = "".join(f"2026-11-29T16:00:01+0000 edge-1 agent[77]: line {n} of a log\n" for n in range(lines)).encode()
    half = filler.index(b"\n", len(filler) // 2) + 1
    (folder / "plain.log").write_bytes(filler[:half] + SECRETS + filler[half:])
    (folder / "long.log").write_bytes(b"first line with password: cAnary7Qx\n" + filler + SECRETS)
    for number in range(4):
        (folder / "logs" / f"{number}.log").write_bytes(f"log {number}\n".encode() + SECRETS)
    (folder / "logs" / "odd name.log").write_bytes(b"odd\n")
    (folder / "userdata.yaml").write_bytes(
        b"#cloud-config\nstylus:\n  site:\n    edgeHostToken: cAnary7Qx\n    name: edge-1\n"
        b"users:\n- name: kairos\n  passwd: cAnary7Qx\n"
    )
    (folder / "id_key").write_text("secret file cAnary7Qx\n")
    (folder / "link.log").symlink_to("/etc/shadow")
    (folder / "away.log").symlink_to("/etc/passwd")
    place = shlex.quote(str(folder))
    return (
        command("a/command.txt", "a command", f"echo out; echo err >&2; cat {place}/plain.log; exit 3", size=MB),
        command("a/short.txt", "one that prints too much", f"cat {place}/plain.log", size=10 * KB),
        command("a/hangs.txt", "one that hangs", "echo begun; sleep 60; echo never", 3),
        command("a/silent.txt", "one that hangs without output", "sleep 60", 1),
        command("a/nothing.txt", "one without output", ":"),
        command("a/root.txt", "one for root", "id -u", root="needed"),
        file("b/plain.log", f"{folder}/plain.log", "a log"),
        file("b/long.log", f"{folder}/long.log", "the end of a log", 64 * KB),
        file("b/absent.log", f"{folder}/absent.log", "one that is not there"),
        file("b/link.log", f"{folder}/link.log", "a link to a secret"),
        file("b/away.log", f"{folder}/away.log", "a link to elsewhere"),
        file("b/never", f"{folder}/id_key", "a key"),
        file("b/folder", f"{folder}/logs", "a folder"),
        file("c/userdata.yaml", f"{folder}/userdata.yaml", "user-data", 256 * KB, document=True),
        glob("d", f"{folder}/logs/*.log", "the newest logs", 3),
    )
