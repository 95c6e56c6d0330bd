"""Values of `install`: the disk, its partitions, and what happens at the end of an installation."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping

from edgewright.core.cloudconfig.findings import Finding, error, note, warning
from edgewright.core.cloudconfig.look import at, is_path, items, mapping, shown, text
from edgewright.core.cloudconfig.schema import model
from edgewright.core.cloudconfig.schema.model import is_template
from edgewright.core.cloudconfig.site import is_site_only
from edgewright.core.cloudconfig.users import accounts

RESERVED = (
    "COS_GRUB",
    "COS_OEM",
    "COS_STATE",
    "COS_RECOVERY",
    "COS_PERSISTENT",
    "COS_ACTIVE",
    "COS_PASSIVE",
    "COS_LIVE",
)
"""Labels that the system finds its own partitions by."""


def check_install(document: Mapping[str, Any], profile: str = model.PALETTE) -> List[Finding]:
    """Return what is wrong with the values of `install`."""
    if not isinstance(document.get("install"), Mapping):
        return [] if "install" in document or is_site_only(document) else _waits({})
    install = mapping(document["install"])
    return [*_waits(install), *_end(install), *_device(install), *_partitions(install), *_others(document, install)]


def _waits(install: Mapping[str, Any]) -> List[Finding]:
    """Return that an operator is needed at the console: neither `auto` nor a disk is given."""
    if install.get("auto") is True or text(install.get("device")):
        return []
    message = (
        "Neither install.auto nor install.device is set: the installers of Kairos and of the reference appliance wait "
        "for an operator at the console of the box."
    )
    return [note("install", message, "Set install.auto: true to take the largest disk.", "Waits")]


def _end(install: Mapping[str, Any]) -> List[Finding]:
    reboot, poweroff = install.get("reboot") is True, install.get("poweroff") is True
    if reboot and poweroff:
        message = "install has both reboot and poweroff; the installer does one of them only."
        return [error("install.poweroff", message, "Remove all but one of them.", "RebootAndPoweroff")]
    if reboot:
        message = "install.reboot is set: a machine that boots from the medium again begins the installation again."
        hint = "Put the disk before the medium in the boot order, pull the medium in time, or take poweroff instead."
        return [warning("install.reboot", message, hint, "ReinstallLoop")]
    if not poweroff:
        message = "At the end of the installation the screen stays: an operator must remove the medium and reboot."
        return [
            note("install", message, "Set install.poweroff or install.reboot to end without an operator.", "StaysOn")
        ]
    return []


def _device(install: Mapping[str, Any]) -> List[Finding]:
    device = install.get("device")
    if not isinstance(device, str) or not device or is_template(device):
        return []
    path = "install.device"
    if not re.fullmatch(r"auto|/dev/[^\s]+|script://[^\s]+", device):
        near = f"; the nearest is `/dev/{device.strip()}`" if re.fullmatch(r"\s*[a-z0-9]+\s*", device) else ""
        message = f"{path} is {shown(device)}; it must be auto, /dev/NAME or script://PATH{near}."
        return [error(path, message, "See the names: lsblk", "Device")]
    if re.fullmatch(
        r"/dev/(?:[a-z]*[sv]d[a-z]+|xvd[a-z]+)[0-9]+|/dev/(?:nvme[0-9]+n[0-9]+|mmcblk[0-9]+)p[0-9]+", device
    ):
        return [error(path, f"{path} is {device}, a partition.", "Name the disk, not a partition.", "Device")]
    if re.fullmatch(r"/dev/(?:sd|vd|xvd|hd)[a-z]+", device):
        message = f"{path} is {device}: disks may change these names from boot to boot, and a USB stick is one of them."
        hint = "Where there are several disks take /dev/disk/by-path/..., /dev/disk/by-id/... or script://."
        return [note(path, message, hint, "Device")]
    return []


def _partitions(install: Mapping[str, Any]) -> List[Finding]:
    findings: List[Finding] = []
    extra = items(install.get("extra-partitions"))[:100]
    names: Dict[str, int] = {}
    rest = [place for place, item in enumerate(extra) if isinstance(item, Mapping) and not item.get("size")]
    for place, item in enumerate(extra):
        path = f"install.extra-partitions[{place}]"
        raw = mapping(item)
        name, label = text(raw.get("name")), text(raw.get("label"))
        if isinstance(item, Mapping) and not name:
            message = f"{path} has no name; the installer refuses it."
            findings.append(error(f"{path}.name", message, "Give it one, e.g. data.", "Partition"))
        for word, what in ((name, "name"), (label, "label")):
            if word.upper() in RESERVED:
                message = f"{path}.{what} is {shown(word)}, by which the system finds a partition of its own."
                findings.append(error(f"{path}.{what}", message, "Take another one.", "Partition"))
        if name and name in names:
            message = f"install.extra-partitions[{names[name]}] and [{place}] have the same name {shown(name)}."
            findings.append(error(f"{path}.name", message, "Give each its own.", "Duplicate"))
        names.setdefault(name, place)
    if len(rest) > 1 or (rest and rest[0] != len(extra) - 1):
        path = f"install.extra-partitions[{rest[0]}]"
        message = f"{path} has no size and is not the last: only the last partition can take the rest of the disk."
        findings.append(error(f"{path}.size", message, "Give it a size in MiB.", "Partition"))
    persistent = at(install, "partitions", "persistent")
    if rest and not mapping(persistent).get("size"):
        message = "Both the persistent partition and the last extra one would take the rest of the disk."
        path = "install.partitions.persistent.size"
        findings.append(error(path, message, f"Give install.partitions.persistent.size in MiB ({_FEW}).", "Partition"))
    for name, least in (("persistent", 2048), ("oem", 32), ("state", 4096), ("recovery", 2048)):
        size = at(install, "partitions", name, "size")
        if isinstance(size, int) and not isinstance(size, bool) and 0 < size < least:
            message = (
                f"install.partitions.{name}.size is {size} MiB, which is less than the {least} that it needs to work."
            )
            hint = "Sizes are in MiB: 20 GiB is 20480."
            findings.append(warning(f"install.partitions.{name}.size", message, hint, "Partition"))
    return findings


_FEW = "images, logs and workloads live there: 20480 and more"


def _others(document: Mapping[str, Any], install: Mapping[str, Any]) -> List[Finding]:
    matches = []
    if install.get("ssh_hardening") is True and not any(account.keys for account in accounts(document)):
        message = (
            "install.ssh_hardening is set and no user has an SSH key: no login would be possible, and the installer "
            "refuses."
        )
        matches.append(error("install.ssh_hardening", message, "Give a user ssh_authorized_keys.", "NoKey"))
    for key in ("bind_mounts", "ephemeral_mounts", "extra-dirs-rootfs"):
        for place, item in enumerate(items(install.get(key))[:200]):
            if isinstance(item, str) and not is_path(item) and not is_template(item):
                path = f"install.{key}[{place}]"
                matches.append(error(path, f"{path} must be an absolute path, not {shown(item)}.", "", "Path"))
    for name, value in mapping(install.get("grub_options")).items():
        if isinstance(value, str) and "\n" in value:
            path = f"install.grub_options.{name}"
            matches.append(error(path, f"{path} must be one line.", "", "CommandLine"))
    if items(install.get("encrypted_partitions")):
        message = "Encrypted partitions need a TPM 2.0, or a server that gives the key out, at every boot."
        matches.append(note("install.encrypted_partitions", message, code="Encrypted"))
    return matches
