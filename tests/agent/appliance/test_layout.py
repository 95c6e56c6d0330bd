"""The plan of the disk: Kairos's sizes where there is room, small systems where there is not, and what is refused."""

from __future__ import annotations

import pytest

from edgewright.agent.appliance.install_spec import read_install_spec
from edgewright.agent.appliance.layout import MIB, mkfs_arguments, partition_path, plan, sfdisk_text
from edgewright.core.errors import InvalidInput, Refused

SLOT = 190 * MIB


def sizes(install: dict[str, object], gib: float) -> dict[str, int]:
    return {part.name: part.size for part in plan(read_install_spec({"install": install}), int(gib * 1024) * MIB, SLOT)}


def test_a_large_disk_gets_the_sizes_of_kairos() -> None:
    found = sizes({}, 128)
    assert found["efi"] == found["oem"] == 64
    assert found["recovery"] == 2 * 3072 + 200 and found["state"] == 3 * 3072 + 1000
    assert sum(found.values()) == 128 * 1024 - 2


def test_a_small_disk_gets_systems_of_twice_what_the_medium_holds() -> None:
    found = sizes({}, 16)
    assert found["recovery"] == 2 * 384 + 200 and found["state"] == 3 * 384 + 1000
    assert found["persistent"] == 16 * 1024 - 2 - 1 - 64 - 64 - 968 - 2152


def test_asked_sizes_win_and_the_last_partition_takes_the_rest() -> None:
    wish: dict[str, object] = {
        "partitions": {"persistent": {"size": 4096}, "oem": {"size": "128"}},
        "extra-partitions": [{"name": "data", "size": 0, "fs": "xfs"}],
    }
    found = sizes(wish, 16)
    assert found["oem"] == 128 and found["persistent"] == 4096
    assert found["data"] > 8000 and sum(found.values()) == 16 * 1024 - 2


def test_two_partitions_cannot_both_take_the_rest() -> None:
    with pytest.raises(InvalidInput, match="persistent and data have no size"):
        sizes({"extra-partitions": [{"name": "data"}]}, 16)


def test_a_disk_that_is_too_small_says_how_much_is_missing() -> None:
    with pytest.raises(Refused, match=r"3763 MiB are needed and it has 2048; 1715 MiB are missing") as caught:
        sizes({}, 2)
    assert caught.value.code == "DiskTooSmall"


def test_a_state_partition_that_cannot_hold_two_systems_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"partitions\.state\.size is 300 MiB"):
        sizes({"partitions": {"state": {"size": 300}}}, 64)


def test_what_sfdisk_reads_is_aligned_and_whole() -> None:
    text = sfdisk_text(plan(read_install_spec({}), 16384 * MIB, SLOT))
    lines = [line for line in text.splitlines() if " : " in line]
    assert lines[0] == '1 : start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649, name="bios_grub"'
    assert lines[1].startswith("2 : start=4096, size=131072, type=C12A7328")
    assert len(lines) == 6


def test_names_of_partitions_and_commands_of_file_systems() -> None:
    assert partition_path("/dev/sda", 3) == "/dev/sda3"
    assert partition_path("/dev/nvme0n1", 3) == "/dev/nvme0n1p3"
    parts = plan(read_install_spec({}), 16384 * MIB, SLOT)
    assert mkfs_arguments(parts[1], "/dev/x2") == ["mkfs.vfat", "-n", "COS_GRUB", "/dev/x2"]
    assert mkfs_arguments(parts[4], "/dev/x5")[0] == "mkfs.ext4"


@pytest.mark.parametrize(
    ("install", "said"),
    [
        ({"device": "sda"}, "not a device"),
        ({"device": "script://x"}, "script"),
        ({"reboot": True, "poweroff": True}, "both set"),
        ({"partitions": {"oem": {"size": "10G"}}}, "not an integer"),
        ({"partitions": {"oem": {"fs": "btrfs"}}}, "file system btrfs"),
        ({"extra-partitions": [{"size": 5}]}, "no name"),
        ({"extra-partitions": [{"name": "a", "label": "COS_OEM"}]}, "taken"),
        ({"bind_mounts": ["/var/../etc"]}, "contains no directory"),
        ([1], "not a map"),
    ],
)
def test_wishes_that_no_installation_can_follow(install: object, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_install_spec({"install": install})


def test_unknown_and_unsupported_keys_are_told() -> None:
    wish = read_install_spec({"install": {"auto": "true", "devise": "x", "bundles": [], "device": "auto"}})
    assert wish.auto and not wish.device
    assert wish.notices == (
        "install.devise is not known and is left out.",
        "install.bundles is not supported by this appliance and is left out.",
    )
