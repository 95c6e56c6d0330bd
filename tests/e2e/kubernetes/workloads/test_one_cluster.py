"""Open hosts of one cluster: real sshds, a real API server, kubectl. One row, and one API through those that are up."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

import pytest

from edgewright.commands.site.api.listed import listed
from edgewright.core.errors import Unreachable
from edgewright.store.collections.catalogue.cluster_rows import cluster_row
from edgewright.store.workloads.kinds import PODS
from edgewright.yamltext.writer import write
from tests.clients.ssh.conftest import key_files
from tests.e2e.kubernetes.workloads.api_server import ApiServer
from tests.e2e.kubernetes.workloads.host_sshd import Host
from tests.e2e.kubernetes.workloads.stand_ins import Maker
from tests.e2e.kubernetes.workloads.test_by_host import ADMIN, Place, closing, kubelet_files, place, server, until

__all__ = ["key_files", "place", "server"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


async def test_open_hosts_of_one_cluster_are_one_row_and_its_api_is_asked_through_one_that_is_connected(
    place: Place, server: ApiServer, tmp_path: Path, key_files: dict[str, Path]
) -> None:
    """Two control planes by the uid that kubectl reads, a worker by the CA; then the first host is lost."""
    authority = {"/etc/kubernetes/pki/ca.crt": (server.folder / "ca.crt").read_text()}
    files = (
        {ADMIN: write(server.config()), **authority},
        {ADMIN: write(server.config()), **authority},
        kubelet_files(server, "edge-2"),
    )
    with contextlib.ExitStack() as stack:
        hosts = [
            place.host,
            *(stack.enter_context(Host(tmp_path / f"s{n}", [key_files["host-ed25519"]])) for n in (2, 3)),
        ]
        for number, (host, own) in enumerate(zip(hosts, files, strict=True), 1):
            programs = host.folder / "root/var/lib/rancher/rke2/bin"
            programs.mkdir(parents=True)
            shutil.copy(server.kubectl, programs / "kubectl")
            host.with_files({**own, "/etc/machine-id": f"{32 * str(number)}\n"})
            if number > 1:
                host.allow(key_files["user"].with_name("user.pub"))
                place.laptop.block(f"edge{number}", host.port, key_files["user"])
                place.laptop.knows(host, key_files["host-ed25519"])
        sites = [await place.open_site(f"edge{number}") for number in (1, 2, 3)]
        async with closing(*sites):
            for site in sites:
                await site.read()
            assert sites[0].facts is not None and sites[0].facts.cluster_uid, sites[0].read_problem
            events = listed(sites)
            assert list(events) == ["ssh:edge1", "ssh:edge2", "ssh:edge3"], "three hosts"
            assert [event["cluster"] is None for event in events.values()] == [False, True, True]
            row = cluster_row(events["ssh:edge1"]["cluster"])
            assert row is not None and (row.name, row.nodes) == ("ssh:edge1 and 2 others", 2)
            opened = place.opened()
            async with closing(opened):
                opened.enter()
                pods = opened.follow(PODS, lambda keys: None)
                await until(lambda: pods.live)
                hosts[0].stop()
                await sites[0].broke(Unreachable("The connection to edge1 broke."))
                event = listed(sites)["ssh:edge1"]
                assert (event["clusterLink"], event["clusterWay"]) == ("open", "ssh:edge2")
                maker = Maker(server, time.time() - 100)
                await maker.pod("shop", "moved-0", "edge-1")
                await until(lambda: pods.live and "shop/moved-0" in pods.rows, 40)
                await maker.aclose()
            api = await place.api()
            assert "edge1 is not connected: its cluster is asked through edge2." in place.lines
            await api.request("DELETE", "/api/v1/namespaces/shop/pods/moved-0")
            await api.aclose()
