"""Alerts of a real hub to real receivers: some down, the hub killed between; nothing lost, nothing doubled."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from edgewright.wire import protocol
from tests.hub.alert_servers import Mails, Webhooks, mails, until, webhooks
from tests.hub_fixture import RunningHub, running_hub
from tests.support import ROOT

pytestmark = pytest.mark.e2e
HOSTS = 12


@pytest.fixture
def hub() -> Iterator[RunningHub]:
    """A hub for which ten minutes are four seconds."""
    with running_hub("--silence-limit", "4", "--heartbeat", "1") as started:
        yield started


class Site:
    """The hosts of one site behind one link."""

    def __init__(self, hub: RunningHub) -> None:
        self._hub = hub
        _, token = hub.token("site")
        self._clients = {f"edge-{number:02d}": hub.host(f"edge-{number:02d}", token) for number in range(HOSTS)}

    def beat(self) -> None:
        """All send one heartbeat."""
        for uid, client in self._clients.items():
            path = protocol.path(protocol.HOST_HEALTH, uid=uid)
            answer = client.patch(path, json={"state": "healthy"})
            assert answer.status_code == 204, answer.text


def alert(hub: RunningHub, *words: str) -> str:
    """Run `edgewright alert receiver ...` as a person does; returns what it prints."""
    environment = {
        "PATH": "/usr/bin:/bin", "EDGEWRIGHT_URL": hub.url, "EDGEWRIGHT_CA": str(hub.ca),
        "EDGEWRIGHT_API_KEY_FILE": str(hub.data / "admin-api-key"), "HOME": str(hub.data), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    command = [sys.executable, "-m", "edgewright", "alert", "receiver", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def statuses(hub: RunningHub) -> dict[str, dict[str, Any]]:
    return {item["name"]: item["status"] for item in hub.client().get(protocol.RECEIVERS).json()["items"]}


def kill_and_start(hub: RunningHub) -> None:
    hub.kill()
    hub.start_again()


def rows(name: str, events: list[tuple[str, str, int]], refused: int = 0) -> str:
    """Return a line of the table: events by delivery id, what came twice, and how many attempts were refused."""
    ids = Counter(delivery for delivery, _, _ in events)
    once = dict.fromkeys((delivery, f"{event} ({hosts})") for delivery, event, hosts in events)
    told = ", ".join(event for _, event in once)
    return f"| {name} | {told} | {len(ids)} | {sum(ids.values())} | {refused} |"


def of_hook(receiver: Webhooks) -> list[tuple[str, str, int]]:
    return [(doc["deliveryId"], doc["event"], doc["problem"]["hosts"]) for doc in receiver.documents("test")]


def of_mail(server: Mails) -> list[tuple[str, str, int]]:
    found = []
    for mail in server.got:
        lines = dict(line.split(None, 1) for line in str(mail.get_payload()).splitlines() if line.startswith("Hosts "))
        found.append((str(mail["Edgewright-Delivery"]), str(mail["Edgewright-Event"]), int(lines.get("Hosts", "0"))))
    return found


@pytest.mark.core
def test_p58_nothing_is_lost_and_nothing_doubled(hub: RunningHub, tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    folder.mkdir(mode=0o700)
    with webhooks() as up, webhooks() as down, webhooks() as slow, mails(folder, "starttls", "ops", "secret") as mail:
        for name, receiver in (("up", up), ("down", down), ("slow", slow)):
            (tmp_path / name).write_text(receiver.url)
            assert alert(hub, "add", name, "--url-file", str(tmp_path / name), "--repeat", "0").startswith("ews_")
        (tmp_path / "password").write_text("secret")
        (tmp_path / "ca").write_text(mail.ca)
        alert(
            hub, "add", "mail", "--mail", "ana@example.com", "--from", "hub@example.com",
            "--smtp", f"127.0.0.1:{mail.port}", "--user", "ops", "--password-file", str(tmp_path / "password"),
            "--ca", str(tmp_path / "ca"), "--repeat", "0",
        )  # fmt: skip
        alert(hub, "test", "up")
        site = Site(hub)
        site.beat()
        down.stop()
        mail.stop()
        slow.status = 503
        until(lambda: of_hook(up), 30)  # the link is down: one alert
        until(lambda: statuses(hub)["down"]["lastError"] and statuses(hub)["mail"]["lastError"])
        listed = alert(hub, "list")
        assert listed.count("refused") == 2 and "status 503" in listed
        for _ in range(3):
            kill_and_start(hub)
        slow.status, slow.delay = 200, 0.4  # it takes the message, and the hub dies before it knows
        until(lambda: slow.got, 40)
        kill_and_start(hub)
        down.start()
        mail.start()
        until(lambda: of_hook(down) and of_mail(mail), 40)

        def back() -> bool:
            site.beat()
            return all(any(event == "resolved" for _, event, _ in seen) for seen in (
                of_hook(up), of_hook(down), of_hook(slow), of_mail(mail),
            ))  # fmt: skip

        until(back, 40)
        until(lambda: all(status["waiting"] == 0 for status in statuses(hub).values()))
        print("\n| receiver | events (hosts) | delivery ids | on the wire | refused |\n|---|---|---|---|---|")
        print(rows("webhook, always up", of_hook(up)))
        print(rows("webhook, down over 4 x kill -9", of_hook(down)))
        print(rows("webhook, 503 then slow, hub killed during the answer", of_hook(slow), len(slow.refused)))
        print(rows("e-mail (STARTTLS, login), down over 4 x kill -9", of_mail(mail)))
        for events in (of_hook(up), of_hook(down), of_hook(slow), of_mail(mail)):
            once = dict.fromkeys(events)
            assert [(event, hosts) for _, event, hosts in once] == [("opened", HOSTS), ("resolved", HOSTS)]
            assert len({delivery for delivery, _, _ in once}) == 2
        assert len(of_hook(up)) == len(of_hook(down)) == len(of_mail(mail)) == 2
        assert len(of_hook(slow)) == 3, "its answer was lost, so it is on the wire twice, with one id"
        assert set(slow.refused) == {slow.ids()[0]}, "an attempt that failed has the id of the one that succeeds"


def test_p58_a_mail_server_that_hangs_delays_no_webhook(hub: RunningHub, tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    folder.mkdir(mode=0o700)
    with webhooks() as receiver, mails(folder, "none") as server:
        server.hang = True
        admin: httpx.Client = hub.client()
        email = {"to": ["a@b.c"], "from": "h@b.c", "host": "127.0.0.1", "port": server.port, "tls": "none"}
        assert admin.post(protocol.RECEIVERS, json={"name": "m", "kind": "email", "email": email}).status_code == 201
        hook = {"name": "w", "kind": "webhook", "webhook": {"url": receiver.url}}
        assert admin.post(protocol.RECEIVERS, json=hook).status_code == 201
        Site(hub).beat()
        until(lambda: of_hook(receiver), 15)
        assert statuses(hub)["m"]["waiting"] == 1
        server.hang = False
