"""Workloads through a host that is open by SSH: a real sshd, its kubeconfig files, and a real API server. No plane."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kube.kubectl import captured, reached
from edgewright.commands.kube.local_api import open_api
from edgewright.commands.kube.opened import Opened
from edgewright.commands.kube.route import cluster
from edgewright.commands.site.api.listed import listed
from edgewright.commands.site.opened import Site
from edgewright.config.settings import Settings
from edgewright.core.errors import EdgewrightError, NotFound, Refused, Unreachable
from edgewright.store.collections.catalogue.cluster_rows import cluster_row
from edgewright.store.workloads.kinds import NODES, PODS
from edgewright.yamltext.writer import write
from tests.clients.ssh.conftest import key_files
from tests.clients.ssh.reach import Answers, Laptop
from tests.e2e.kubernetes.workloads.api_server import ApiServer
from tests.e2e.kubernetes.workloads.host_sshd import Host, processes
from tests.e2e.kubernetes.workloads.stand_ins import Maker
from tests.e2e.ssh.test_slow_link import SlowLink
from tests.support import ROOT

__all__ = ["key_files"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
ADMIN, KUBELET = "/etc/kubernetes/admin.conf", "/etc/kubernetes/kubelet.conf"
KUBELET_KEY = "/var/lib/kubelet/pki/kubelet-client-current.pem"
TARGET = "edge1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    made = ApiServer.written(tmp_path_factory.mktemp("api"))
    asyncio.run(fill(made))
    yield made
    made.stop()


async def fill(server: ApiServer) -> None:
    maker = Maker(server, time.time() - 90_000)
    await maker.namespaces(("shop", "kitchen"))
    for name in ("edge-1", "edge-2"):
        await maker.node(name)
    await maker.pod("shop", "till-0", "edge-1")
    await maker.pod("shop", "till-1", "edge-2", "CrashLoopBackOff")
    await maker.pod("kitchen", "oven-0", "edge-2")
    await maker.aclose()


class Place:
    """A host, its user's side, and sites that are open in one console."""

    def __init__(self, host: Host, laptop: Laptop) -> None:
        self.host, self.laptop = host, laptop
        self.sites: dict[str, Any] = {}
        self.lines: list[str] = []

    def context(self) -> CommandContext:
        made = CommandContext(Settings())
        made.sites = self.sites
        return made

    async def open_site(self, target: str = TARGET) -> Site:
        async def reach(asker: Any) -> Any:
            return await self.laptop.open(target, Answers())

        site = self.sites[target] = Site(target, reach, pauses=(0.2,))
        await site.connect(Answers())
        return site

    async def api(self, target: str = TARGET) -> Any:
        return await open_api(self.context(), f"ssh:{target}", self.lines.append)

    def opened(self, target: str = TARGET) -> Opened:
        return Opened(target, lambda report: open_api(self.context(), f"ssh:{target}", report))


@pytest.fixture
def place(tmp_path: Path, key_files: dict[str, Path]) -> Iterator[Place]:
    with Host(tmp_path / "s", [key_files["host-ed25519"]]) as host:
        host.allow(key_files["user"].with_name("user.pub"))
        laptop = Laptop(tmp_path)
        laptop.block(TARGET, host.port, key_files["user"])
        laptop.knows(host, key_files["host-ed25519"])
        yield Place(host, laptop)


@asynccontextmanager
async def closing(*things: Any) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for thing in things:
            await thing.aclose()


async def until(true: Any, within: float = 15.0) -> None:
    latest = time.monotonic() + within
    while not true():
        assert time.monotonic() < latest, "it did not happen in time"
        await asyncio.sleep(0.02)


def kubelet_files(server: ApiServer, node: str, inline: bool = False) -> dict[str, str]:
    """Return what kubeadm leaves on a worker: a kubeconfig that names the files of the kubelet."""
    folder = server.folder
    subject = f"/O=system:nodes/CN=system:node:{node}"
    for words in (
        ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "k.key", "-out",
         "k.csr", "-subj", subject),
        ("x509", "-req", "-in", "k.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", "k.crt",
         "-days", "30"),
    ):  # fmt: skip
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)
    config = server.config()
    config["users"][0]["user"] = {"client-certificate": KUBELET_KEY, "client-key": KUBELET_KEY}
    return {KUBELET: write(config), KUBELET_KEY: (folder / "k.crt").read_text() + (folder / "k.key").read_text()}


async def test_lists_follow_the_api_and_changes_go_through_it(place: Place, server: ApiServer) -> None:
    place.host.with_files({ADMIN: write(server.config())})
    site, opened = await place.open_site(), place.opened()
    async with closing(opened, site):
        opened.enter()
        pods = opened.follow(PODS, lambda keys: None)
        await until(lambda: pods.live)
        assert {"shop/till-0", "shop/till-1", "kitchen/oven-0"} <= set(pods.rows)
        assert str(getattr(pods.rows["shop/till-1"], "status", "")) == "CrashLoopBackOff"
        api = await opened.opened()
        made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "new-0"},
                "spec": {"containers": [{"name": "main", "image": "x:1"}]}}  # fmt: skip
        await api.request("POST", "/api/v1/namespaces/shop/pods", msgspec.json.encode(made))
        await until(lambda: "shop/new-0" in pods.rows)
        await api.request("DELETE", "/api/v1/namespaces/shop/pods/new-0", b'{"gracePeriodSeconds":0}')
        await until(lambda: "shop/new-0" not in pods.rows)


async def test_lists_have_the_cluster_as_the_host_shows_it(place: Place, server: ApiServer) -> None:
    programs = place.host.folder / "root/var/lib/rancher/rke2/bin"
    programs.mkdir(parents=True)
    shutil.copy(server.kubectl, programs / "kubectl")
    place.host.with_files({ADMIN: write(server.config())})
    site = await place.open_site()
    async with closing(site):
        await site.read()
        row = cluster_row(listed([site])[f"ssh:{TARGET}"]["cluster"] or {})
        assert row is not None and (row.uid, row.name) == (f"ssh:{TARGET}", f"ssh:{TARGET}"), site.read_problem
        assert (row.nodes, row.ready, row.health) == (2, 2, "healthy") and row.reported is not None
        assert {member.split("  ")[1] for member in row.members} == {"edge-1", "edge-2"}


async def test_what_is_shown_of_a_lost_connection_and_of_its_return(place: Place, server: ApiServer) -> None:
    place.host.with_files({ADMIN: write(server.config())})
    site, opened = await place.open_site(), place.opened()
    watching = asyncio.create_task(site.watch())
    async with closing(opened, site):
        opened.enter()
        pods = opened.follow(PODS, lambda keys: None)
        await until(lambda: pods.live)
        port = place.host.port
        place.host.stop()
        await site.broke(Unreachable("The connection to edge1 broke."))
        await until(lambda: bool(pods.error), 30)
        assert pods.rows and not pods.live and "edge1" in pods.error, pods.error
        place.host.port = port
        place.host.start()
        await until(lambda: pods.live, 40)
        assert site.is_open
    watching.cancel()


async def test_a_worker_shows_its_own_node_or_all_by_a_control_plane_that_is_open(
    place: Place, server: ApiServer, tmp_path: Path, key_files: dict[str, Path]
) -> None:
    place.host.with_files(kubelet_files(server, "edge-2"))
    site, opened = await place.open_site(), place.opened()
    async with closing(opened, site):
        opened.enter()
        pods, nodes = opened.follow(PODS, lambda keys: None), opened.follow(NODES, lambda keys: None)
        await until(lambda: pods.live and nodes.live)
        assert set(pods.rows) == {"shop/till-1", "kitchen/oven-0"} and list(nodes.rows) == ["edge-2"]
        assert (await opened.opened()).node == "edge-2"  # type: ignore[attr-defined]
        await (await place.api()).aclose()
        assert any(" For all of it: open a control plane as a site" in line for line in place.lines)
    with Host(tmp_path / "s2", [key_files["host-ed25519"]]) as other:
        other.allow(key_files["user"].with_name("user.pub"))
        other.with_files({ADMIN: write(server.config())})
        place.laptop.block("edge2", other.port, key_files["user"])
        place.laptop.knows(other, key_files["host-ed25519"])
        worker, control = await place.open_site(), await place.open_site("edge2")
        async with closing(worker, control):
            api = await place.api()
            data = msgspec.json.decode(await api.request("GET", "/api/v1/pods"))
            assert len(data["items"]) == 3 and not api.node
            await api.aclose()


async def test_kubectl_gets_a_file_that_ends_with_it(place: Place, server: ApiServer) -> None:
    place.host.with_files({ADMIN: write(server.config())})
    site = await place.open_site()
    async with closing(site):
        ctx = place.context()
        row = await cluster(ctx, f"ssh:{TARGET}")
        async with reached(ctx, row, {}, place.lines.append) as environment:
            path = Path(environment["KUBECONFIG"])
            assert path.stat().st_mode & 0o777 == 0o600
            code, output = await captured([str(server.kubectl), "get", "pods", "-A", "-o", "name"], environment)
        assert code == 0 and "pod/till-0" in output, output
        assert not path.exists()
        key = server.config()["users"][0]["user"]["client-key-data"]
        assert not processes(key[:60])


async def test_the_authority_of_the_kubeconfig_is_the_only_one(place: Place, server: ApiServer) -> None:
    config = server.config()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
         "other.key", "-out", "other.crt", "-subj", "/CN=other", "-days", "2"],
        cwd=server.folder, check=True, capture_output=True,
    )  # fmt: skip
    other = base64.b64encode((server.folder / "other.crt").read_bytes()).decode()
    config["clusters"][0]["cluster"]["certificate-authority-data"] = other
    place.host.with_files({ADMIN: write(config)})
    site = await place.open_site()
    async with closing(site):
        api = await place.api()
        with pytest.raises(Unreachable, match="certificate verify failed"):
            await api.request("GET", "/version")
        await api.aclose()


@pytest.mark.parametrize(
    ("user", "sentence"),
    [
        ({"exec": {"command": "touch", "args": ["/tmp/pwned"]}}, "has a program as its credential"),
        ({"auth-provider": {"name": "x"}}, "has a program as its credential"),
        ({}, "has no certificate, key or token"),
    ],
)
async def test_a_program_of_a_kubeconfig_is_not_run(
    place: Place, server: ApiServer, user: dict[str, Any], sentence: str
) -> None:
    config = server.config()
    config["users"][0]["user"] = user
    place.host.with_files({ADMIN: write(config)})
    async with closing(await place.open_site()):
        with pytest.raises(EdgewrightError, match=sentence):
            await place.api()


async def test_a_host_without_a_kubeconfig_and_one_without_forwarding(
    tmp_path: Path, key_files: dict[str, Path], server: ApiServer
) -> None:
    host = Host(tmp_path / "s", [key_files["host-ed25519"]], ["AllowTcpForwarding no"])
    with host:
        host.allow(key_files["user"].with_name("user.pub"))
        laptop = Laptop(tmp_path)
        laptop.block(TARGET, host.port, key_files["user"])
        laptop.knows(host, key_files["host-ed25519"])
        place = Place(host, laptop)
        async with closing(await place.open_site()):
            with pytest.raises(NotFound, match="There is no kubeconfig on this host"):
                await place.api()
            host.with_files({ADMIN: write(server.config("https://127.0.0.1:1"))})
            with pytest.raises(Unreachable, match=r"tried 127\.0\.0\.1:1") as refused:
                await place.api()
            assert "AllowTcpForwarding" in refused.value.hint


async def test_a_closed_site_gives_the_next_step(place: Place) -> None:
    with pytest.raises(NotFound) as refused:
        await place.api()
    assert refused.value.hint == "Open it: :site open edge1"


async def test_a_thin_link(tmp_path: Path, key_files: dict[str, Path], server: ApiServer) -> None:
    """300 ms and 64 kbit/s: the first pods, and a change that is followed."""
    with Host(tmp_path / "s", [key_files["host-ed25519"]]) as host:
        host.allow(key_files["user"].with_name("user.pub"))
        host.with_files({ADMIN: write(server.config())})
        async with SlowLink(host.port, rate=8000.0) as link:
            laptop = Laptop(tmp_path)
            laptop.block(TARGET, link.port, key_files["user"], "StrictHostKeyChecking accept-new")
            place = Place(host, laptop)
            site, opened = await place.open_site(), place.opened()
            async with closing(opened, site):
                began = time.monotonic()
                opened.enter()
                pods = opened.follow(PODS, lambda keys: None)
                shown: list[str] = []
                await until(lambda: shown.append(opened.progress) or pods.live, 30)  # type: ignore[func-returns-value]
                first = time.monotonic() - began
                maker = Maker(server, time.time() - 100)
                changed = time.monotonic()
                await maker.pod("shop", "late-0", "edge-1")
                await until(lambda: "shop/late-0" in pods.rows)
                followed = time.monotonic() - changed
                await maker.aclose()
                await (await opened.opened()).request("DELETE", "/api/v1/namespaces/shop/pods/late-0")
    print(f"\nfirst pods after {first:.1f} s, a change after {followed:.2f} s; shown: {list(dict.fromkeys(shown))}")
    assert first < 8 and followed < 2
    assert "The kubeconfig of edge1 is read." in shown


def test_the_command_line_asks_a_host(place: Place, server: ApiServer, tmp_path: Path) -> None:
    """`kube get ssh:HOST`: no plane, no context; the quick way of a cluster is not taken."""
    place.host.with_files({ADMIN: write(server.config())})
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    text = f"{place.laptop.text}Match all\nUserKnownHostsFile {place.laptop.known_hosts}\n"
    (home / ".ssh/config").write_text(text)
    env = {**os.environ, "HOME": str(home), "PATH": f"{server.folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "SSH_AUTH_SOCK"):
        env.pop(name, None)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "edgewright", *words]
        return subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)

    done = run("kube", "get", f"ssh:{TARGET}", "pods", "--", "-n", "shop", "-o", "name")
    assert done.returncode == 0 and "pod/till-0" in done.stdout, done.stderr
    refused = run("kube", "get", f"ssh:{TARGET}", "pods", "--relay")
    assert refused.returncode == 2 and "through its host alone" in refused.stderr
    wrong = run("kube", "get", "ssh:a;b", "pods")
    assert wrong.returncode == 7 and "not a valid host name" in wrong.stderr


async def test_without_sudo_the_next_step_is_shown(tmp_path: Path) -> None:
    """A user whose `sudo -n` is refused, and a file that only root reads: the sentence of sudo."""
    from edgewright.clients.ssh.kube.reading import read_files, script
    from edgewright.clients.ssh.ports import ScriptResult

    class AsUser:
        async def run_script(
            self, body: bytes, *, timeout: float, limit: int, sudo: bool = False, each_piece: object = None
        ) -> ScriptResult:
            if sudo:
                raise Refused("sudo on edge1 asks kairos for a password.", "Connect as root.", "SudoRefused")
            marker = body.split(b"\n", 1)[0].removeprefix(b"M=").decode()
            assert script(marker) == body
            return ScriptResult(0, f"\n{marker} closed {ADMIN}\n\n{marker} done\n".encode(), b"", False, 0.1)

        async def aclose(self) -> None:
            return

    with pytest.raises(Refused, match="sudo on edge1"):
        await read_files(AsUser())
