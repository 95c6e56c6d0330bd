"""Settings of all hosts of a cluster: SSH keys of the user `spectro`, time servers. Both are in the ledger first."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Callable, Dict, List, Sequence, Tuple

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.host import Host
from edgewright.agent.clusters.ledger import FOLDER, KEYS, TIME, Entry, undo
from edgewright.agent.clusters.machine.keys import FILE, rewrite
from edgewright.core.errors import EdgewrightError, Failed

STAMP = paths.RUN + "/settings.json"
"""When the settings were compared last, which they were, and what was wrong."""
EVERY = 60.0
"""Seconds after which they are compared again."""
USERS = ("spectro", "kairos")
"""Who gets the keys: Palette's user, else that of Kairos. No user is made."""
DROP_IN = "/etc/systemd/timesyncd.conf.d/90-edgewright.conf"
TIMESYNCD, CHRONY = "systemd-timesyncd.service", ("chronyd.service", "chrony.service")


def settle(context: Context) -> bool:
    """Bring this host to the settings of the document; return whether another problem is to be reported than before."""
    host, wanted = context.host, context.document.host_settings
    sign = hashlib.sha256(repr((context.document.uid, wanted)).encode()).hexdigest()
    before = host.json(STAMP)
    at = before.get("at")
    if before.get("sign") == sign and isinstance(at, (int, float)) and 0 <= host.uptime() - at < EVERY:
        return False
    problems, body = [], {**before, "sign": sign, "at": host.uptime()}
    works: Tuple[Callable[[Context, Dict[str, Any]], None], ...] = (_keys, _time)
    for work in works:
        try:
            work(context, body)
        except EdgewrightError as error:
            problems.append(str(error))
    body["problem"] = " ".join(problems)
    try:
        host.write(STAMP, json.dumps(body).encode(), 0o600, durable=False)
    except EdgewrightError:
        return False  # what comes after this at a look, the Lease among it, must not depend on it
    return bool(body["problem"] != before.get("problem", ""))


def problem(context: Context) -> str:
    """Return why a setting is not in force on this host, as sentences; empty when all are."""
    return str(context.host.json(STAMP).get("problem") or "")


def _noted(context: Context, kind: str) -> List[Entry]:
    return [entry for entry in context.ledger.entries() if entry.kind == kind]


def _folder(context: Context, name: str) -> None:
    if not context.host.has(name):
        context.ledger.note(FOLDER, name)


def _keys(context: Context, stamp: Dict[str, Any]) -> None:
    host, keys = context.host, context.document.host_settings.ssh_keys
    user, uid, gid, home = _user(host) if keys else ("", 0, 0, "")
    path = home + FILE
    for entry in _noted(context, KEYS):
        if not keys or entry.name != path:
            undo(host, entry)
    if not keys:
        return
    if not home:
        raise Failed(
            "The SSH keys of the cluster are not set: this host has no user spectro or kairos.",
            "Add it to the user-data of the host.",
        )
    read = host.run(["sshd", "-T", "-C", f"user={user},host=localhost,addr=127.0.0.1"], 10.0, None, _SBIN).output
    files = next((line.split()[1:] for line in read.splitlines() if line.startswith("authorizedkeysfile ")), [])
    named = [name.replace("%u", user).replace("%h", home) for name in files]
    if files and not {FILE[1:], path} & set(named):
        raise Failed(
            f"The SSH keys of the cluster are not set: sshd of this host does not read {path}.",
            "Add .ssh/authorized_keys to AuthorizedKeysFile.",
        )
    _folder(context, os.path.dirname(path))
    context.ledger.note(KEYS, path, "file" if host.has(path) else "")
    if rewrite(host, path, keys, (uid, gid)):
        host.run(["restorecon", "-R", os.path.dirname(path)])  # where SELinux is
        host.report(f"the SSH keys of the cluster are set for the user {user}")


_SBIN = {"PATH": paths.SEARCH}


def _user(host: Host) -> Tuple[str, int, int, str]:
    """Return name, numbers and home of the user who gets the keys; empty names where there is none."""
    rows = {row[0]: row for row in (line.split(":") for line in host.lines("/etc/passwd")) if len(row) > 6}
    for name in USERS:
        row = rows.get(name)
        if row and row[2].isdigit() and row[3].isdigit() and row[5].startswith("/"):
            return name, int(row[2]), int(row[3]), row[5].rstrip("/")
    return "", 0, 0, ""


def _time(context: Context, stamp: Dict[str, Any]) -> None:
    host, servers = context.host, context.document.host_settings.ntp
    path, text, command = _service(host, servers) if servers else ("", "", [])
    for entry in _noted(context, TIME):
        if entry.name != path:
            undo(host, entry)
    if not servers:
        return
    if not path:
        raise Failed(
            "The time servers of the cluster are not set: neither systemd-timesyncd nor chrony with a sourcedir runs.",
            "Start one of them on the host.",
        )
    _folder(context, os.path.dirname(path))
    context.ledger.note(TIME, path, json.dumps(command))
    if host.write(path, text.encode()) or stamp.get("time") != text:  # also after a kill between the two
        stamp["time"] = ""
        host.must(command)
        stamp["time"] = text
        host.report(f"the time servers of the cluster are set: {', '.join(servers)}")


def _service(host: Host, servers: Sequence[str]) -> Tuple[str, str, List[str]]:
    """Return file, text and the command after a change for what sets the clock here; empty where nothing does."""
    units = (TIMESYNCD, *CHRONY)
    states = host.run(["systemctl", "is-active", *units]).output.split()
    active = [unit for unit, state in zip(units, states) if state == "active"]
    if TIMESYNCD in active:
        return DROP_IN, f"[Time]\nNTP=\nNTP={' '.join(servers)}\n", ["systemctl", "try-restart", TIMESYNCD]
    lines = host.lines("/etc/chrony/chrony.conf") or host.lines("/etc/chrony.conf")
    folders = [line.split()[1] for line in lines if active and line.split()[0] == "sourcedir" and line.split()[1:]]
    folders.sort(key=lambda name: name.startswith("/run/"))  # one that stays comes first
    if not folders:
        return "", "", []
    text = "".join(f"server {name} iburst\n" for name in servers)
    return f"{folders[0].rstrip('/')}/edgewright.sources", text, ["chronyc", "reload", "sources"]
