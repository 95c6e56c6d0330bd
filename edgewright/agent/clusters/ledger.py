"""The ledger: everything made outside of own folders, written down before it is made, so that a release undoes it.

One JSON object a line, durable. What is there twice is undone once; an entry whose thing was never made undoes nothing.
"""

from __future__ import annotations

import json
import os
from typing import Callable, Dict, List, NamedTuple, Tuple

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.host import Host
from edgewright.agent.clusters.machine.keys import rewrite
from edgewright.agent.kernel.state import reason_of, sync_folder
from edgewright.agent.reconcile.journal import CannotRecord, decode, encode
from edgewright.core.errors import Failed

FILE, FOLDER, CONTENT, UNIT, ADDRESS, SYSCTL, MODULE, TABLES, KEYS, TIME = (
    "file", "folder", "content", "unit", "address", "sysctl", "module", "tables", "keys", "time",
)  # fmt: skip
"""`folder`: made, removed when it is empty. `content`: what appears in it from now on belongs to the cluster; `before`
has the names that were there, empty where the folder was not. `tables`: the nft tables that were there. `keys`: a block
in an authorized_keys, `before` is empty where the file was made for it. `time`: a file with time servers, `before` has
the command that lets its service read it."""
ABSENT = ""
OWN_TABLES = ("kube-proxy", "flannel-ipv4", "flannel-ipv6")
"""nft tables of kube-proxy and CNI plug-ins."""
SHARED_TABLES = ("filter", "nat", "mangle", "raw", "security")
"""Tables that the programs of iptables make: removed when they were not there before and have no rule now."""


class Entry(NamedTuple):
    """One thing: its kind, its name, and what was there before (a value of a sysctl, a nic of an address)."""

    kind: str
    name: str
    before: str = ""


class Ledger:
    """The ledger of this host."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def entries(self) -> List[Entry]:
        """Return what was made, in order, each thing once."""
        result: Dict[Entry, None] = {}
        names = set()
        for line in self.host.data(paths.LEDGER, 16 * 1024 * 1024).split(b"\n"):
            record = decode(line)
            if record is None:
                continue
            entry = Entry(str(record.get("kind")), str(record.get("name")), str(record.get("before", "")))
            if (entry.kind, entry.name) not in names:  # the oldest knows what was there before us
                names.add((entry.kind, entry.name))
                result[entry] = None
        return list(result)

    def note(self, kind: str, name: str, before: str = "") -> None:
        """Make an entry durable before its thing is made. Raises `CannotRecord`: then it must not be made."""
        if any(entry.kind == kind and entry.name == name for entry in self.entries()):
            return
        path = self.host.path(paths.LEDGER)
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(path, "ab") as file:
                file.write(encode({"step": "ledger", "kind": kind, "name": name, "before": before}))
                file.flush()
                os.fsync(file.fileno())
            sync_folder(os.path.dirname(path))
        except OSError as error:
            raise CannotRecord(
                f"{paths.LEDGER} cannot be written: {reason_of(error)}. Nothing is changed until it can.",
                "Free the disk (`host disk` shows what fills it).",
                code="LedgerNotWritable",
            ) from None

    def note_content(self, name: str) -> None:
        """Write down what is in a folder before the cluster puts something there. Raises `CannotRecord`."""
        there = self.host.has(name)
        self.note(CONTENT, name, json.dumps(self.host.names(name)) if there else ABSENT)

    def content(self, name: str) -> List[str]:
        """Return the names that were in a folder before."""
        before = next((entry.before for entry in self.entries() if (entry.kind, entry.name) == (CONTENT, name)), ABSENT)
        return _names(before)

    def note_tables(self) -> None:
        """Write down which nft tables are there. Raises `CannotRecord`."""
        self.note(TABLES, "nft", json.dumps([" ".join(table) for table in tables(self.host)]))

    def undo(self, report: Callable[[str], None]) -> List[str]:
        """Undo every entry, the newest first; return what could not be undone. The ledger is removed when all was."""
        failed = []
        for entry in reversed(self.entries()):
            try:
                if undo(self.host, entry):
                    report(f"undone: {entry.kind} {entry.name}")
            except Failed as error:
                failed.append(f"{entry.kind} {entry.name}: {error.message}")
        if not failed:
            self.host.remove(paths.LEDGER)
        return failed


def undo(host: Host, entry: Entry) -> bool:
    """Undo one entry; return whether there was something to undo. Raises `Failed`."""
    if entry.kind == FILE:
        return host.remove(entry.name)
    if entry.kind == FOLDER:
        path = host.path(entry.name)
        try:
            os.rmdir(path)  # only an empty one: others may use it now
        except OSError:
            return False
        return True
    if entry.kind == CONTENT:
        return _undo_content(host, entry)
    if entry.kind == TABLES:
        return _undo_tables(host, entry)
    if entry.kind == KEYS:
        return rewrite(host, entry.name, (), made=entry.before == ABSENT)
    if entry.kind == TIME:
        removed = host.remove(entry.name)
        if removed:
            host.run(_names(entry.before))  # a service that does not run any more reads it at its next start
        return removed
    if entry.kind == UNIT:
        host.run(["systemctl", "stop", entry.name], 120)
        host.run(["systemctl", "reset-failed", entry.name])
        return host.remove(f"{paths.UNITS}/{entry.name}")
    if entry.kind == ADDRESS:
        return host.run(["ip", "address", "del", entry.name, "dev", entry.before]).code == 0
    if entry.kind == SYSCTL:
        name = "/proc/sys/" + entry.name.replace(".", "/")
        if host.text(name) == entry.before:
            return False
        done = host.run(["sysctl", "-q", "-w", f"{entry.name}={entry.before}"])
        if done.code != 0:
            raise Failed(f"{entry.name} cannot be set to {entry.before}: {done.last}.")
        return True
    return False  # a kernel module stays: another program may use it by now


def tables(host: Host) -> List[Tuple[str, str]]:
    """Return family and name of each nft table."""
    lines = [line.split() for line in host.run(["nft", "list", "tables"]).output.splitlines()]
    return [(fields[1], fields[2]) for fields in lines if len(fields) == 3 and fields[0] == "table"]


def _undo_content(host: Host, entry: Entry) -> bool:
    before = _names(entry.before)
    undone = [host.remove(f"{entry.name}/{name}") for name in host.names(entry.name) if name not in before]
    if entry.before == ABSENT and host.has(entry.name):
        try:
            os.rmdir(host.path(entry.name))
        except OSError:
            return any(undone)  # a mount point
        return True
    return any(undone)


def _undo_tables(host: Host, entry: Entry) -> bool:
    before, undone = _names(entry.before), False
    for family, name in tables(host):
        if f"{family} {name}" in before:
            continue
        text = host.run(["nft", "list", "table", family, name]).output
        if name in OWN_TABLES or (name in SHARED_TABLES and not has_rules(text)):
            undone = host.run(["nft", "delete", "table", family, name]).code == 0 or undone
    return undone


def has_rules(text: str) -> bool:
    """Return whether a table that `nft list table` printed has a rule, a set, or a chain of its own without a hook."""
    chain, hooked = "", True
    for line in text.splitlines():
        fields = line.split()
        if not fields or fields[0] in ("table", "comment", "#"):
            continue
        if fields[0] == "chain":
            chain, hooked = fields[1], False
        elif fields[0] == "type":
            hooked = True
        elif fields[0] == "}":
            if chain and not hooked:
                return True  # a chain that a site made, and may mean to use
            chain = ""
        elif fields[0] != "policy":
            return True
    return False


def _names(text: str) -> List[str]:
    try:
        value = json.loads(text or "[]")
    except ValueError:
        return []
    return [str(name) for name in value] if isinstance(value, list) else []
