"""From release 0.1.0 on PostgreSQL to two hubs of this one, and one hub after the other restarted, under load.

Nothing that was acknowledged is lost, no host turns unhealthy, and a console stays on its screen.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.dist.hubs import further_directory
from tests.dist.load import Load
from tests.e2e.console import Console
from tests.hub_fixture import RunningHub, _ready, running_hub
from tests.postgres import Cluster
from tests.support import ROOT, missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
RELEASE = "v0.1.0"
HOSTS = 20
OPTIONS = ("--heartbeat", "1", "--silence-limit", "10", "--sweep", "0.5")


def release_tree(folder: Path) -> Path:
    """Return the sources of the earlier release, from the tag of this checkout; skips without it."""
    made = subprocess.run(["git", "-C", str(ROOT), "archive", RELEASE], capture_output=True, check=False, timeout=60)
    if made.returncode:
        missing("release", f"this checkout has no tag {RELEASE}")
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def old_hub(tree: Path, data: Path, url: str, port: int) -> Iterator[RunningHub]:
    """Run a hub of the earlier release."""
    arguments = ["--db", url, *OPTIONS]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "edgewright.hub.cli", "serve", "--data", str(data)),
            *(*arguments, "--listen", f"127.0.0.1:{port}"),
        ],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tree, env={"PYTHONPATH": str(tree), "PATH": ""},
    )  # fmt: skip
    try:
        address = _ready(process)
        key = (data / "admin-api-key").read_text().strip()
        hub = RunningHub(address, data / "ca.crt", key, data, process, arguments)
        yield hub
        hub.stop()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(timeout=20)


class Watch:
    """A console that shows one host, and what it shows over time."""

    def __init__(self, console: Console, uid: str) -> None:
        self._console, self._uid = console, uid
        self.left: list[str] = []

    def look(self) -> None:
        """Note a screen that is another one."""
        shown = self._console.screen()
        if self._uid not in shown or "console ended" in shown:
            self.left.append(shown)

    def during(self, seconds: float) -> None:
        """Look for some seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look()
            time.sleep(0.2)

    def learns(self, change: Callable[[], Any], text: str, seconds: float = 20.0) -> float:
        """Make a change and wait until the screen shows it; returns the seconds."""
        change()
        began = time.monotonic()
        while text not in self._console.screen():
            self.look()
            assert time.monotonic() - began < seconds, f"no {text} on the screen:\n{self._console.screen()}"
            time.sleep(0.1)
        return time.monotonic() - began


def restart(hub: RunningHub, watch: Watch) -> None:
    hub.stop()
    watch.look()
    hub.start_again()
    watch.during(2)


def check(load: Load, hubs: list[RunningHub]) -> None:
    """Everything acknowledged is at every hub, and no host was unhealthy."""
    assert load.wrong == []
    for hub in hubs:
        client = hub.client()
        end = time.monotonic() + 5
        lost = lacking(load, client)
        while lost and time.monotonic() < end:
            time.sleep(0.1)
            lost = lacking(load, client)
        assert lost == [], f"{hub.url}: {lost[:5]} of {len(lost)}"
        events = client.get("/v1/events/components?limit=1000", headers={"Edgewright-Page-Limit": "1000"}).json()
        reasons = {event["reason"] for event in events["items"]}
        assert not reasons & {"HostUnhealthy", "HostRecovered"}, reasons


def lacking(load: Load, client: httpx.Client) -> list[str]:
    """Return what was acknowledged and a hub does not show."""
    known: dict[str, Any] = {}
    more: dict[str, Any] = {}
    while True:
        answer = client.post(
            "/v1/dashboard/edgehosts/search?limit=1000", json=more, headers={"Edgewright-Page-Limit": "1000"}
        ).json()
        known |= {item["metadata"]["uid"]: item for item in answer["items"]}
        if not answer["listmeta"]["continue"]:
            break
        more = {"continue": answer["listmeta"]["continue"]}
    lost = [uid for uid in load.created if uid not in known]
    for uid, count in load.beats.items():
        document = client.get(f"/v1/edgehosts/{uid}").json()
        if document["status"]["edgewright"]["heartbeats"] < count:
            lost.append(f"{uid}: {document['status']['edgewright']['heartbeats']} of {count} heartbeats")
        if document["status"]["health"]["state"] != "healthy":
            lost.append(f"{uid} is {document['status']['health']}")
        label = document["metadata"].get("labels", {}).get("n")
        if uid in load.labels and label != load.labels[uid]:
            lost.append(f"{uid}: label {label}, {load.labels[uid]} was acknowledged")
    return lost


def test_an_upgrade_from_0_1_0_and_a_rolling_restart_lose_nothing(postgres: Cluster, tmp_path: Path) -> None:
    if shutil.which("tmux") is None:
        missing("e2e", "tmux is not installed")
    tree = release_tree(tmp_path / "old")
    url, ports = postgres.url(postgres.create()), (free_port(), free_port())
    addresses = [f"https://127.0.0.1:{port}" for port in ports]
    first = tmp_path / "first"
    with contextlib.ExitStack() as stack:
        with old_hub(tree, first, url, ports[0]) as old:
            _, token = old.token("fleet")
            hosts = {
                uid: old.register(uid, token, f"{number:032x}").json()["status"]["serviceAuthToken"]
                for number, uid in enumerate(f"shop-{number:02d}" for number in range(HOSTS))
            }
            load = Load(addresses, old.ca, old.admin_key, hosts, every=0.5)
            load.start()
            stack.callback(load.stop)
            console = Console(tmp_path / "home", ",".join(addresses), old.ca, first / "admin-api-key", 120, 40)
            stack.callback(console.close)
            watch = Watch(console, "shop-19")
            open_host(console, "shop-19")
            watch.during(2)
            before = len(load.created)
        # The old release expects to be alone, so it ends before the first hub of this one starts.
        hubs = [
            stack.enter_context(running_hub("--db", url, *OPTIONS, data=first, listen=f"127.0.0.1:{ports[0]}")),
        ]
        watch.during(1)
        second = further_directory(first, tmp_path / "second")
        hubs.append(
            stack.enter_context(running_hub("--db", url, *OPTIONS, data=second, listen=f"127.0.0.1:{ports[1]}"))
        )
        watch.during(2)
        upgrade = load.reset_gaps()
        for number, hub in enumerate(hubs):
            restart(hub, watch)
            body = {"metadata": {"labels": {"seen": f"turn{number}"}}}
            client = hub.client()
            took = watch.learns(
                lambda client=client, body=body: client.put("/v1/edgehosts/shop-19/meta", json=body).raise_for_status(),  # type: ignore[misc]
                f"turn{number}",
            )
            print(f"the console showed a change of hub {number} after {took:.1f} s")
        load.stop()
        check(load, hubs)
        assert watch.left == [], watch.left[0]
        restarts = load.reset_gaps()
        print(
            f"{len(load.created)} writes ({before} to the old release) and {sum(load.beats.values())} heartbeats; "
            f"longest gap at the upgrade {upgrade}, at the restarts {restarts}"
        )
        assert max(restarts.values()) < 5


def open_host(console: Console, uid: str) -> None:
    """Open the screen of one host, by keys."""
    console.wait("hosts", "healthy", patience=40)
    console.press("2")
    console.wait("shop-00", patience=20)
    console.press("/")
    console.press(uid)
    console.press("Enter")
    console.wait_line(uid)
    console.press("Enter")
    console.wait(uid, "HERE", "tags")
