"""Facts of hosts that do not exist, read from folders that look like theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.agent.facts import device, disks, firmware, network, system
from edgewright.agent.kernel.hostfs import Root


class Made:
    """A made-up root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = Root(str(folder))

    def put(self, name: str, text: str | bytes) -> None:
        path = self.folder / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def link(self, name: str, target: str) -> None:
        path = self.folder / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(self.folder / target.lstrip("/"))


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


@pytest.fixture
def node(made: Made) -> Made:
    """A Kubernetes node with two disks, a GPU and thirty virtual interfaces."""
    made.put("/sys/devices/system/cpu/online", "0-7,16\n")
    made.put("/proc/meminfo", "MemTotal:  16384000 kB\nMemFree: 1 kB\nMemAvailable:  4096000 kB\n")
    made.put("/proc/sys/kernel/arch", "aarch64\n")
    made.put("/proc/sys/kernel/ostype", "Linux\n")
    made.put("/proc/sys/kernel/osrelease", "6.1.0-18-arm64\n")
    made.put("/proc/sys/kernel/hostname", "store-7\n")
    made.put("/proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n")
    made.put("/etc/os-release", 'NAME="Debian"\nID=debian\nVERSION_ID="12"\n')
    made.put("/proc/cmdline", "root=LABEL=COS_PASSIVE cos-img/filename=/cOS/passive.img\n")
    made.put("/sys/devices/pci0/nvme/nvme0n1/size", "2000409264\n")
    made.put("/sys/devices/pci0/nvme/nvme0n1/nvme0n1p1/partition", "1\n")
    made.put("/sys/devices/pci0/nvme/nvme0n1/device/model", "KINGSTON SNV2S\n")
    made.link("/sys/block/nvme0n1", "/sys/devices/pci0/nvme/nvme0n1")
    made.link("/sys/class/block/nvme0n1", "/sys/devices/pci0/nvme/nvme0n1")
    made.link("/sys/class/block/nvme0n1p1", "/sys/devices/pci0/nvme/nvme0n1/nvme0n1p1")
    made.put("/sys/block/loop0/size", "100\n")
    made.put("/sys/block/dm-0/size", "100000\n")
    made.put("/sys/block/dm-0/slaves/nvme0n1/size", "1")
    made.put(
        "/proc/self/mounts",
        "/dev/nvme0n1p1 / ext4 rw 0 0\n/dev/nvme0n1p1 /etc/hosts ext4 rw 0 0\n"
        "/dev/dm-0 /var/lib/my\\040data xfs rw 0 0\n"
        "proc /proc proc rw 0 0\n/dev/loop0 /snap squashfs ro 0 0\n",
    )
    for index, name in enumerate(
        ["lo", "eth0", "eth1", "docker0", "cni0", "flannel.1"] + [f"veth{i:08x}" for i in range(27)]
    ):
        made.put(f"/sys/class/net/{name}/ifindex", f"{index + 1}\n")
        made.put(f"/sys/class/net/{name}/address", f"02:00:00:00:00:{index:02x}\n")
    made.put(
        "/proc/net/route",
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
        "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\n"
        "eth1\t00000000\t0102A8C0\t0003\t0\t0\t50\t00000000\n",
    )
    made.put("/etc/resolv.conf", "nameserver 127.0.0.53\n")
    made.put("/run/systemd/resolve/resolv.conf", "nameserver 9.9.9.9\nnameserver 2620:fe::fe\n")
    base = "/sys/bus/pci/devices/0000:01:00.0"
    made.put(base + "/class", "0x030200\n")
    made.put(base + "/vendor", "0x10de\n")
    made.put(base + "/device", "0x27b8\n")
    made.put(
        "/usr/share/misc/pci.ids", "# list\n10dd  Other\n10de  NVIDIA\n\t27b7  no\n\t27b8  AD104GL [L4]\n1234  x\n"
    )
    made.put("/sys/bus/pci/devices/0000:00:00.0/class", "0x060000\n")
    made.put("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", b"\6\0\0\0\1")
    made.put("/etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAAC3Nza root@store-7\n")
    made.put("/etc/ssh/ssh_host_ed25519_key", "PRIVATE\n")
    made.put("/etc/ssh/ssh_host_odd_key.pub", "something else\n")
    return made


def addresses() -> network.Addresses:
    return {2: [("fe80::1", 64), ("192.168.1.20", 24)], 3: [("2001:db8::5", 64), ("192.168.2.20", 25)]}


def usage(path: str) -> tuple[int, int, int] | None:
    return (
        (100_000_000_000, 97_000_000_000, 3_000_000_000) if path.endswith("my data") else (10**12, 10**11, 9 * 10**11)
    )


def test_a_node_tells_what_the_device_schema_holds(node: Made) -> None:
    facts = device.collect(node.root, usage, addresses)
    told = facts.device
    assert (told["archType"], told["cpu"], told["memory"]) == ("arm64", {"cores": 9}, {"sizeInMB": 16000})
    assert told["os"] == {"family": "debian", "version": "12", "kernel": "Linux", "kernelVersion": "6.1.0-18-arm64"}
    assert (told["hostType"], told["hostState"], told["secureBoot"]) == ("appliance", "registration", True)
    assert [nic["nicName"] for nic in told["nics"]] == ["eth1", "eth0"], "the default one first, virtual ones folded"
    first = told["nics"][0]
    assert (first["ip"], first["subnet"], first["gateway"]) == ("192.168.2.20", "192.168.2.0/25", "192.168.2.1")
    assert first["dns"] == ["9.9.9.9", "2620:fe::fe"] and first["isDefault"]
    assert told["nics"][1]["ip"] == "192.168.1.20"
    assert told["gpus"] == [
        {"vendor": "NVIDIA", "model": "AD104GL [L4]", "gpuCount": 1, "addresses": {"0000:01:00.0": "0000:01:00.0"}}
    ]
    assert facts.extension["foldedNics"] == 30
    assert facts.extension["bootSlot"] == "passive"
    assert facts.extension["sshHostKeys"] == ["ssh-ed25519 AAAAC3Nza"]
    assert (facts.host_name, facts.address, facts.mac) == ("store-7", "192.168.2.20", "02:00:00:00:00:02")


def test_disks_carry_their_file_systems_each_once(node: Made) -> None:
    found = {disk["vendor"] or disk["controller"]: disk for disk in disks.disks(node.root, usage)}
    nvme = found["KINGSTON SNV2S"]
    assert (nvme["controller"], nvme["size"]) == ("nvme", 1024)
    assert [part["mountPoint"] for part in nvme["partitions"]] == ["/", "/var/lib/my data"]
    assert nvme["partitions"][0] == {
        "mountPoint": "/", "fileSystemType": "ext4", "totalSpace": 1000000, "usedSpace": 100000, "freeSpace": 900000
    }  # fmt: skip
    assert "loop0" not in str(found)


def test_the_fullest_file_system_is_named(node: Made) -> None:
    assert device.collect(node.root, usage, addresses).fullest == ("/var/lib/my data", 97)


def test_a_container_whose_root_lies_on_no_disk_still_tells_its_room(made: Made) -> None:
    made.put("/proc/self/mounts", "overlay / overlay rw 0 0\ntmpfs /run tmpfs rw 0 0\n")
    (disk,) = disks.disks(made.root, usage)
    assert (disk["controller"], disk["vendor"], disk["size"]) == ("virtual", "overlay", 1000)
    assert [part["mountPoint"] for part in disk["partitions"]] == ["/"]


def test_small_movements_do_not_change_the_digest_and_large_ones_do(node: Made) -> None:
    def digest(used: int) -> str:
        return device.collect(node.root, lambda path: (10**12, used, 10**12 - used), addresses).digest

    assert digest(500 * 10**9) == digest(502 * 10**9)
    assert digest(500 * 10**9) != digest(600 * 10**9)
    before = digest(500 * 10**9)
    node.put("/etc/os-release", "ID=debian\nVERSION_ID=13\n")
    assert digest(500 * 10**9) != before


def test_a_host_that_tells_nothing_gives_empty_facts_and_no_error(made: Made) -> None:
    facts = device.collect(made.root, lambda path: None, dict)
    assert facts.device["nics"] == [] and facts.device["disks"] == [] and facts.device["gpus"] == []
    assert facts.device["cpu"] == {"cores": 0} and facts.address == "" and facts.fullest == ("", 0)
    made.put("/proc/meminfo", b"\xff\0MemTotal: many\n")
    made.put("/proc/net/route", "Iface\nx y\neth0\t00000000\tZZ\t3\t0\t0\tx\t00000000\n")
    made.put("/sys/devices/system/cpu/online", "0-x\n")
    made.put("/etc/os-release", "=\n\nID\n")
    assert device.collect(made.root, lambda path: None, dict).device["memory"] == {"sizeInMB": 0}


@pytest.mark.parametrize(
    ("line", "slot"),
    [
        ("root=LABEL=COS_ACTIVE cos-img/filename=/cOS/active.img", "active"),
        ("cos-img/filename=/cOS/passive.img", "passive"),
        ("root=LABEL=COS_SYSTEM recovery-mode cos-img/filename=/cOS/recovery.img", "recovery"),
        ("root=/dev/vda1 quiet", ""),
    ],
)
def test_the_boot_slot_is_read_from_the_command_line(made: Made, line: str, slot: str) -> None:
    made.put("/proc/cmdline", line)
    assert firmware.boot_slot(made.root) == slot


def test_the_gauges_tell_the_mean_since_the_reading_before(made: Made) -> None:
    made.put("/proc/stat", "cpu  100 0 100 800 0 0 0 0 0 0\n")
    made.put("/proc/loadavg", "1.25 1 1 1/1 1\n")
    made.put("/proc/uptime", "3600.52 1\n")
    made.put("/proc/meminfo", "MemTotal: 1024000 kB\nMemAvailable: 512000 kB\n")
    meter = system.Meter(made.root)
    made.put("/proc/stat", "cpu  150 0 125 825 0 0 0 0 0 0\n")
    gauges = meter.read()
    assert (gauges.load1, gauges.cpu_percent, gauges.memory_used_mb, gauges.uptime_seconds) == (1.25, 75.0, 500, 3600)
    assert meter.read().cpu_percent == 0.0


def test_the_ipv6_default_route_counts_where_there_is_no_other(made: Made) -> None:
    zeros = "0" * 32
    made.put(
        "/proc/net/ipv6_route",
        f"{zeros} 00 {zeros} 00 {zeros} ffffffff 1 0 00200200 lo\n"
        f"{zeros} 00 {zeros} 00 fe80000000000000000000000000000 1 00000400 1 0 00000003 eth0\n"
        f"{zeros} 00 {zeros} 00 fe800000000000000000000000000001 00000400 1 0 00000003 eth0\n",
    )
    assert network.default_route(made.root) == ("eth0", "fe80::1")


def test_this_machine_answers_by_netlink() -> None:
    found = [address for entries in network.kernel_addresses().values() for address, _ in entries]
    assert "127.0.0.1" in found or found == []
