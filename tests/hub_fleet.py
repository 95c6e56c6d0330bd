"""A large fleet straight in a hub's database, for tests and benchmarks of what only shows with many hosts."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.db.records import HostRecord, Live, TokenRecord, dump
from edgewright.hub.process.app import Hub
from edgewright.hub.process.options import ServeOptions
from edgewright.hub.process.serve import prepare
from edgewright.hub.resources.hosts.health import judge_hosts
from edgewright.hub.resources.operations.expiry import expire_operations
from edgewright.hub.security import pki
from edgewright.hub.security.secretbox import digest, new_uid

STATES = ("ready", "ready", "ready", "in-use")


def device(number: int) -> dict[str, Any]:
    """Return what the agent of an ordinary small server reports, about 1.6 kB of JSON."""
    partitions = [
        {"fileSystemType": "ext4", "mountPoint": mount, "freeSpace": 51200, "totalSpace": 102400, "usedSpace": 51200}
        for mount in ("/", "/boot", "/var")
    ]
    nics = [
        {
            "nicName": f"eno{port}",
            "ip": f"10.{number % 250}.{port}.7",
            "macAddr": f"52:54:00:{number % 251:02x}:{number % 241:02x}:{port:02x}",
            "gateway": f"10.{number % 250}.{port}.1",
            "subnet": "255.255.255.0",
            "isDefault": port == 1,
            "dns": ["10.0.0.53"],
        }
        for port in (1, 2, 3)
    ]
    return {
        "archType": "arm64" if number % 5 == 0 else "amd64",
        "cpu": {"cores": 4 + number % 3 * 4},
        "memory": {"sizeInMB": 8192 * (1 + number % 4)},
        "disks": [{"controller": "nvme", "vendor": "Samsung", "size": 476, "partitions": partitions}],
        "gpus": [],
        "nics": nics,
        "os": {"family": "ubuntu", "version": "22.04", "kernel": "Linux", "kernelVersion": "5.15.0-91-generic"},
        "hostType": "appliance",
        "secureBoot": True,
    }


def document(number: int) -> dict[str, Any]:
    """Return the stored document of host `number`."""
    uid = f"edge-{number:05d}"
    key = f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{digest(uid)[:43]}"
    return {
        "metadata": {"uid": uid, "name": uid, "labels": {"site": f"site-{number // 4:04d}", "rack": str(number % 40)}},
        "spec": {
            "device": device(number),
            "host": {"hostUid": uid, "hostAddress": f"10.{number % 250}.1.7"},
            "edgewright": {"bootSlot": "active", "sshHostKeys": [key], "uidFrom": "name", "siteName": ""},
        },
        "status": {},
    }


def seed(data: Path, hosts: int, tokens: int = 20, last_heartbeat: float | None = None) -> None:
    """Make a data directory whose database holds that many registered hosts with a heartbeat each."""
    hub = open_hub(data)
    now = times.now()
    project = next(iter(hub.state.projects))
    made = [
        TokenRecord(
            f"{number:024x}", f"token-{number}", digest(f"ewt_{number}"), hub.box.seal("ewt_x"), project, True, None,
            dump({"metadata": {}, "spec": {}}), now, now,
        )
        for number in range(tokens)
    ]  # fmt: skip
    rows, beats = [], []
    for number in range(hosts):
        uid = f"edge-{number:05d}"
        record = HostRecord(
            uid=uid, project_uid=project, state=STATES[number % 4], doc=dump(document(number)), created=now - 9000,
            modified=now - number % 5000, generation=1, registered_at=now - 8000, registration_hash=digest(uid + "r"),
            credential_hash=digest("ewh_" + uid), pending_hash=None, pairing_hash=None,
            token_uid=made[number % tokens].uid if tokens else None, address="10.0.0.1",
        )  # fmt: skip
        rows.append(msgspec.structs.asdict(record))
        live = Live()
        live.at = now - number % 30 if last_heartbeat is None else last_heartbeat
        live.count, live.boot_id, live.seq, live.agent_version = 100, "b1", 100, "0.1.0"
        live.state = "unhealthy" if number % 20 == 0 else "healthy"
        live.message = "The disk of /var is full." if number % 20 == 0 else ""
        live.vitals = {"load1": 0.5, "cpuPercent": 4.0, "memoryUsedMB": 900, "uptimeSeconds": 5000, "bootId": "b1"}
        beat = live.row(uid)
        beat["uid"] = beat.pop("host")
        beats.append(beat)
    with hub.engine.begin() as connection:
        if made:
            connection.execute(schema.tokens.insert(), [msgspec.structs.asdict(record) for record in made])
        if rows:
            connection.execute(schema.hosts.insert(), rows)
            connection.execute(schema.heartbeats.insert(), beats)
    hub.engine.dispose()
    hub.readers.dispose()


def add_events(hub: Hub, count: int, at: float) -> None:
    """Put that many events of that age straight into the database."""
    rows = [
        {
            "uid": new_uid(), "project_uid": "", "kind": "edgehost", "object_uid": "edge-00000", "severity": "Info",
            "reason": "Old", "at": at + number / 1000, "doc": "{}",
        }
        for number in range(count)
    ]  # fmt: skip
    with hub.engine.begin() as connection:
        connection.execute(schema.events.insert(), rows)


@functools.cache
def _template() -> Path:
    """Return the data directory of a hub that was opened for the first time; one for all tests of this process."""
    folder = Path(tempfile.mkdtemp(prefix="hub-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    before = os.umask(0o077)  # as the process of a hub
    try:
        hub = open_hub(folder / "data")
    finally:
        os.umask(before)
    hub.engine.dispose()
    hub.readers.dispose()
    return folder / "data"


def used_directory(data: Path) -> Path:
    """Make a data directory as a first start leaves it, with keys, CA and an empty database; returns it.

    The first start itself takes a third of a second of a processor and 30 syncs. All such hubs have the same keys.
    """
    shutil.copytree(_template(), data)
    return data


def open_hub(data: Path, **options: Any) -> Hub:
    """Open a hub in this process, without a socket; `await hub.start()` starts its writer and its sweep."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    pki.ensure_certificates(data, ("127.0.0.1",))
    return prepare(ServeOptions(data=data, **options))


async def sweep_once(hub: Hub) -> None:
    """Judge every host whose silence may have changed it, then expire operations."""
    await judge_hosts(hub)
    await expire_operations(hub)
