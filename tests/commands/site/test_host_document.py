"""A host that is open by SSH as the document of an edge host: what is not known is left out."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.clients.local_api.documents import Cluster, HostInfo
from edgewright.commands.site.api.host_document import Known, SiteHosts, document_of
from edgewright.core.doctor.facts import Address, Facts, FileSystem
from edgewright.core.errors import Failed
from edgewright.wire.palette.edgehost import EdgeHost
from tests.clients.local_api.stand_in import HOST, SAMPLES

FACTS = Facts(
    0.0, hostname="edge-7f3a", system="Ubuntu 24.04", kernel="Linux 6.8.0", cpus=4, memory_kb=8_388_608,
    available_kb=4_194_304, load=0.5, uptime=60.0, slot="active",
    addresses=(Address("eno1", "10.4.1.7"), Address("lo", "127.0.0.1")), default_route=("10.4.1.1", "eno1"),
    name_servers=("10.4.1.1",),
    file_systems=(FileSystem("/", kind="ext4", size_kb=16_777_216, free_kb=4_194_304), FileSystem("/run", kind="tmpfs",
                  size_kb=10, free_kb=1), FileSystem("/mnt")),
)  # fmt: skip


def test_the_probes() -> None:
    host = EdgeHost(document_of(Known(FACTS, 10.0)))
    assert (host.name, host.cpu_cores, host.memory_mb, host.kernel) == ("edge-7f3a", 4, 8192, "Linux 6.8.0")
    assert (host.boot_slot, host.load1, host.uptime_seconds, host.memory_used_mb) == ("active", 0.5, 60.0, 4096)
    (nic,) = host.nics
    assert (nic.name, nic.ip, nic.gateway, nic.is_default, nic.dns) == (
        "eno1", "10.4.1.7", "10.4.1.1", True, ["10.4.1.1"])  # fmt: skip
    (disk,) = host.disks
    assert [(each.mount_point, each.percent) for each in disk.partitions] == [("/", 75.0)]
    assert [(each.total, each.used, each.free) for each in disk.partitions] == [(16_384, 12_288, 4_096)], "in MB"


def test_nothing_that_is_not_known_is_there() -> None:
    host = EdgeHost(document_of(Known(Facts(0.0), 10.0)))
    assert host.cpu_cores is None and host.memory_mb is None and host.load1 is None and not host.disks
    assert host.uid == "" and host.agent_version == "" and host.boot_slot == ""


def test_the_local_api_counts_and_the_newer_disks() -> None:
    info = HostInfo(SAMPLES[HOST])
    newer = EdgeHost(document_of(Known(FACTS, 10.0, info, 20.0, Cluster({}), 20.0)))
    assert (newer.uid, newer.cpu_cores, newer.agent_version, newer.state) == ("edge-7f3a-uid", 8, "4.8.2", "Ready")
    assert newer.nics[0].mac and newer.boot_slot == "active"
    assert newer.disks[0].partitions[0].percent != 75.0
    older = EdgeHost(document_of(Known(FACTS, 30.0, info, 20.0)))
    assert older.disks[0].partitions[0].percent == 75.0
    assert EdgeHost(document_of(Known(None, None, info, 20.0))).cpu_cores == 8


async def test_the_port_gives_it() -> None:
    class Site:
        facts: Any = None

        def known(self) -> Known:
            return Known(self.facts, 1.0)

    site = Site()
    with pytest.raises(Failed, match="Nothing was read"):
        await SiteHosts(site).get("ssh:edge-1")
    site.facts = FACTS
    assert (await SiteHosts(site).get("ssh:edge-1"))["metadata"]["name"] == "edge-7f3a"
