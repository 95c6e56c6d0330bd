"""Facts of boot and firmware: the boot slot of an A/B image, secure boot, GPUs, the host's SSH keys."""

from __future__ import annotations

from typing import Any, Dict, List

from edgewright.agent.kernel.hostfs import Root

ACTIVE, PASSIVE, RECOVERY = "active", "passive", "recovery"
_SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_SLOT_LABELS = (
    (RECOVERY, ("cos_recovery", "recovery.img", "recovery.squashfs", "recovery-mode")),
    (PASSIVE, ("cos_passive", "passive.img")),
    (ACTIVE, ("cos_active", "active.img")),
)
_GPU_VENDORS = {"10de": "NVIDIA", "1002": "AMD", "8086": "Intel", "1a03": "ASPEED", "1234": "QEMU", "1af4": "Red Hat"}
_PCI_IDS = ("/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids")
_KEY_TYPES = ("ssh-ed25519", "ecdsa-sha2-", "ssh-rsa")


def boot_slot(root: Root) -> str:
    """Return which image of an A/B host runs: `active`, `passive`, `recovery`, or nothing on a host without slots."""
    line = root.text("/proc/cmdline", 8192).lower()
    for slot, text in _SLOT_LABELS:
        if any(word in line for word in text):
            return slot
    return ""


def secure_boot(root: Root) -> bool:
    """Return whether the firmware enforces secure boot (the fifth byte of its variable)."""
    data = root.data(_SECURE_BOOT, 8)
    return len(data) >= 5 and data[4] == 1


def ssh_host_keys(root: Root) -> List[str]:
    """Return the host's public SSH keys as `type base64`, without their comments."""
    keys = []
    for name in root.names("/etc/ssh"):
        if not (name.startswith("ssh_host_") and name.endswith("_key.pub")):
            continue
        fields = root.text(f"/etc/ssh/{name}", 16384).split()
        if len(fields) >= 2 and fields[0].startswith(_KEY_TYPES):
            keys.append(f"{fields[0]} {fields[1]}")
    return sorted(keys)[:8]


def gpus(root: Root) -> List[Dict[str, Any]]:
    """Return the display controllers (PCI class 03) as `v1GPUDeviceSpec`, one entry for each model."""
    models: Dict[str, Dict[str, Any]] = {}
    for slot in root.names("/sys/bus/pci/devices"):
        base = f"/sys/bus/pci/devices/{slot}"
        if not root.text(base + "/class", 16).lower().startswith("0x03"):
            continue
        vendor = root.text(base + "/vendor", 16)[2:].lower()
        device = root.text(base + "/device", 16)[2:].lower()
        entry = models.get(vendor + device)
        if entry is None:
            entry = {
                "vendor": _GPU_VENDORS.get(vendor, vendor),
                "model": _nvidia_model(root, slot) or _pci_name(root, vendor, device) or device,
                "gpuCount": 0,
                "addresses": {},
            }
            models[vendor + device] = entry
        entry["gpuCount"] += 1
        entry["addresses"][slot] = slot
    return list(models.values())[:32]


def _nvidia_model(root: Root, slot: str) -> str:
    for line in root.lines(f"/proc/driver/nvidia/gpus/{slot}/information"):
        name, _, value = line.partition(":")
        if name.strip() == "Model":
            return value.strip()
    return ""


def _pci_name(root: Root, vendor: str, device: str) -> str:
    """Look a device up in the machine's own pci.ids, line by line since the file is larger than the agent."""
    for name in _PCI_IDS:
        try:
            with open(root.path(name), encoding="utf-8", errors="replace") as file:
                inside = False
                for line in file:
                    if line[:1] in "#\n":
                        continue
                    if not line.startswith("\t"):
                        if inside:
                            return ""
                        inside = line.lower().startswith(vendor)
                    elif inside and line[1:2] != "\t" and line[1:5].lower() == device:
                        return line[5:].strip()
        except OSError:
            continue
    return ""
