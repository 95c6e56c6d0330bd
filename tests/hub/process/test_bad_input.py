"""Bad input and bad days: each gets a clear answer with the right code, and the rest keeps working."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import forked
from tests.hub_fixture import RunningHub, running_hub
from tests.support import ROOT


@pytest.fixture(scope="module")
def narrow() -> Iterator[RunningHub]:
    """A hub with short deadlines."""
    with running_hub("--request-timeout", "1") as hub:
        yield hub


def serve(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgewright.hub.process.cli", "serve", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return forked.run(command, env=environment, cwd=ROOT)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:11])


def secure(hub: RunningHub) -> ssl.SSLSocket:
    port = int(hub.url.rpartition(":")[2])
    context = ssl.create_default_context(cafile=str(hub.ca))
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 5), server_hostname="localhost")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "RequestError"),
        (b"\xff\xfe", 400, "RequestError"),
        (b"[" * 5000, 400, "RequestError"),
        (b'"text"', 422, 601),
        (b'{"metadata":{"name":7}}', 422, 601),
        (b'{"metadata":"x"}', 422, 601),
        (b'{"metadata":{"name":"' + b"n" * 300 + b'"}}', 422, 603),
        (b'{"metadata":{"name":"a\\u001b[2J"}}', 422, 605),
        (b'{"metadata":{"name":"a\\u0000"}}', 422, 605),
        (b'{"metadata":{"name":"e"},"spec":{"expiry":"tomorrow"}}', 422, 601),
        (b"{}", 422, 602),
        (b"", 422, 602),
        (b"null", 422, 602),
        (b'{"novel":' + b'{"a":' * 60 + b"1" + b"}" * 60 + b',"metadata":{"name":"deep"}}', 422, 611),
    ],
)
def test_malformed_bodies(hub: RunningHub, body: bytes, status: int, code: object) -> None:
    answer = hub.client().post("/v1/edgehosts/tokens", content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "\x1b" not in answer.text


def test_both_error_bodies(hub: RunningHub) -> None:
    admin = hub.client()
    wrong = admin.put("/v1/edgehosts")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert wrong.json() == {"code": 405, "message": "method PUT is not allowed, but [POST] are"}
    lost = admin.get("/v1/nothing")
    assert (lost.status_code, lost.json()) == (404, {"code": 404, "message": "path /v1/nothing was not found"})
    gone = admin.get("/v1/edgehosts/nobody").json()
    assert set(gone) == {"code", "message", "details", "ref"} and gone["code"] == "ResourceNotFound"


def test_large_body_is_refused_and_not_kept(hub: RunningHub) -> None:
    before = _memory(hub)
    for _ in range(3):
        answer = hub.client().post("/v1/edgehosts/tokens", content=b" " * 10_000_000)
        assert (answer.status_code, answer.json()["code"]) == (413, "RequestTooLarge")

    def pieces() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 100_000

    answer = hub.client().post("/v1/edgehosts/tokens", content=pieces())
    assert answer.status_code == 413
    assert _memory(hub) - before < 8_000


def _memory(hub: RunningHub) -> int:
    status = Path(f"/proc/{hub.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


@pytest.mark.parametrize(
    "start", [b"", b"GET /v1/health/ping HTTP/1.1\r\nHost: x\r\n", b"POST /v1/edgehosts/register HTTP/1.1\r\n"]
)
def test_slow_head_is_cut(narrow: RunningHub, start: bytes) -> None:
    with secure(narrow) as slow:
        slow.sendall(start)
        slow.settimeout(6)
        began = time.monotonic()
        with pytest.MonkeyPatch.context():
            try:
                assert slow.recv(100) == b""
            except ConnectionResetError:
                pass
        assert time.monotonic() - began < 5


def test_slow_body_gets_408(narrow: RunningHub) -> None:
    with secure(narrow) as slow:
        slow.settimeout(6)
        slow.sendall(b"POST /v1/edgehosts/register HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert b"408" in slow.recv(1000)
    assert narrow.anonymous().get("/v1/health/ping").json() == {"msg": "pong"}


def test_a_thousand_wrong_keys_a_minute(narrow: RunningHub) -> None:
    _, token = narrow.token("brute")
    wrong = narrow.client(ApiKey="ewk_wrong")
    answers = [wrong.get("/v1/users/info") for _ in range(250)]
    codes = {answer.status_code for answer in answers}
    assert codes == {401, 429}
    last = answers[-1]
    assert last.json()["code"] == "TooManyRequests" and 0 < int(last.headers["retry-after"]) <= 60
    assert narrow.register("brute-1", "ewt_wrong").status_code == 429
    assert narrow.client().get("/v1/users/info").status_code == 200
    assert narrow.register("brute-1", token).status_code == 200


def test_second_hub_on_the_same_data(hub: RunningHub) -> None:
    found = serve("--data", str(hub.data), "--listen", "127.0.0.1:0")
    assert found.returncode == 6
    assert f"process {hub.process.pid}" in found.stderr and "Traceback" not in found.stderr


def test_port_in_use(hub: RunningHub, tmp_path: Path) -> None:
    port = hub.url.rpartition(":")[2]
    found = serve("--data", str(tmp_path / "d"), "--listen", f"127.0.0.1:{port}")
    assert found.returncode == 6
    assert f"Port {port} of 127.0.0.1 is in use" in found.stderr


def test_listen_that_is_no_address(tmp_path: Path) -> None:
    assert serve("--data", str(tmp_path / "d"), "--listen", "nowhere").returncode == 2
    assert serve("--data", str(tmp_path / "d"), "--listen", "192.0.2.1:8443").returncode == 1


def test_data_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = serve("--data", str(tmp_path / "file" / "d"), "--listen", "127.0.0.1:0")
    assert found.returncode == 1
    assert "cannot be written" in found.stderr and "Traceback" not in found.stderr
    found = serve("--data", "/proc/sys/edgewright", "--listen", "127.0.0.1:0")
    assert found.returncode == 1 and "cannot be written" in found.stderr


@pytest.mark.parametrize("name", ["secret.key", "admin-api-key"])
def test_a_half_written_file_is_named(tmp_path: Path, name: str) -> None:
    with running_hub(data=tmp_path / "d"):
        pass
    cut_short(tmp_path / "d" / name)
    ended = serve("--data", str(tmp_path / "d"), "--listen", "127.0.0.1:0")
    assert ended.returncode == 1
    assert name in ended.stderr and "damaged" in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.parametrize("name", ["ca.key", "ca.crt"])
def test_a_half_written_ca_is_written_again_from_the_database(tmp_path: Path, name: str) -> None:
    data = tmp_path / "d"
    with running_hub(data=data) as hub:
        authority = hub.ca.read_bytes()
    cut_short(data / name)
    with running_hub(data=data) as hub:
        assert hub.ca.read_bytes() == authority
        assert hub.client().get("/v1/users/info").status_code == 200
    cut_short(data / name)
    with contextlib.closing(sqlite3.connect(data / "hub.db")) as database, database:
        database.execute("DELETE FROM plane_keys WHERE name LIKE 'ca_%'")  # a database without keys of its own
    ended = serve("--data", str(data), "--listen", "127.0.0.1:0")
    assert ended.returncode == 1
    assert "CA" in ended.stderr and "damaged" in ended.stderr and "Traceback" not in ended.stderr


def test_torn_server_certificate_is_made_anew_by_the_same_ca(tmp_path: Path) -> None:
    with running_hub(data=tmp_path / "d") as hub:
        authority = hub.ca.read_bytes()
    (tmp_path / "d" / "server.crt").write_bytes(b"-----BEGIN")
    with running_hub(data=tmp_path / "d") as hub:
        assert hub.ca.read_bytes() == authority
        assert hub.client().get("/v1/users/info").status_code == 200


def test_new_admin_key_ends_the_old_one(tmp_path: Path) -> None:
    with running_hub(data=tmp_path / "d") as hub:
        old = hub.admin_key
    with running_hub("--new-admin-key", data=tmp_path / "d") as hub:
        assert hub.admin_key != old
        assert hub.client().get("/v1/users/info").status_code == 200
        assert hub.client(ApiKey=old).get("/v1/users/info").status_code == 401


def test_kill_in_the_middle_of_writes_loses_nothing_acknowledged(tmp_path: Path) -> None:
    with running_hub(data=tmp_path / "d") as hub:
        _, token = hub.token()
        known: list[tuple[str, str]] = []
        stop = threading.Event()

        def register(worker: int) -> None:
            client, number = hub.anonymous(), 0
            while not stop.is_set():
                uid = f"k-{worker}-{number}"
                number += 1
                body = {"metadata": {"uid": uid}, "spec": {"host": {"hostUid": uid, "hostAuthToken": token}}}
                try:
                    answer = client.post("/v1/edgehosts/register", json=body)
                except Exception:  # the hub was killed
                    return
                if answer.status_code == 200:
                    known.append((uid, answer.json()["status"]["serviceAuthToken"]))

        workers = [threading.Thread(target=register, args=(worker,)) for worker in range(4)]
        for worker in workers:
            worker.start()
        while len(known) < 60:
            time.sleep(0.01)
        hub.kill()
        stop.set()
        for worker in workers:
            worker.join()
        hub.start_again()
        for uid, credential in known:
            path = f"/v1/edgehosts/{uid}/config"
            assert hub.client(Authorization=credential).get(path).status_code == 200, uid


def test_secrets_reach_neither_log_nor_audit(hub: RunningHub, token: str) -> None:
    hub.host("secret-1", token)
    hub.client(ApiKey="ewk_" + "w" * 40).get("/v1/users/info")
    told = (hub.data / "hub.log").read_text() + hub.client().get("/v1/audits").text
    for secret in (token, hub.admin_key, "w" * 40, "ewh_"):
        assert secret not in told
    for path in hub.data.iterdir():
        mode = path.stat().st_mode & 0o777
        assert mode == 0o600 or path.suffix == ".crt", path
        if path.name != "admin-api-key":
            assert token.encode() not in path.read_bytes(), path
    assert hub.data.stat().st_mode & 0o777 == 0o700
