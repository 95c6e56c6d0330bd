"""What an idle connection for work (rule P77) costs the hub: memory, and processor time while nothing happens.

Hosts register, then each has one request that waits. Beside it, in the same run: the same number of TLS connections to
a bare uvloop server that never answers (the floor). Usage: python benchmarks/wake_connections.py [hosts]
"""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.lib.ending import run_main
from edgewright.wire import protocol
from tests.hub_fixture import RunningHub, running_hub

HOSTS = 1000
SETTLE = 10.0
FLOOR = """
import asyncio, ssl, sys, uvloop
async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    async def serve(reader, writer):
        await reader.read()
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), ssl=context)
    await server.serve_forever()
uvloop.run(main())
"""


def cost(pid: int) -> tuple[float, float]:
    """Return resident memory in kB and processor time in s of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    rss = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return float(rss), (int(fields[11]) + int(fields[12])) / 100


def connect(port: int, context: ssl.SSLContext, request: bytes) -> ssl.SSLSocket:
    """Open a connection and send a request that nothing answers yet."""
    link = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1")
    link.sendall(request)
    return link


def measure(name: str, pid: int, port: int, context: ssl.SSLContext, requests: list[bytes]) -> float:
    """Print and return the kB that one connection costs."""
    before, _ = cost(pid)
    links = [connect(port, context, request) for request in requests]
    time.sleep(2)
    after, began = cost(pid)
    time.sleep(SETTLE)
    idle = (cost(pid)[1] - began) / SETTLE * 100
    each = (after - before) / len(links)
    print(f"{name:24} {len(links)} connections: {each:6.1f} kB each, {idle:.1f} % of a core while idle")
    for link in links:
        link.close()
    return each


def waiting_request(hub: RunningHub, uid: str, token: str, lineage: str) -> bytes:
    """Register a host and return its request for work."""
    credential = hub.register(uid, token, f"{int(uid[2:]):032x}").json()["status"]["serviceAuthToken"]
    path = protocol.path(protocol.HOST_WAKE, uid=uid)
    return (
        f"GET {path}?generation=1&lineage={lineage}&seconds=600 HTTP/1.1\r\nHost: h\r\n"
        f"Authorization: {credential}\r\n\r\n"
    ).encode()


def main() -> int:
    """Measure the hub and the floor."""
    hosts = int(sys.argv[1]) if len(sys.argv) > 1 else HOSTS
    with running_hub() as hub:
        _, token = hub.token("bench")
        lineage = str(hub.client().get(protocol.HUB_STATUS).json()["lineage"])
        requests = [waiting_request(hub, f"w-{index}", token, lineage) for index in range(hosts)]
        context = ssl.create_default_context(cafile=str(hub.ca))
        port = int(hub.url.rsplit(":", 1)[1])
        each = measure("hub", hub.process.pid, port, context, requests)
        with socket.create_server(("127.0.0.1", 0)) as free:
            other = free.getsockname()[1]
        data = hub.ca.parent
        floor = subprocess.Popen(
            [sys.executable, "-c", FLOOR, str(other), str(data / "server.crt"), str(data / "server.key")]
        )
        try:
            time.sleep(1.5)
            base = measure("bare uvloop with TLS", floor.pid, other, context, [b"x"] * hosts)
        finally:
            floor.kill()
            floor.wait()
    print(f"ratio {each / base:.2f} x; 100,000 hosts: {each * 100_000 / 1e6:.1f} GB")
    return 0


if __name__ == "__main__":
    run_main(main)
