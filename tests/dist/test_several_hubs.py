"""Several hub processes on one real PostgreSQL are one plane (rules P55, P65 to P68)."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet

from edgewright.clients.http.credential import Credential
from edgewright.clients.palette.client import PlaneClient
from edgewright.hub.controllers.membership import AWAY, LEASE
from edgewright.hub.db.lock import KEY
from edgewright.hub.process.following import MOST_BEHIND
from edgewright.wire import protocol
from tests.dist.hubs import several_hubs
from tests.hub_fixture import RunningHub, _ready, _spawn, running_hub
from tests.postgres import Cluster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
Pair = tuple[RunningHub, RunningHub]


@pytest.fixture(scope="module")
def hubs(postgres: Cluster) -> Iterator[Pair]:
    with several_hubs(postgres, 2, "--sweep", "0.5") as started:
        yield started[0], started[1]


@pytest.fixture
def pair(hubs: Pair) -> Pair:
    """The same two hubs for tests that end them: one that ended before is started again."""
    for hub in hubs:
        if hub.process.poll() is not None:
            hub.start_again()
    return hubs


def eventually(truth: Callable[[], Any], seconds: float = MOST_BEHIND) -> float:
    """Wait until something holds; returns the seconds that it took."""
    began = time.monotonic()
    while not truth():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - began


def database_of(hub: RunningHub) -> str:
    return hub.arguments[1].partition("?")[0].rpartition("/")[2]


def end_sessions(postgres: Cluster, hub: RunningHub) -> None:
    """End every session of a database, as a failover or an administrator does."""
    name = database_of(hub)
    postgres.psql("postgres", f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")


def key(hub: RunningHub, name: str) -> tuple[str, str]:
    """Make an API key; returns uid and text."""
    made = hub.client().post(protocol.API_KEYS, json={"metadata": {"name": name}}).json()
    return made["uid"], made["apiKey"]


def test_what_one_hub_stored_is_at_the_other_at_once(pair: Pair) -> None:
    first, second = pair
    assert (first.data / "ca.crt").read_bytes() == (second.data / "ca.crt").read_bytes()
    took = []
    for number in range(5):
        made = first.client().post(protocol.HOSTS, json={"metadata": {"uid": f"seen-{number}"}})
        assert made.status_code == 201
        path = f"/v1/edgehosts/seen-{number}"
        client = second.client()
        took.append(eventually(lambda path=path, client=client: client.get(path).status_code == 200))  # type: ignore[misc]
    assert sorted(took)[2] < 1.0, took


def test_p68_a_credential_of_one_hub_is_valid_at_the_other(pair: Pair) -> None:
    """API key, session, registration token and host credential, each used at the other hub at once."""
    first, second = pair
    _, text = key(first, "both")
    assert second.client(ApiKey=text).get("/v1/users/info").status_code == 200
    me = first.client().get("/v1/users/me").json()["spec"]["emailId"]
    login = {"emailId": me, "password": text}
    session = first.anonymous().post(protocol.AUTHENTICATE, json=login).json()["Authorization"]
    assert second.client(Authorization=session).get("/v1/users/info").status_code == 200
    _, token = first.token("both")
    registered = second.register("both-1", token)
    assert registered.status_code == 200, registered.text
    own = registered.json()["status"]["serviceAuthToken"]
    beat = {"state": "healthy", "edgewright": {"seq": 1, "bootId": "b"}}
    assert first.client(Authorization=own).patch("/v1/edgehosts/both-1/health", json=beat).status_code == 204


def test_p68_what_one_hub_revoked_the_other_refuses(pair: Pair) -> None:
    first, second = pair
    uid, text = key(first, "ends")
    user = second.client(ApiKey=text)
    assert user.get("/v1/users/info").status_code == 200
    assert first.client().delete(f"/v1/apiKeys/{uid}").status_code == 204
    eventually(lambda: user.get("/v1/users/info").status_code == 401)
    _, token = first.token("ends")
    host = second.host("ends-1", token)
    beat = {"state": "healthy", "edgewright": {"seq": 1, "bootId": "b"}}
    assert host.patch("/v1/edgehosts/ends-1/health", json=beat).status_code == 204
    admin = first.client()
    eventually(lambda: admin.delete("/v1/edgehosts/ends-1").status_code == 204)
    eventually(lambda: host.patch("/v1/edgehosts/ends-1/health", json=beat).status_code == 401)
    assert host.patch("/v1/edgehosts/ends-1/health", json=beat).json()["code"] == "HostGone"


def test_p68_a_hub_that_was_paused_accepts_nothing_that_was_revoked_meanwhile(pair: Pair) -> None:
    """It answers 503 until it has followed the change log, and never by what it remembers."""
    first, second = pair
    uid, text = key(first, "paused")
    user = second.client(ApiKey=text)
    assert user.get("/v1/users/info").status_code == 200
    second.process.send_signal(signal.SIGSTOP)
    try:
        assert first.client().delete(f"/v1/apiKeys/{uid}").status_code == 204
        time.sleep(MOST_BEHIND + 0.5)
    finally:
        second.process.send_signal(signal.SIGCONT)
    codes: list[int] = []

    def answered() -> bool:
        codes.append(user.get("/v1/users/info").status_code)
        return codes[-1] != 503

    eventually(answered, 20)
    assert codes[-1] == 401


def _lock_out(postgres: Cluster, hub: RunningHub) -> str:
    """Let no hub reach its database; returns what is to be done to end that."""
    name = database_of(hub)
    postgres.psql("postgres", f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
    end_sessions(postgres, hub)
    return f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true"


def test_p68_a_hub_among_others_without_the_database_answers_503(pair: Pair, postgres: Cluster) -> None:
    """Reads too: what was revoked through another hub is not known here. It continues by itself."""
    hub, other = pair
    admin = hub.client()
    assert admin.get("/v1/users/info").status_code == 200
    other.kill()  # for all that this hub knows it is only out of reach
    time.sleep(AWAY + 1.5)
    undo = _lock_out(postgres, hub)
    eventually(lambda: admin.get("/v1/users/info").status_code == 503, MOST_BEHIND + 3)
    answer = admin.post(protocol.HOSTS, json={"metadata": {"uid": "cut"}})
    assert answer.status_code == 503 and int(answer.headers["retry-after"]) >= 1
    assert hub.anonymous().get(protocol.FEATURES).status_code == 200
    ready = hub.anonymous().get("/readyz")
    assert ready.status_code == 503 and "has not followed for" in ready.text  # a balancer leaves it out
    postgres.psql("postgres", undo)
    eventually(lambda: admin.post(protocol.HOSTS, json={"metadata": {"uid": "cut"}}).status_code == 201, 20)


def test_p43_a_hub_that_is_alone_answers_reads_without_the_database(postgres: Cluster) -> None:
    """Nothing can be revoked without it. The other hub ended in order, so it is not awaited."""
    with several_hubs(postgres, 2) as (hub, other):
        admin = hub.client()
        other.stop()
        assert admin.post(protocol.HOSTS, json={"metadata": {"uid": "seen"}}).status_code == 201
        time.sleep(2)
        undo = _lock_out(postgres, hub)
        end = time.monotonic() + MOST_BEHIND + 3
        while time.monotonic() < end:
            assert admin.get("/v1/edgehosts/seen").status_code == 200
            time.sleep(0.2)
        assert admin.post(protocol.HOSTS, json={"metadata": {"uid": "cut"}}).status_code == 503
        (alert,) = admin.get(protocol.ALERTS).json()["items"]
        assert alert["uid"] == "plane/storage"
        assert admin.get(protocol.HUB_STATUS).json()["hubs"] is None
        postgres.psql("postgres", undo)
        eventually(lambda: admin.post(protocol.HOSTS, json={"metadata": {"uid": "cut"}}).status_code == 201, 20)


def test_p66_status_lists_the_hubs_with_their_tasks(postgres: Cluster) -> None:
    with several_hubs(postgres, 2) as (first, second):
        eventually(lambda: len(tasks(postgres, first)) == 1)
        command = [sys.executable, "-m", "edgewright.hub.process.cli", "status", "--data", str(first.data)]
        listed = json.loads(subprocess.run([*command, "-o", "json"], capture_output=True, text=True).stdout)["hubs"]
        assert [hub["address"] for hub in listed] == [first.url, second.url]
        assert [hub["this"] for hub in listed] == [True, False] and {hub["state"] for hub in listed} == {"up"}
        assert sorted(task for hub in listed for task in hub["tasks"]) == ["alerts", "sweeps"]
        assert all(hub["ageSeconds"] < 3 and hub["version"] and hub["since"] < hub["lastSeen"] for hub in listed)
        second.kill()
        time.sleep(AWAY + 0.5)
        lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
        shown = [line for line in lines if line.startswith("hub ")]
        assert len(shown) == 2 and "up, last seen" in shown[0] and shown[0].endswith(", this hub")
        assert f"{second.url}, version" in shown[1] and "not seen, last seen" in shown[1]
        joined = [line["message"] for line in second.log() if "joins the hub" in line["message"]]
        assert joined and first.url in joined[0]


def test_p65_lost_sessions_lose_nothing_that_was_acknowledged(pair: Pair, postgres: Cluster) -> None:
    ended = threading.Event()
    acknowledged: list[tuple[str, int]] = []
    other: list[tuple[str, int]] = []

    def storm() -> None:
        while not ended.wait(0.4):
            end_sessions(postgres, pair[0])

    thread = threading.Thread(target=storm, daemon=True)
    thread.start()
    try:
        clients = [hub.client() for hub in pair]
        for number in range(60):
            answer = clients[number % 2].post(protocol.HOSTS, json={"metadata": {"uid": f"storm-{number}"}})
            (acknowledged if answer.status_code == 201 else other).append((f"storm-{number}", answer.status_code))
    finally:
        ended.set()
        thread.join(timeout=30)
    assert acknowledged and {code for _, code in other} <= {503}
    for hub in pair:
        client = hub.client()
        for uid, _ in acknowledged:
            eventually(lambda uid=uid, client=client: client.get(f"/v1/edgehosts/{uid}").status_code == 200, 20)  # type: ignore[misc]


def tasks(postgres: Cluster, hub: RunningHub) -> set[str]:
    """Return the processes that have tasks now."""
    sql = "SELECT DISTINCT holder FROM leases WHERE until > extract(epoch FROM clock_timestamp())"
    return set(postgres.psql(database_of(hub), sql).split())


def test_p66_a_hub_that_dies_leaves_its_tasks_to_the_other(postgres: Cluster) -> None:
    """And the plane is up since its first hub: a rolling restart does not move that (rule P18)."""
    since = "SELECT value FROM settings WHERE key = 'plane_up_since'"
    with several_hubs(postgres, 2) as (first, second):
        name = database_of(first)
        eventually(lambda: len(tasks(postgres, first)) == 1)
        before, began = tasks(postgres, first), postgres.psql(name, since)
        first.kill()
        eventually(lambda: (now := tasks(postgres, second)) and not now & before, LEASE + 5)
        first.start_again()
        second.stop()
        second.start_again()
        assert postgres.psql(name, since) == began
        for hub in (first, second):
            hub.stop()
        time.sleep(AWAY + 0.5)
        first.start_again()
        assert postgres.psql(name, since) != began


def test_p13_guesses_are_braked_for_all_hubs_together(pair: Pair) -> None:
    first, second = pair
    body = {"metadata": {"uid": "guess"}, "spec": {"hostPairingKey": "000999"}}
    assert first.client().post(protocol.HOSTS, json=body).status_code == 201
    while time.time() % 60 > 45:
        time.sleep(0.5)  # no minute ends meanwhile
    codes = []
    for number in range(14):
        sent = {"metadata": {"uid": "guess"}, "spec": {"host": {"hostPairingKey": f"{number:06}"}}}
        codes.append(pair[number % 2].anonymous().post(protocol.HOST_REGISTER, json=sent).status_code)
    assert codes == [401] * 10 + [429] * 4
    right = {"metadata": {"uid": "guess"}, "spec": {"host": {"hostPairingKey": "000999"}}}
    assert second.anonymous().post(protocol.HOST_REGISTER, json=right).status_code == 429


async def test_p68_a_client_with_both_addresses_moves_to_the_other_hub(pair: Pair) -> None:
    first, second = pair
    both = f"{first.url},{second.url}"
    async with PlaneClient(both, Credential(api_key=first.admin_key), ca=first.ca) as client:
        assert (await client.call("GET", "/v1/users/info", "user")).status == 200
        assert client.url == first.url
        first.kill()
        assert (await client.call("GET", "/v1/users/info", "user")).status == 200
        assert client.url == second.url


def test_p55_two_hubs_start_at_once_on_an_empty_database(postgres: Cluster, tmp_path: Path) -> None:
    """The second one waits until the first one has made tables, keys and records."""
    url, secret = postgres.url(postgres.create()), Fernet.generate_key()
    for name in ("a", "b"):
        (tmp_path / name).mkdir(mode=0o700)
        (tmp_path / name / "secret.key").write_bytes(secret)
    arguments = ["--db", url, "--listen", "127.0.0.1:0"]
    processes = [_spawn(tmp_path / name, arguments) for name in ("a", "b")]
    try:
        urls = [_ready(process) for process in processes]
        assert len(set(urls)) == 2
        made = [path for path in (tmp_path / "a" / "admin-api-key", tmp_path / "b" / "admin-api-key") if path.exists()]
        assert len(made) == 1 and (tmp_path / "a" / "ca.crt").read_bytes() == (tmp_path / "b" / "ca.crt").read_bytes()
        for address in urls:
            answer = httpx.get(
                f"{address}/v1/users/info", headers={"ApiKey": made[0].read_text().strip()}, verify=False
            )
            assert answer.status_code == 200
    finally:
        for process in processes:
            process.terminate()
        assert [process.wait(timeout=20) for process in processes] == [0, 0]


def test_p55_no_hub_starts_beside_one_of_an_older_release(postgres: Cluster, tmp_path: Path) -> None:
    """Such a hub holds the lock for as long as it runs, and knows nothing of others."""
    with several_hubs(postgres, 1) as (hub,):
        hub.stop()
        name = database_of(hub)
        held = subprocess.Popen(
            ["psql", "-h", str(postgres.folder), "-U", "postgres", "-d", name, "-Xq"], stdin=subprocess.PIPE, text=True
        )
        assert held.stdin is not None
        held.stdin.write(f"SELECT pg_advisory_lock({KEY});\n")
        held.stdin.flush()
        try:
            locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            eventually(lambda: postgres.psql(name, locks) == "1")
            with (
                pytest.raises(AssertionError, match="one of a release before"),
                running_hub(*hub.arguments, data=Path(shutil.copytree(hub.data, tmp_path / "d"))),
            ):
                pass
        finally:
            held.stdin.close()
            held.wait(timeout=20)


def test_a_rolling_restart_loses_nothing_and_turns_no_host_unhealthy(postgres: Cluster) -> None:
    """One hub after the other, while a client writes and a host sends heartbeats to whichever answers."""
    ended = threading.Event()
    acknowledged: list[str] = []
    beats: list[int] = []
    with several_hubs(postgres, 2, "--heartbeat", "0.5", "--silence-limit", "5", "--sweep", "0.2") as hubs:
        _, token = hubs[0].token("roll")
        own = hubs[0].register("roll", token).json()["status"]["serviceAuthToken"]

        def anywhere(method: str, path: str, body: Any, **headers: str) -> int:
            for hub in hubs:
                try:
                    answer = hub.client(**headers).request(method, path, json=body, timeout=3)
                except httpx.HTTPError:
                    continue
                if answer.status_code != 503:
                    return answer.status_code
            return 0

        def load() -> None:
            number = 0
            while not ended.wait(0.1):
                number += 1
                beat = {"state": "healthy", "edgewright": {"seq": number, "bootId": "b"}}
                beats.append(anywhere("PATCH", "/v1/edgehosts/roll/health", beat, Authorization=own))
                if anywhere("POST", protocol.HOSTS, {"metadata": {"uid": f"roll-{number}"}}) == 201:
                    acknowledged.append(f"roll-{number}")

        thread = threading.Thread(target=load, daemon=True)
        thread.start()
        for hub in hubs:
            time.sleep(1)
            hub.stop()
            hub.start_again()
        time.sleep(1)
        ended.set()
        thread.join(timeout=30)
        assert len(acknowledged) > 10 and set(beats) <= {204, 0} and beats.count(204) > 10
        for hub in hubs:
            client = hub.client()
            for uid in acknowledged:
                eventually(lambda uid=uid, client=client: client.get(f"/v1/edgehosts/{uid}").status_code == 200)  # type: ignore[misc]
        reasons = [event["reason"] for event in hubs[0].client().get("/v1/events/components?limit=50").json()["items"]]
        assert "HostUnhealthy" not in reasons, reasons
