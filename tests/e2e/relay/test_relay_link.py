"""The relay with a real agent on a real link: slow, cut, many streams, a hub that is killed; and kubectl."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edgewright.clients.http.credential import Credential
from edgewright.clients.http.transport import Transport
from edgewright.clients.relay import Stream, open_stream
from edgewright.wire.protocol import relay
from tests.dist.hubs import further_directory
from tests.e2e.fleet import command_environment
from tests.e2e.relay.away import HUB, Host, Namespace, resident, until
from tests.hub_fixture import RunningHub, running_hub
from tests.postgres import Cluster, cluster
from tests.support import ROOT, missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
IDLE, BUSY = 200, 50


class Bench:
    """Two hubs on one database, and one host away."""

    def __init__(self, folder: Path, server: Cluster, stack: ExitStack) -> None:
        self.net = Namespace()
        stack.callback(self.net.remove)
        arguments = ("--db", server.url(server.create()), "--advertise", HUB)
        data = [folder / "hub0", folder / "hub1"]
        first = stack.enter_context(running_hub(*arguments, data=data[0], listen=f"{HUB}:0"))
        further_directory(data[0], data[1])
        second = stack.enter_context(running_hub(*arguments, data=data[1], listen=f"{HUB}:0"))
        self.hubs: tuple[RunningHub, RunningHub] = (first, second)
        self.urls = f"{first.url},{second.url}"
        self.folder = folder
        self.host = Host(self.net, first, self.urls, folder)
        stack.callback(self.host.end)
        self.env = command_environment(folder / "home")
        (folder / "home").mkdir()
        key = folder / "key"
        key.write_text(first.admin_key)
        key.chmod(0o600)
        self.env |= {"EDGEWRIGHT_URL": self.urls, "EDGEWRIGHT_CA": str(first.ca), "EDGEWRIGHT_API_KEY_FILE": str(key)}

    def transport(self, urls: str = "") -> Transport:
        return Transport(urls or self.urls, Credential(api_key=self.hubs[0].admin_key), self.hubs[0].ca)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    if os.getuid() or not shutil.which("tc") or not shutil.which("ip"):
        missing("e2e", "this test needs root, ip and tc")
    with cluster() as server, ExitStack() as stack:
        yield Bench(tmp_path_factory.mktemp("relay"), server, stack)


async def echoed(stream: Stream, data: bytes) -> float:
    """Send bytes to the echo, wait until all are back; returns the seconds."""
    began, left = time.monotonic(), len(data)
    sending = asyncio.create_task(stream.write(data))
    while left > 0:
        part = await asyncio.wait_for(stream.read(), 60)
        assert part, "the stream ended early"
        left -= len(part)
    await sending
    return time.monotonic() - began


def figures(bench: Bench) -> dict[str, float]:
    hosts = {"hub": bench.hubs[0].process.pid, "relay": bench.host.relay.pid, "agent": bench.host.agent.pid}
    return {name: round(resident(pid), 1) for name, pid in hosts.items()}


async def test_p133_memory_is_flat_with_idle_and_busy_streams(bench: Bench) -> None:
    """200 idle and 50 busy streams: memory of hub, relay and agent stays as it was after the first megabytes."""
    transport = bench.transport(bench.hubs[0].url)
    before = figures(bench)
    streams: list[Stream] = []
    began = time.monotonic()
    for _ in range(0, IDLE + BUSY, 25):
        made = [open_stream(transport, bench.host.cluster, relay.SSH) for _ in range(25)]
        streams += await asyncio.gather(*made)
    opening = time.monotonic() - began
    opened = figures(bench)
    rounds = []
    for _ in range(4):
        took = max(await asyncio.gather(*(echoed(stream, b"x" * 400_000) for stream in streams[:BUSY])))
        rounds.append((round(took, 1), figures(bench)))
    for stream in streams:
        stream.close()
    await transport.aclose()
    print(f"\nMB before {before}\n{IDLE + BUSY} streams in {opening:.1f} s: {opened}")
    for took, values in rounds:
        print(f"{BUSY} x 400 kB both ways in {took} s: {values}")
    for name in before:
        assert rounds[-1][1][name] <= rounds[1][1][name] + 8, f"{name} grows"
    assert rounds[-1][1]["relay"] < 96 and rounds[-1][1]["agent"] < before["agent"] + 2
    until(lambda: "received" in (bench.folder / "relay.out").read_text())


async def test_p30_a_slow_link(bench: Bench) -> None:
    """300 ms and 64 kbit/s: a stream opens over the idle connection, and a heartbeat is never late for it."""
    transport = bench.transport()
    bench.net.slow(150, 64)
    try:
        await asyncio.sleep(1)
        began = time.monotonic()
        stream = await open_stream(transport, bench.host.cluster, relay.SSH)
        opened = time.monotonic() - began
        began = time.monotonic()
        assert await echoed(stream, b"y") < 3
        turn = time.monotonic() - began
        took = await echoed(stream, b"z" * 40_000)
        stream.close()
        print(
            f"\n300 ms, 64 kbit/s: open after {opened:.1f} s, a byte and back {turn:.1f} s, 40 kB and back {took:.1f} s"
        )
        assert opened < 5
    finally:
        bench.net.fast()
        await transport.aclose()


async def test_p133_a_link_that_is_cut_in_mid_stream(bench: Bench) -> None:
    """The client learns of it; when the link is back the next stream opens."""
    transport = bench.transport()
    stream = await open_stream(transport, bench.host.cluster, relay.SSH)
    await echoed(stream, b"x" * 100_000)
    bench.net.cut(off=True)
    await stream.write(b"lost")
    await asyncio.sleep(3)
    bench.net.cut(off=False)
    assert await echoed(stream, b"") == pytest.approx(0, abs=1)
    stream.close()
    again = await open_stream(transport, bench.host.cluster, relay.SSH)
    assert await echoed(again, b"x" * 100_000) < 20
    again.close()
    await transport.aclose()


def test_kubectl_through_the_proxy(bench: Bench) -> None:
    """P30: `kube proxy` writes a kubeconfig for kubectl; Ctrl-C ends it in good order, and the file is removed."""
    path = bench.folder / "kubeconfig"
    words = [sys.executable, "-m", "edgewright", "kube", "proxy", "away", "--relay", "--kubeconfig", str(path)]
    process = subprocess.Popen(
        words, env=bench.env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        until(path.exists)
        assert path.stat().st_mode & 0o777 == 0o600
        kubectl = shutil.which("kubectl")
        if kubectl is not None:
            began = time.monotonic()
            command = [kubectl, f"--kubeconfig={path}", "get", "nodes"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
            assert done.returncode == 0 and "edge1" in done.stdout, done.stderr
            print(f"\nkubectl get nodes through the relay: {time.monotonic() - began:.2f} s")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0, output
    assert "through the relay of the plane" in output and "Ended: " in output
    assert not path.exists()


async def test_p134_a_hub_that_is_killed(bench: Bench) -> None:
    """The client's next stream opens at the second hub; the host follows there."""
    transport = bench.transport()
    stream = await open_stream(transport, bench.host.cluster, relay.SSH)
    await echoed(stream, b"x" * 1000)
    bench.hubs[0].kill()
    began = time.monotonic()
    assert await asyncio.wait_for(stream.read(), 20) == b""
    ended = time.monotonic() - began
    again = await open_stream(transport, bench.host.cluster, relay.SSH)
    await echoed(again, b"x" * 1000)
    print(
        f"\nhub killed: the stream ended after {ended:.1f} s, the next is open after {time.monotonic() - began:.1f} s"
    )
    again.close()
    await transport.aclose()
