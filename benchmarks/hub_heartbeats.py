"""Heartbeats a second that the hub acknowledges with `synchronous=FULL`, over TLS, with wrk on the same machine.

Beside it, in the same run: a bare uvicorn application that answers 204 over TLS (the peer), and group commits of the
same size straight into SQLite (the floor of the disk). Usage: python benchmarks/hub_heartbeats.py [seconds]
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.lib.ending import run_main
from tests.hub_fixture import RunningHub, running_hub

HOSTS, CONNECTIONS, AIM = 500, 64, 1700
last_answered = 0
"""Requests that the last run of wrk saw answered."""
PEER = """
import sys, uvicorn
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await receive()
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), ssl_certfile=sys.argv[2], ssl_keyfile=sys.argv[3],
            loop="uvloop", http="httptools", lifespan="off", access_log=False, log_level="error")
"""
LUA = """
local hosts = {%s}
local n, turn, seq = #hosts, 0, 0
request = function()
  turn = turn + 1
  if turn > n then turn = 1; seq = seq + 1 end
  local host = hosts[turn]
  local body = string.format('{"state":"healthy","message":"","agentVersion":"0.1.0","edgewright":{"seq":%%d,' ..
    '"bootId":"b1","observedGeneration":1,"load1":0.31,"cpuPercent":4.2,"memoryUsedMB":812,"uptimeSeconds":%%d}}',
    seq, seq + 1000)
  return wrk.format("PATCH", "/v1/edgehosts/" .. host[1] .. "/health",
    {["Authorization"] = host[2], ["Content-Type"] = "application/json", ["Edgewright-Agent"] = "0.1.0"}, body)
end
"""


def register_hosts(hub: RunningHub) -> list[tuple[str, str]]:
    _, token = hub.token("bench")
    found: list[tuple[str, str]] = []
    client = hub.anonymous()

    def some(first: int) -> None:
        for number in range(first, HOSTS, 8):
            uid = f"bench-{number}"
            body = {
                "metadata": {"uid": uid},
                "spec": {"host": {"hostUid": uid, "hostAddress": "", "hostAuthToken": token}},
            }
            answer = client.post("/v1/edgehosts/register", json=body)
            found.append((uid, answer.json()["status"]["serviceAuthToken"]))

    threads = [threading.Thread(target=some, args=(first,)) for first in range(8)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"registered {HOSTS} hosts at {HOSTS / (time.perf_counter() - began):.0f}/s")
    return found


def stored(hub: RunningHub) -> int:
    """Count the heartbeats that the database holds after a kill -9: what was acknowledged must be among them."""
    hub.kill()
    base = sqlite3.connect(hub.data / "hub.db")
    return int(base.execute("SELECT sum(count) FROM heartbeats").fetchone()[0])


def answered(out: str) -> int:
    found = re.search(r"(\d+) requests in", out)
    return int(found.group(1)) if found else 0


def wrk(url: str, script: Path, seconds: int) -> tuple[float, str, int]:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    slow = re.search(r"99%\s+(\S+)", out)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    global last_answered
    last_answered = answered(out)
    errors = re.search(r"Socket errors: (.*)", out)
    if errors:
        print("  socket errors:", errors.group(1))
    return float(rate.group(1)) if rate else 0.0, slow.group(1) if slow else "?", int(bad.group(1)) if bad else 0


def bare_peer(hub: RunningHub, script: Path, seconds: int) -> float:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    files = (str(hub.data / "server.crt"), str(hub.data / "server.key"))
    peer = subprocess.Popen([sys.executable, "-c", PEER, str(port), *files])
    try:
        time.sleep(1.5)
        if peer.poll() is not None:
            raise SystemExit("hub_heartbeats: the bare server did not start; its figure would be somebody else's")
        rate, _, bad = wrk(f"https://127.0.0.1:{port}", script, seconds)
        if bad:
            raise SystemExit(f"hub_heartbeats: the bare server gave {bad} answers that are not 2xx")
        return rate
    finally:
        peer.terminate()
        peer.wait()


def disk_floor(folder: Path, batch: int, seconds: float) -> float:
    base = sqlite3.connect(folder / "floor.db", isolation_level=None)
    base.execute("PRAGMA journal_mode=WAL")
    base.execute("PRAGMA synchronous=FULL")
    base.execute("CREATE TABLE beats (uid TEXT PRIMARY KEY, at REAL, count INTEGER, seq INTEGER, vitals TEXT)")
    base.executemany("INSERT INTO beats VALUES (?,0,0,0,'')", [(f"bench-{n}",) for n in range(HOSTS)])
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        rows = [(time.time(), done, done, "{}", f"bench-{(done + n) % HOSTS}") for n in range(batch)]
        base.execute("BEGIN IMMEDIATE")
        base.executemany("UPDATE beats SET at=?, count=?, seq=?, vitals=? WHERE uid=?", rows)
        base.execute("COMMIT")
        done += batch
    return done / (time.perf_counter() - began)


def main() -> int:
    if shutil.which("wrk") is None:
        print("hub_heartbeats: wrk is missing (Debian package wrk); nothing measured")
        return 0
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with running_hub() as hub, tempfile.TemporaryDirectory() as scratch:
        hosts = register_hosts(hub)
        script = Path(scratch) / "beats.lua"
        script.write_text(LUA % ",".join("{" + json.dumps(u) + "," + json.dumps(c) + "}" for u, c in hosts))
        rate, slow, bad = wrk(hub.url, script, seconds)
        acknowledged = last_answered
        bare = bare_peer(hub, script, max(3, seconds // 2))
        floor = disk_floor(Path(scratch), CONNECTIONS // 2, max(2, seconds // 4))
        kept = stored(hub)
    print(f"hub heartbeats/s        {rate:8.0f}   p99 {slow}, not acknowledged {bad}, aim {AIM}")
    print(f"bare uvicorn 204/s      {bare:8.0f}   hub/bare {rate / bare:.2f}")
    print(f"group commits, rows/s   {floor:8.0f}   hub/floor {rate / floor:.2f}")
    print(f"acknowledged {acknowledged}, in the database after kill -9 {kept}")
    return 0 if rate >= AIM and not bad and kept >= acknowledged else 1


if __name__ == "__main__":
    run_main(main)
