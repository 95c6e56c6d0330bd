"""Made-up hosts that could be real: sites in cities, four kinds of hardware, addresses that fit together.

The same seed makes the same fleet, with the same UIDs and registration ids, so that a second run meets its own records.
"""

from __future__ import annotations

import hashlib
import random
from typing import Any, Dict, List, NamedTuple, Tuple

from edgewright.agent.facts.device import Facts

CITIES = (
    "berlin", "kiel", "bremen", "leipzig", "dresden", "rostock", "hannover", "essen", "koeln", "mainz", "ulm", "passau",
    "wien", "graz", "zuerich", "basel", "bern", "prag", "brno", "gdansk", "poznan", "lyon", "nantes", "lille", "gent",
    "utrecht", "aarhus", "malmoe", "bergen", "turku", "porto", "bilbao",
)  # fmt: skip
HOSTS_OF_A_SITE = 6
_ROLES = ("store", "factory", "tower", "depot")


class Kind(NamedTuple):
    """One kind of hardware."""

    arch: str
    cores: Tuple[int, ...]
    memory_gb: Tuple[int, ...]
    disks: Tuple[Tuple[str, str, int], ...]
    """(controller, vendor, GB)."""
    gpu: Tuple[str, str, str]
    """(vendor, model, memory); empty texts for none."""
    oui: str
    systems: Tuple[Tuple[str, str, str], ...]
    """(family, version, kernel)."""
    share: int


_NONE = ("", "", "")
_UBUNTU = (("ubuntu", "22.04", "5.15.0-130-generic"), ("ubuntu", "24.04", "6.8.0-52-generic"))
KINDS = (
    Kind("amd64", (4, 8, 12), (16, 32), (("nvme", "Samsung SSD 980", 512),), _NONE, "48:21:0b",
         (*_UBUNTU, ("opensuse-leap", "15.6", "6.4.0-150600.23-default")), 50),
    Kind("amd64", (16, 32), (64, 128, 256), (("nvme", "Dell Ent NVMe", 960), ("nvme", "Dell Ent NVMe", 1920)),
         ("NVIDIA", "AD104GL [L4]", "24 GB"), "b0:7b:25", _UBUNTU, 20),
    Kind("arm64", (8, 12), (32, 64), (("nvme", "KIOXIA BG5", 1024),), ("NVIDIA", "Jetson AGX Orin", "shared"),
         "48:b0:2d", (("ubuntu", "22.04", "5.15.148-tegra"),), 15),
    Kind("arm64", (4,), (4, 8), (("mmc", "BJTD4R", 64),), _NONE, "d8:3a:dd",
         (("debian", "12", "6.6.62+rpt-rpi-v8"),), 15),
)  # fmt: skip


class MadeHost(NamedTuple):
    """A host that does not exist."""

    uid: str
    site: str
    labels: Dict[str, str]
    facts: Facts
    memory_mb: int


def make_hosts(count: int, seed: int) -> List[MadeHost]:
    """Return `count` hosts; those of one seed are the same in every run, and fewer are the first of more."""
    return [_make(index, seed) for index in range(count)]


def registration_id(uid: str, seed: int) -> str:
    """Return the registration id of a made-up host: the same in every run, so that its record lets it in again (P9)."""
    return hashlib.sha256(f"simulated {seed} {uid}".encode()).hexdigest()[:32]


def new_boot_id(rng: random.Random) -> str:
    """Return an id as the kernel makes one for each boot."""
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def site_name(index: int) -> str:
    """Return the name of a site: `berlin-01` for the first, `kiel-01` for the second, `berlin-02` after all cities."""
    return f"{CITIES[index % len(CITIES)]}-{index // len(CITIES) + 1:02d}"


def _make(index: int, seed: int) -> MadeHost:
    rng = random.Random(f"{seed} {index}")  # noqa: S311 - made-up hosts, not secrets
    site_index, place = divmod(index, HOSTS_OF_A_SITE)
    site = site_name(site_index)
    kind = rng.choices(KINDS, [entry.share for entry in KINDS])[0]
    uid = f"edge-{site}-{place + 1:02d}-{rng.getrandbits(24):06x}"
    mac = f"{kind.oui}:{rng.getrandbits(8):02x}:{rng.getrandbits(8):02x}:{rng.getrandbits(8):02x}"
    net = f"10.{20 + site_index // 256 % 200}.{site_index % 256}"
    family, version, kernel = rng.choice(kind.systems)
    memory_mb = rng.choice(kind.memory_gb) * 1024 - rng.randrange(200, 700)
    slot = rng.choices(("active", "passive", ""), (80, 4, 16))[0]
    device: Dict[str, Any] = {
        "archType": kind.arch,
        "cpu": {"cores": rng.choice(kind.cores)},
        "memory": {"sizeInMB": memory_mb},
        "disks": [_disk(rng, number, *disk) for number, disk in enumerate(kind.disks)],
        "nics": _nics(net, 10 + place, mac),
        "gpus": _gpus(kind),
        "os": {"family": family, "version": version, "kernel": "Linux", "kernelVersion": kernel},
        "hostState": "registration",
        "hostType": "appliance" if slot else "agent-mode",
        "secureBoot": kind.arch == "amd64" and rng.random() < 0.6,
    }
    key = hashlib.sha256(uid.encode()).hexdigest()
    extension = {
        "bootSlot": slot,
        "bootId": new_boot_id(rng),
        "booted": {"slot": slot, "image": f"simulated appliance ({family} {version})"} if slot else {},
        "sshHostKeys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + key[:43]],
        "foldedNics": rng.choice((0, 0, 12, 30)),
    }
    labels = {"site": site, "role": _ROLES[site_index % len(_ROLES)], "ring": rng.choice(("1", "2", "3"))}
    address = f"{net}.{10 + place}"
    facts = Facts(device, extension, f"{site}-{place + 1:02d}", address, mac, str(extension["bootId"]))
    return MadeHost(uid, site, labels, facts, memory_mb)


def _disk(rng: random.Random, number: int, controller: str, vendor: str, size: int) -> Dict[str, Any]:
    total = size * 950
    used = int(total * rng.uniform(0.18, 0.78))
    mount = "/" if number == 0 else "/var/lib/data"
    part = {"mountPoint": mount, "fileSystemType": "ext4", "totalSpace": total, "usedSpace": used}
    return {
        "controller": controller,
        "vendor": vendor,
        "size": size,
        "partitions": [{**part, "freeSpace": total - used}],
    }


def _nics(net: str, last: int, mac: str) -> List[Dict[str, Any]]:
    first = {"nicName": "eth0", "macAddr": mac, "ip": f"{net}.{last}", "subnet": f"{net}.0/24", "isDefault": True}
    return [{**first, "gateway": f"{net}.1", "dns": [f"{net}.1"]}]


def _gpus(kind: Kind) -> List[Dict[str, Any]]:
    vendor, model, memory = kind.gpu
    return [{"vendor": vendor, "model": model, "memory": memory, "gpuCount": 1, "addresses": {}}] if vendor else []
